"""`model { rcnn { … } }`: crops of proposals through a network, and support vector machines.

What each of these questions is for: `config.architectures.base`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectune.config import schema
from detectune.config.architectures.base import Architecture
from detectune.config.extractor_names import ExtractorNames
from detectune.config.feature_extractors import FEATURE_EXTRACTORS
from detectune.config.needs import Needs
from detectune.config.network_block import network_conflicts, network_files
from detectune.config.part_conflicts import resizer_conflicts
from detectune.config.problems import Problem
from detectune.registry import architectures

STAGE = "support_vectors"
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
    """Proposals of the data, a network that stays as it is, and a classifier for each class."""

    message: schema.Rcnn
    extractors = CROP_EXTRACTORS
    extractor_example = "rcnn_keras"
    stages = (STAGE,)

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
