"""Frozen means cheap: what nothing trains in is computed as in inference, and kept by no gradient.

    images ─► begin ─► kept ─► go_on ─► maps      begin + go_on = backbone ─► neck
                        └── may come from a disk: `training/feature_cache.py`

`prepare_frozen` looks at what is trainable now. Whoever changes that calls it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.backbones.frozen_prefix import FrozenPrefix, frozen_prefix, is_settled
from detectune.layers.without_gradient import without_gradient
from detectune.structures import Array, Inputs

if TYPE_CHECKING:
    from detectune.detectors.base import Detector


class FrozenFeatures:
    """The features of a detector in training, computed in two parts.

    Args:
        backbone, neck: what makes the features; no neck is None.
        prefix: the network of the backbone, cut.
    """

    def __init__(self, backbone: Backbone, neck: Layer | None, prefix: FrozenPrefix) -> None:
        self.backbone, self.neck, self.prefix = backbone, neck, prefix
        self.with_neck = prefix.whole and neck is not None and is_settled(neck)

    @property
    def layers(self) -> list[Layer]:
        """What lies before the cut."""
        own = self.prefix.layers
        return [*own, self.neck] if self.with_neck and self.neck is not None else own

    @property
    def variables(self) -> list[Any]:
        """What the kept maps depend on."""
        return [variable for layer in self.layers for variable in layer.variables]

    def begin(self, images: Array) -> list[Array]:
        """Maps `[B, h, w, D]` at the cut, of images `[B, H, W, 3]`, 0–255, RGB."""
        return without_gradient(lambda: self._begin(images))

    def _begin(self, images: Array) -> list[Array]:
        cut = self.prefix.begin([self.backbone.normalized(images)], training=False)
        if not self.with_neck or self.neck is None:
            return cut
        return list(self.neck(self._rest(cut, images), training=False))

    def go_on(self, kept: Sequence[Array], images: Array, training: bool = True) -> Sequence[Array]:
        """The detector's features, from what `begin` gave.

        Args:
            images: those that it gave them for, or anything of their size.
            training: whether what is not frozen is computed as training does.
        """
        kept = [ops.cast(one, self.backbone.compute_dtype) for one in kept]
        if self.with_neck:
            return kept
        maps = self._rest(kept, images, training)
        return maps if self.neck is None else self.neck(maps, training=training)

    def _rest(self, cut: Sequence[Array], images: Array, training: bool = True) -> list[Array]:
        sides = [self.backbone.padded(side) for side in images.shape[1:3]]
        return self.backbone.finished(self.prefix.rest(cut, training=training), sides)

    def __call__(self, inputs: Inputs, training: bool = True) -> Sequence[Array]:
        """The features of `inputs`, of which the frozen part may be given."""
        given = inputs.get("kept")
        images = inputs["images"]
        kept = self.begin(images) if given is None else given
        return self.go_on(kept, images, training)


def prepare_frozen(detector: Detector) -> FrozenFeatures | None:
    """Let training steps of `detector` compute what is frozen as in inference; None if nothing is.

    Call it when something has been frozen, and again when that changes, between two steps: a
    training step that is compiled already is compiled anew.
    """
    found = None
    parts = _parts(detector)
    if parts is not None:
        backbone, neck = parts
        prefix = frozen_prefix(backbone.network)
        found = None if prefix is None else FrozenFeatures(backbone, neck, prefix)
    _set(detector, found)
    return found


def _parts(detector: Detector) -> tuple[Backbone, Layer | None] | None:
    """Backbone and neck; None where a subclass makes its features in a way of its own."""
    for kind in type(detector).__mro__:
        if "feature_parts" in vars(kind):
            return detector.feature_parts
        if "features" in vars(kind) or "call" in vars(kind):
            return None
    return None


def forget_frozen(detector: Detector) -> None:
    """Let training steps of `detector` compute everything as what trains is computed."""
    _set(detector, None)


def _set(detector: Detector, frozen: FrozenFeatures | None) -> None:
    if frozen is None and detector.frozen is None:
        return
    detector.frozen = frozen
    if detector.compiled and detector.train_function is not None:
        detector.make_train_function(force=True)
