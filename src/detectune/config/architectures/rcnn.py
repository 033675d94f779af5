"""`model { rcnn { … } }`: crops of proposals through a network, and support vector machines.

What each of these questions is for: `config.architectures.base`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectune.config import schema
from detectune.config.architectures.base import Architecture
from detectune.config.extractor_names import ExtractorNames
from detectune.config.feature_extractors import FEATURE_EXTRACTORS
from detectune.config.freezing import word_conflicts
from detectune.config.needs import Needs
from detectune.config.network_block import network_conflicts, network_files
from detectune.config.part_conflicts import resizer_conflicts
from detectune.config.problems import Problem, missing
from detectune.config.schedule_conflicts import rate_conflicts
from detectune.registry import architectures
from detectune.wording import plural

STAGE = "support_vectors"
FINE_TUNING = "crop_fine_tuning"
_NOT_A_PART = {
    "backbone": "is all of the network, and nothing that stays would be learned",
    "all-but-heads": "is all of the network, and nothing that stays would be learned",
    "neck": "is between a backbone and heads, and nothing is there",
}
_NECKS = ("_bifpn", "_fpn")


def backbone_of(type_: str) -> str:
    """The name of the network in a type: of `rcnn_mobilenet_v2_keras` it is `mobilenet_v2`."""
    return type_.removeprefix("rcnn_").removesuffix("_keras")


def _types() -> tuple[str, ...]:
    names = [one.removeprefix("ssd_").removesuffix("_keras") for one in FEATURE_EXTRACTORS]
    for neck in _NECKS:
        names = [name.removesuffix(neck) for name in names]
    return tuple(f"rcnn_{name}_keras" for name in dict.fromkeys(names))


CROP_EXTRACTORS = ExtractorNames(
    field="RcnnFeatureExtractor.type",
    prefix="rcnn_",
    today=_types(),
    neck_only={"rcnn_keras": "extras"},
    tf1={},
    not_built={},
)


@architectures.register("rcnn")
class RcnnArchitecture(Architecture):
    """Proposals of the data, a network that looks at crops, and a classifier for each class."""

    message: schema.Rcnn
    extractors = CROP_EXTRACTORS
    extractor_example = "rcnn_keras"

    @property
    def stages(self) -> tuple[str, ...]:
        return (FINE_TUNING, STAGE) if self.message.HasField("fine_tuning") else (STAGE,)

    @property
    def needs(self) -> Needs:
        return Needs({"proposals": self.message.max_proposals})

    @property
    def keeps_statistics(self) -> bool:
        return True

    @property
    def required(self) -> Mapping[str, str]:
        return {"image_resizer": "image_resizer { keep_aspect_ratio_resizer { ... } }"}

    def named_files(self) -> Mapping[str, str]:
        return network_files(self.message.feature_extractor, f"{self.path}.feature_extractor")

    def conflicts(self) -> Iterator[Problem]:
        message, path = self.message, self.path
        where = f"{path}.feature_extractor"
        yield from network_conflicts(message.feature_extractor, CROP_EXTRACTORS, where)
        yield from resizer_conflicts(message.image_resizer, f"{path}.image_resizer")
        if message.HasField("fine_tuning"):
            yield from _fine_tuning_conflicts(message.fine_tuning, f"{path}.fine_tuning")


def _fine_tuning_conflicts(config: schema.CropFineTuning, path: str) -> Iterator[Problem]:
    yield from word_conflicts(config.freeze, f"{path}.freeze")
    for index, word in enumerate(config.freeze):
        if word.strip() in _NOT_A_PART:
            yield Problem(
                "error",
                f"{path}.freeze[{index}]",
                f'"{word.strip()}" {_NOT_A_PART[word.strip()]}.',
                'Allowed: "backbone:100" (its first 100 layers), "backbone:LAYER" (up to this '
                'layer), "batch-norm".',
                'Write for example "backbone:100", or remove it.',
            )
    if config.HasField("learning_rate"):
        where = f"{path}.learning_rate"
        if config.learning_rate.WhichOneof("learning_rate") is None:
            example = "learning_rate { constant_learning_rate { learning_rate: 0.001 } }"
            yield missing(where, "no learning rate", example)
        else:
            yield from rate_conflicts(config.learning_rate, where)
    shown = objects_of_batch(config)
    if 0 < config.positive_fraction < 1 < config.batch_size and not 0 < shown < config.batch_size:
        yield Problem(
            "error",
            f"{path}.positive_fraction",
            f"{config.positive_fraction:g} of {plural(config.batch_size, 'crop')} "
            f"{'leaves no background' if shown else 'is no object'}.",
            "Every step needs at least one of either.",
            "Write positive_fraction: 0.25, or a larger batch_size.",
        )


def objects_of_batch(config: schema.CropFineTuning) -> int:
    """How many crops of a step of fine-tuning show an object."""
    return round(config.positive_fraction * config.batch_size)
