"""`config new --backbone NETWORK`: a model of the zoo with another network under it.

--model ssd_fpn_keras --backbone ConvNeXtTiny     the numbers of RetinaNet ResNet50 640x640
--model ssd_fpn_keras --backbone MobileNet        those of FPNLite 320x320, for small networks
--model ZOO_NAME      --backbone mine.keras       those of that model
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from detectune.config import schema
from detectune.config.application_names import APPLICATIONS, PUBLISHED
from detectune.config.architectures import architecture_of
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.config.architectures.two_stage import REGION_EXTRACTORS
from detectune.config.checkpoint_paths import IMAGENET
from detectune.config.extractor_names import ExtractorNames
from detectune.config.network_block import same_letters
from detectune.config.own_network import with_network
from detectune.errors import ConfigError, did_you_mean, three_part


class _Numbers(NamedTuple):
    """Models of the zoo that a new config takes its numbers from."""

    large: str
    small: str


_FOR_SMALL = ("MobileNet", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0")
_NUMBERS: Mapping[str, _Numbers] = {
    "ssd_fpn_keras": _Numbers(
        "ssd_resnet50_v1_fpn_640x640_coco17_tpu-8",
        "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8",
    ),
    "ssd_bifpn_keras": _Numbers("efficientdet_d1_coco17_tpu-32", "efficientdet_d0_coco17_tpu-32"),
    "ssd_extras_keras": _Numbers(*["ssd_mobilenet_v2_320x320_coco17_tpu-8"] * 2),
    "faster_rcnn_fpn_keras": _Numbers(*["faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8"] * 2),
}
GENERIC_MODELS = tuple(_NUMBERS)
"""What `--model` may say beside models of the zoo, with a backbone."""


def model_and_backbone(model: str, backbone: str) -> tuple[str, str]:
    """The model of the zoo whose numbers are taken, and the network that stands in it.

    Args:
        model: a model of the zoo, a type such as `ssd_fpn_keras`, or one that names a network of
            Keras, such as `ssd_vgg16_fpn_keras`.
        backbone: a network by the name that Keras gives it, or a .keras file; may be empty.

    Raises:
        ConfigError: there is no such network, or none was named.
    """
    for names in (SSD_EXTRACTORS, REGION_EXTRACTORS):
        if model in names.of_keras and not backbone:
            model, backbone = names.with_network(model), _network_in(model, names)
    if backbone:
        backbone = known_network(backbone)
    elif model in _NUMBERS:
        raise ConfigError(
            three_part(
                f"--model {model}: it says what stands on a network, and not which network.",
                "Beside a model of the zoo, --model may be such a type with --backbone.",
                "Add --backbone ResNet50V2, for example, or a .keras file of yours.",
            )
        )
    if model not in _NUMBERS:
        return model, backbone
    numbers = _NUMBERS[model]
    return numbers.small if backbone.startswith(_FOR_SMALL) else numbers.large, backbone


def put_under(model: schema.DetectionModel, backbone: str) -> schema.DetectionModel:
    """`model` with the network `backbone` under it, by a name of Keras or in a .keras file.

    Raises:
        ConfigError: no network can be put under this model.
    """
    changed = with_network(model)
    architecture = architecture_of(changed)
    names, extractor = architecture.extractors, architecture.message.feature_extractor
    if names is None or extractor.type not in names.neck_only:
        raise ConfigError(
            three_part(
                f"--backbone {backbone}: the model has no pyramid, and its second stage goes on "
                "with its own network.",
                f"With --backbone, --model is one of {', '.join(GENERIC_MODELS)}, or a model of "
                "the zoo with a pyramid, an SSD or an EfficientDet.",
                "Write --model faster_rcnn_fpn_keras.",
            )
        )
    if is_file(backbone):
        extractor.backbone.saved = backbone
    else:
        extractor.backbone.name = backbone
    return changed


def default_start(backbone: str) -> str:
    """What a training on `backbone` begins with, if nobody says otherwise; empty for its file."""
    return "" if is_file(backbone) else IMAGENET


def is_file(backbone: str) -> bool:
    """Whether it is a .keras file, and not a name."""
    return backbone.endswith(".keras")


def known_network(backbone: str) -> str:
    """`backbone`, which is a network of Keras or a .keras file.

    Raises:
        ConfigError: it is none.
    """
    names = [*APPLICATIONS, *PUBLISHED]
    if backbone in names or is_file(backbone):
        return backbone
    guess = same_letters(backbone, names) or did_you_mean(backbone, names)
    raise ConfigError(
        three_part(
            f'--backbone {backbone}: no network is called "{backbone}".',
            f"Known: {', '.join(names)}.",
            f"{guess}Choose one of these, or name a .keras file of yours.",
        )
    )


def _network_in(name: str, names: ExtractorNames) -> str:
    """The network of Keras that a type such as `ssd_vgg16_fpn_keras` names."""
    neck = names.neck_only[names.with_network(name)]
    ending = "_keras" if neck == "extras" else f"_{neck}_keras"
    key = name.removeprefix(names.prefix).removesuffix(ending)
    return next(network for network, known in APPLICATIONS.items() if known == key)
