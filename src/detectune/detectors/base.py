"""What every detector offers, whatever is inside.

    inputs ─► features ─► maps ─► heads ─► predictions      call: both, one after the other
                 training:  named_losses  predictions, truth → scalars that training minimizes
                 inference: postprocess   predictions, sizes → detections that a user sees

Something may look at the maps in between: `features` and `heads` can be called one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.detectors.extra_losses import ExtraLosses
from detectune.detectors.frozen import FrozenFeatures
from detectune.structures import (
    Array,
    GroundTruth,
    Inputs,
    PaddedDetections,
    RawDetections,
    as_inputs,
)

# What a subclass has to define. Keras's metaclass does not see abstract methods.
_CONTRACT = ("features", "heads", "named_losses", "postprocess")


class Detector(keras.Model):
    """A Keras model that `fit` trains on batches of `(Inputs, GroundTruth.as_batch())`.

    A subclass sets `loss_names` and defines `features`, `heads`, `named_losses` and `postprocess`.

    Args:
        num_classes: without background.
        pad_value: RGB colour that images are padded with, see `data.resizers`.
        loss_names: the keys of `named_losses`, where they depend on its parts.

    Raises:
        TypeError: the subclass leaves out a part of the contract.
    """

    loss_names: tuple[str, ...] = ()
    """The keys of `named_losses`."""
    clips_raw_boxes: bool = False
    """Whether raw boxes are clipped to the picture. Exports give those as fractions of the picture,
    others as fractions of the padded input, as the original does."""
    needs: Needs = BOXES_ONLY
    """What is read of the data beside images, boxes and classes."""
    frozen: FrozenFeatures | None = None
    """How training computes the features, where their beginning is frozen."""
    extra_losses: ExtraLosses | None
    """What this training minimizes beside `named_losses`; see `add_losses`."""

    def __init__(
        self,
        *,
        num_classes: int,
        pad_value: tuple[float, float, float],
        name: str,
        loss_names: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(name=name)
        self.loss_names = self.loss_names if loss_names is None else loss_names
        _check_contract(type(self), self.loss_names)
        self.num_classes, self.pad_value = num_classes, pad_value
        names = (*self.loss_names, "regularization_loss", "total_loss")
        self.loss_trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.use_regularization = True
        # Not on the class: on PyTorch, where layers are no plain attributes, that would hide it.
        self.extra_losses = None

    def features(self, images: Array, training: bool = False) -> Sequence[Array]:
        """Feature maps `[B, h, w, D]`, fine to coarse, of images `[B, H, W, 3]`, 0–255, RGB."""
        raise _left_out(type(self), "features")

    @property
    def feature_parts(self) -> tuple[Backbone, Layer | None] | None:
        """Backbone and neck, if `features` is one after the other and nothing else.

        None where that is not so: then all of it is computed in every training step.
        """
        return None

    def heads(self, inputs: Inputs, maps: Sequence[Array], training: bool = False) -> Any:
        """What can be said about `maps`; every tensor in it has the batch as its first axis."""
        raise _left_out(type(self), "heads")

    def named_losses(
        self, inputs: Inputs | Array, truth: GroundTruth, out: Any, *, training: bool = True
    ) -> dict[str, Array]:
        """Named scalars, each already weighted, whose sum training minimizes.

        Args:
            inputs: what `out` was made from; images alone will do.
            training: as in the `call` that returned `out`.
        """
        raise _left_out(type(self), "named_losses")

    def postprocess(self, inputs: Inputs | Array, out: Any, sizes: Array) -> PaddedDetections:
        """The best boxes of every image, in pixels of the model's input.

        Args:
            inputs: what `out` was made from; images alone will do.
            out: what `call` returned.
            sizes: `[B, 2]`, height and width of each image inside its padding.
        """
        raise _left_out(type(self), "postprocess")

    def postprocess_with_raw(
        self, inputs: Inputs | Array, out: Any, sizes: Array
    ) -> tuple[PaddedDetections, RawDetections | None]:
        """`postprocess`, and all boxes that the best were chosen from, where there are such."""
        return self.postprocess(inputs, out, sizes), None

    def call(self, inputs: Inputs | Array, training: bool = False) -> Any:
        """Predictions of the heads; images `[B, H, W, 3]` float32, 0–255, RGB, alone will do."""
        inputs = as_inputs(inputs)
        if training and self.frozen is not None:
            maps = self.frozen(inputs)
        else:
            maps = self.features(inputs["images"], training=training)
        return self.heads(inputs, maps, training=training)

    def add_losses(self, extra: ExtraLosses) -> None:
        """Let training steps minimize `extra`, too; call it before `compile`."""
        # Keras locks what is built; to the network nothing is added here.
        tracker: Any = self._tracker
        tracker.unlock()
        self.extra_losses = extra
        for name in extra.loss_names:
            self.loss_trackers[name] = keras.metrics.Mean(name=name)
        tracker.lock()

    @property
    def network_description(self) -> str:
        """The network in `backbone` as data, if it is one of the user's (`backbones.stored`); empty
        for others, of which the config says all."""
        return getattr(getattr(self, "backbone", None), "description", "")

    def detect(self, inputs: Inputs | Array, sizes: Array) -> PaddedDetections:
        """`postprocess` of `call`, in inference mode."""
        return self.postprocess(inputs, self(inputs, training=False), sizes)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None,
        sample_weight: Array = None, training: bool = True,
    ) -> Array:  # fmt: skip
        """The sum of all losses; each is followed by a tracker of its own."""
        truth = GroundTruth.from_batch(y)
        losses = self.named_losses(x, truth, y_pred, training=training)
        if set(losses) != set(self.loss_names):
            raise TypeError(
                f"{type(self).__name__}.named_losses returns {sorted(losses)}, "
                f"and loss_names says {sorted(self.loss_names)}."
            )
        if training and self.extra_losses is not None:
            losses |= self.extra_losses.named_losses(self, as_inputs(x), truth, y_pred)
        penalties = self.losses if self.use_regularization else []
        losses["regularization_loss"] = ops.sum(ops.stack(penalties)) if penalties else 0.0
        total = sum(losses.values())
        for name, value in {**losses, "total_loss": total}.items():
            self.loss_trackers[name].update_state(value)
        return total

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.loss_trackers.values())

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Array = None
    ) -> dict[str, Array]:
        return {name: tracker.result() for name, tracker in self.loss_trackers.items()}


def _check_contract(kind: type[Detector], loss_names: tuple[str, ...]) -> None:
    for name in _CONTRACT:
        if getattr(kind, name) is getattr(Detector, name):
            raise _left_out(kind, name)
    if not loss_names:
        raise TypeError(f"{kind.__name__}: a detector names its losses in `loss_names`.")


def _left_out(kind: type, name: str) -> TypeError:
    return TypeError(
        f"{kind.__name__} does not define `{name}`. A detector defines {', '.join(_CONTRACT)}; "
        "see detectors/base.py."
    )
