"""The named tuples that travel between layers.

Axes: `B` batch, `H W` image, `A` anchors, `N` ground-truth boxes, `K` kept detections,
`P` proposals, `C` classes. Inside the program a box is float32 `(ymin, xmin, ymax, xmax)` in
pixels of the model's input, and a class is a 0-based index without background; both are converted
only where data enters (`data`) and leaves (`evaluation`, `inference`, `export`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Required, TypedDict, cast

from detectune.errors import DataError, three_part

# A NumPy array or a tensor of the active Keras backend. Shapes are stated in docstrings.
Array = Any


class Inputs(TypedDict, total=False):
    """What a detector is given: images, and whatever else its `needs` name as inputs."""

    images: Required[Array]
    """`[B, H, W, 3]` float32, 0–255, RGB."""
    proposals: Array
    """`[B, P, 4]` float32, yxyx in pixels of the model's input; those without area are padding."""
    kept: Sequence[Array]
    """Maps `[B, h, w, D]` that a frozen beginning of the network made of the images before. These
    are then `[B, H, W, 0]`: they say their size only."""
    target: Mapping[str, Array]
    """Images of another domain, of which nobody said what is in them, for domain adaptation: what
    a detector is given with them, and "sizes" `[B, 2]`, see `GroundTruth`. No detector looks."""


def as_inputs(inputs: Inputs | Array) -> Inputs:
    """`inputs`, or images `[B, H, W, 3]` alone as the inputs that they are."""
    return cast(Inputs, inputs) if isinstance(inputs, dict) else Inputs(images=inputs)


def image_size(inputs: Inputs | Array) -> tuple[int, int]:
    """Height and width of the model's input, pixels."""
    height, width = as_inputs(inputs)["images"].shape[1:3]
    return int(height), int(width)


class GroundTruth(NamedTuple):
    """What is really in a batch of images, padded to `N` boxes per image."""

    boxes: Array
    """`[B, N, 4]` float32, yxyx in pixels of the model's input; zeros in padding."""
    classes: Array
    """`[B, N]` int32, 0-based; 0 in padding."""
    valid: Array
    """`[B, N]` bool, False in padding."""
    weights: Array
    """`[B, N]` float32, how much a box counts in the loss; 0 in padding."""
    sizes: Array = None
    """`[B, 2]` float32, height and width of each picture inside the model's input, the rest of
    which is padding; None where pictures fill it."""
    labelled: Array = None
    """`[B]` bool, False where nobody said what is in an image: it counts in no loss. None where all
    images are labelled."""
    columns: Mapping[str, Array] = {}
    """What else is known of every box, by name, see `data.columns`: "masks" are `[B, N, H, W]`
    uint8, 1 where the object is, in pixels of the model's input."""

    def column(self, name: str) -> Array:
        """The annotation `name` of every box.

        Raises:
            DataError: it was not read with the data.
        """
        if name not in self.columns:
            raise DataError(
                three_part(
                    f'the ground truth has no column "{name}".',
                    f"Read with the data were: {', '.join(self.columns) or 'boxes only'}.",
                    "Name it in the detector's `needs`, so that it is read.",
                )
            )
        return self.columns[name]

    def as_batch(self) -> dict[str, Array]:
        """One flat dictionary without what is None, as batches of training are."""
        own = {name: part for name, part in self._asdict().items() if name != "columns"}
        return {name: part for name, part in own.items() if part is not None} | {**self.columns}

    @classmethod
    def from_batch(cls, batch: Mapping[str, Array] | tuple[Array, ...]) -> GroundTruth:
        """The ground truth that `as_batch` gave, or a tuple in the order of the fields here."""
        if isinstance(batch, tuple):
            return cls(*batch)
        own = {name: part for name, part in batch.items() if name in cls._fields}
        others = {name: part for name, part in batch.items() if name not in cls._fields}
        return cls(**own, columns=others)


class Predictions(NamedTuple):
    """What a single-shot detector says about every anchor, before decoding."""

    box_codes: Array
    """`[B, A, 4]` float32, regression relative to the anchors, see `boxes.coders`."""
    class_logits: Array
    """`[B, A, C]` float32, or `[B, A, C + 1]` with the background in column 0."""
    maps: Sequence[Array] = ()
    """Feature maps `[B, h, w, D]`, fine to coarse, that the heads looked at; their sizes say which
    anchors the codes are relative to."""


class PaddedDetections(NamedTuple):
    """The best `K` boxes of every image, sorted by falling score."""

    boxes: Array
    """`[B, K, 4]` float32, yxyx in pixels of the model's input; zeros in padding."""
    scores: Array
    """`[B, K]` float32 in 0–1; 0 in padding."""
    classes: Array
    """`[B, K]` int32, 0-based; 0 in padding."""
    valid: Array
    """`[B, K]` bool, False in padding."""
    class_scores: Array = None
    """`[B, K, C]` or `[B, K, C + 1]` float32: all scores of the anchor each box came from; None
    where boxes come from no anchor or proposal."""
    anchor_indices: Array = None
    """`[B, K]` int32: which anchor, or which proposal, each box came from; None as above."""
    masks: Array = None
    """`[B, K, h, w]` float32 in 0–1: probability that a pixel of a grid over the box belongs to the
    object; None where the detector finds boxes only."""
    features: Array = None
    """`[B, K, h, w, D]` float32: what the second stage saw of each box; None unless asked for."""


class RawDetections(NamedTuple):
    """Every box that a detector considered, before suppression."""

    boxes: Array
    """`[B, A, 4]` float32, yxyx in pixels of the model's input, not clipped."""
    scores: Array
    """`[B, A, C]` or `[B, A, C + 1]` float32, the background in column 0."""


class Proposals(NamedTuple):
    """Boxes `P` per image in which a second stage looks for objects."""

    boxes: Array
    """`[B, P, 4]` float32, yxyx in pixels of the model's input; zeros in padding."""
    valid: Array
    """`[B, P]` bool, False in padding."""
    scores: Array = None
    """`[B, P]` float32: how sure the first stage is of an object; None where nobody said."""


class AnchorTargets(NamedTuple):
    """What the network should say at every anchor."""

    box_codes: Array
    """`[B, A, 4]` float32; zeros where nothing is matched."""
    box_weights: Array
    """`[B, A]` float32; 0 where nothing is matched."""
    class_targets: Array
    """`[B, A, C]` or `[B, A, C + 1]` float32, one-hot."""
    class_weights: Array
    """`[B, A]` float32; 0 where an anchor is ignored."""
    matches: Array
    """`[B, A]` int32: index of the matched box, −1 unmatched, −2 ignored."""


class AnchorBags(NamedTuple):
    """The anchors that may find a box, for every box of a batch."""

    indices: Array
    """`[B, N, K]` int32: the anchors in the bag of each box."""
    truth: GroundTruth
    """The boxes, with weights of 0 where they do not count: padding, and images without labels."""
    counts: Array
    """`[B]` float32: 0 for images that nobody labelled, whose anchors do not count either."""
