"""Feature extractors of TensorFlow 1: what they are called here, or what to take instead.

The original kept two sets of names: those of TensorFlow 1, on TF-Slim, and those of TensorFlow 2,
which end in `_keras`. A config with an old name means the old network: where the two differ, in
layers or in defaults, the old form is built (`BackboneFamily.tf1`).
"""

from __future__ import annotations

from detectune.config import schema

TF1_EXTRACTORS = {
    "ssd_inception_v2": "ssd_inception_v2_keras",
    "ssd_inception_v3": "ssd_inception_v3_keras",
    "ssd_mobilenet_v1": "ssd_mobilenet_v1_keras",
    "ssd_mobilenet_v1_fpn": "ssd_mobilenet_v1_fpn_keras",
    "ssd_mobilenet_v2": "ssd_mobilenet_v2_keras",
    "ssd_mobilenet_v2_fpn": "ssd_mobilenet_v2_fpn_keras",
    "ssd_mobilenet_v3_large": "ssd_mobilenet_v3_large_keras",
    "ssd_mobilenet_v3_small": "ssd_mobilenet_v3_small_keras",
    "ssd_resnet50_v1_fpn": "ssd_resnet50_v1_fpn_keras",
    "ssd_resnet101_v1_fpn": "ssd_resnet101_v1_fpn_keras",
    "ssd_resnet152_v1_fpn": "ssd_resnet152_v1_fpn_keras",
}
"""Name in TensorFlow 1 → name of the same network in its Keras form."""

TF1_REGION_EXTRACTORS = {
    "faster_rcnn_inception_resnet_v2": "faster_rcnn_inception_resnet_v2_keras",
    "faster_rcnn_inception_v2": "",
    "faster_rcnn_resnet50": "faster_rcnn_resnet50_keras",
    "faster_rcnn_resnet101": "faster_rcnn_resnet101_keras",
    "faster_rcnn_resnet152": "faster_rcnn_resnet152_keras",
}
"""The same for two-stage detectors; empty if there is no Keras form."""

NOT_BUILT = {
    "embedded_ssd_mobilenet_v1": "ssd_mobilenet_v1",
    "faster_rcnn_nas": "faster_rcnn_inception_resnet_v2_keras",
    "faster_rcnn_pnas": "faster_rcnn_inception_resnet_v2_keras",
    "ssd_mobiledet_cpu": "ssd_mobilenet_v3_large",
    "ssd_mobiledet_dsp": "ssd_mobilenet_v2_fpn_keras",
    "ssd_mobiledet_edgetpu": "ssd_mobilenet_v2_fpn_keras",
    "ssd_mobiledet_gpu": "ssd_mobilenet_v2_fpn_keras",
    "ssd_mobilenet_edgetpu": "ssd_mobilenet_v2_fpn_keras",
    "ssd_mobilenet_v1_ppn": "ssd_mobilenet_v1",
    "ssd_mobilenet_v2_mnasfpn": "ssd_mobilenet_v2_fpn_keras",
    "ssd_pnasnet": "ssd_resnet50_v1_fpn_keras",
    "ssd_resnet50_v1_ppn": "ssd_resnet50_v1_fpn_keras",
    "ssd_resnet101_v1_ppn": "ssd_resnet101_v1_fpn_keras",
    "ssd_resnet152_v1_ppn": "ssd_resnet152_v1_fpn_keras",
    "ssd_spaghettinet": "ssd_mobilenet_v2_fpn_keras",
}
"""Name of a network that there is only for TensorFlow 1, and not here → the nearest one here.

Names that begin with one of these, as `ssd_spaghettinet_edgetpu_s` does, are meant too.
"""


def is_tf1(name: str) -> bool:
    """Whether `name` is that of a feature extractor in TensorFlow 1 that can be built."""
    return name in TF1_EXTRACTORS or name in TF1_REGION_EXTRACTORS


def written_for_tf1(model: schema.DetectionModel) -> bool:
    """Whether `model { … }` names a feature extractor of TensorFlow 1."""
    kind = model.WhichOneof("model")
    if kind not in ("ssd", "faster_rcnn", "fast_rcnn"):
        return False
    return is_tf1(getattr(model, kind).feature_extractor.type)


def keras_name(name: str) -> str:
    """The Keras form of the feature extractor `name`, which may be that already; empty if there is
    none."""
    return (TF1_EXTRACTORS | TF1_REGION_EXTRACTORS).get(name, name)


def note(name: str) -> tuple[str, str] | None:
    """What a user should know about the old name `name`, in two sentences; None if it is not."""
    if not is_tf1(name):
        return None
    new = keras_name(name)
    return (
        f'"{name}" is the name in TensorFlow 1 of "{new}".'
        if new
        else f'"{name}" is a name of TensorFlow 1.',
        "It is built as it was there, and takes checkpoints of TensorFlow 1.",
    )


def refusal(name: str) -> tuple[str, str, str] | None:
    """Found, allowed and next step for a network that is not built; None for any other name."""
    matches = [known for known in NOT_BUILT if name.startswith(known)]
    if not matches or is_tf1(name):
        return None
    nearest = NOT_BUILT[max(matches, key=len)]
    return (
        f'the feature extractor "{name}" exists in TensorFlow 1 only, and is not built here.',
        f'The nearest one is "{nearest}".',
        f'Write type: "{nearest}"; a checkpoint of the old network does not fit it.',
    )
