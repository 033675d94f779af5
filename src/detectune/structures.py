"""The named tuples that travel between layers.

Axes: `B` batch, `H W` image, `A` anchors, `N` ground-truth boxes, `K` kept detections,
`P` proposals, `C` classes. Inside the program a box is float32 `(ymin, xmin, ymax, xmax)` in
pixels of the model's input, and a class is a 0-based index without background; both are converted
only where data enters (`data`) and leaves (`evaluation`, `inference`, `export`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

# A NumPy array or a tensor of the active Keras backend. Shapes are stated in docstrings.
Array = Any


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
    masks: Array = None
    """`[B, N, H, W]` uint8, 1 where the object is, in pixels of the model's input; None where
    masks are not read."""
    sizes: Array = None
    """`[B, 2]` float32, height and width of each picture inside the model's input, the rest of
    which is padding; None where pictures fill it."""


class Predictions(NamedTuple):
    """What a single-shot detector says about every anchor, before decoding."""

    box_codes: Array
    """`[B, A, 4]` float32, regression relative to the anchors, see `boxes.coders`."""
    class_logits: Array
    """`[B, A, C]` float32, or `[B, A, C + 1]` with the background in column 0."""
    anchors: Array = None
    """`[A, 4]` float32, yxyx in pixels of the model's input: what the codes are relative to."""


class Detections(NamedTuple):
    """The best `K` boxes of every image, sorted by falling score."""

    boxes: Array
    """`[B, K, 4]` float32, yxyx in pixels of the model's input; zeros in padding."""
    scores: Array
    """`[B, K]` float32 in 0–1; 0 in padding."""
    classes: Array
    """`[B, K]` int32, 0-based; 0 in padding."""
    valid: Array
    """`[B, K]` bool, False in padding."""
    class_scores: Array
    """`[B, K, C]` or `[B, K, C + 1]` float32: all scores of the anchor each box came from."""
    anchor_indices: Array
    """`[B, K]` int32: which anchor, or which proposal, each box came from."""
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
