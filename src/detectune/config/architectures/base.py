"""What is asked about `model { X { … } }` without building it: one class per architecture.

An `Architecture` holds the message X and where it stands. `config check`, `train`, `config new` and
everything else outside the detectors' own files ask it, and never which architecture it is. The
methods here have answers that fit a message with the usual fields `num_classes`, `image_resizer`
and `feature_extractor`; a subclass answers what is different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from google.protobuf.message import Message

from detectune.config import schema
from detectune.config.descriptors import extensions_of, text_name
from detectune.config.extractor_names import ExtractorNames
from detectune.config.field_status import Status
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.config.problems import Problem, missing
from detectune.config.ranges import range_of
from detectune.errors import ConfigError, three_part
from detectune.wording import plural

USUAL_STAGES = ("gradient_descent",)


class Architecture:
    """One architecture's block of a config.

    Args:
        message: the block.
        path: where it stands, such as `model.ssd`; by default found from the type of `message`.
    """

    extractors: ClassVar[ExtractorNames | None] = None
    """The types of its feature extractor; None if it has none, or checks them itself."""
    extractor_example: ClassVar[str] = ""
    """A type to propose where the config has none."""
    field_statuses: ClassVar[Mapping[str, Status]] = {}
    """Fields of a plug-in's messages that are ignored or refused, by their full names."""

    def __init__(self, message: Message, path: str = "") -> None:
        self.message: Any = message
        self.path = path or model_path(message)

    # --- facts ------------------------------------------------------------------------------------

    @property
    def num_classes(self) -> int:
        """Without background; 0 if the config does not say."""
        return self.message.num_classes if self.has("num_classes") else 0

    @property
    def image_resizer(self) -> schema.ImageResizer:
        """How images get the size of the model's input.

        Raises:
            ConfigError: the message has none.
        """
        if self.has("image_resizer"):
            return self.message.image_resizer
        raise ConfigError(
            three_part(
                f"{self.path}: it has no image_resizer.",
                "Images get the size of the model's input from it.",
                "Name another architecture in `model { }` of the pipeline.config.",
            )
        )

    @property
    def feature_extractor(self) -> str:
        """The type of its feature extractor; empty if the config has none."""
        return self.message.feature_extractor.type if self.has("feature_extractor") else ""

    @property
    def written_for_tf1(self) -> bool:
        """Whether it names a feature extractor of TensorFlow 1."""
        return self.extractors is not None and self.extractors.is_tf1(self.feature_extractor)

    @property
    def network(self) -> str:
        """The network that `backbone { }` names, or its file; empty if the type says which."""
        block = self._network_block
        return "" if block is None else block.name or block.saved

    @property
    def brings_weights(self) -> bool:
        """Whether its network comes with weights, or names them."""
        block = self._network_block
        return block is not None and bool(block.saved or block.weights)

    @property
    def _network_block(self) -> schema.BackboneNetwork | None:
        if not self.has("feature_extractor"):
            return None
        extractor: Any = self.message.feature_extractor
        takes_one = "backbone" in extractor.DESCRIPTOR.fields_by_name
        return extractor.backbone if takes_one and extractor.HasField("backbone") else None

    @property
    def keeps_statistics(self) -> bool:
        """Whether its batch norms keep the statistics that they begin with."""
        return False

    @property
    def needs(self) -> Needs:
        """What the detector is given with every image, and what it learns beside boxes."""
        return BOXES_ONLY

    @property
    def predicts_masks(self) -> bool:
        """Whether the detector finds masks."""
        return "masks" in self.needs.annotations

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a training whose config names none."""
        return USUAL_STAGES

    def describe(self) -> str:
        """One phrase for people: the network and the number of classes."""
        network = f" on {self.network}" if self.network else ""
        name = self.feature_extractor or self.path
        return f"{name}{network}, {plural(self.num_classes, 'class')}"

    # --- problems ---------------------------------------------------------------------------------

    @property
    def required(self) -> Mapping[str, str]:
        """Paths inside the message where something must be chosen, each with an example."""
        return {}

    def missing_fields(self) -> Iterator[Problem]:
        """An error for everything that a training needs and the message does not say."""
        if self.has("num_classes") and self.num_classes < 1 and not self._has_range("num_classes"):
            yield missing(f"{self.path}.num_classes", "no number of classes", "num_classes: 3")
        if self.has("feature_extractor") and not self.feature_extractor:
            example = f'feature_extractor {{ type: "{self.extractor_example}" }}'
            yield missing(f"{self.path}.feature_extractor.type", "no feature extractor", example)
        for name, example in self.required.items():
            if not _is_chosen(self.message, name):
                yield missing(f"{self.path}.{name}", f"no {name.split('.')[-1]}", example)

    def conflicts(self) -> Iterator[Problem]:
        """An error for choices that exclude each other; `build_detector` refuses them, too."""
        yield from ()

    def accumulation_conflicts(self) -> Iterator[Problem]:
        """An error if its loss does not allow to compute a batch in parts."""
        yield from ()

    def annotation_conflicts(self, reader: schema.InputReader) -> Iterator[Problem]:
        """An error for each column to learn that the training data are read without."""
        yield from ()

    def warnings(self) -> Iterator[Problem]:
        """A warning for values that are allowed and probably not meant."""
        yield from ()

    def named_files(self) -> Mapping[str, str]:
        """Files that the message names, by the path of the field."""
        return {}

    def has(self, field: str) -> bool:
        """Whether messages of this type have such a field."""
        return field in self.message.DESCRIPTOR.fields_by_name

    def _has_range(self, field: str) -> bool:
        """Whether `field` is set, and to a number that `config.ranges` judges."""
        descriptor = self.message.DESCRIPTOR.fields_by_name[field]
        return range_of(descriptor) is not None and self.message.HasField(field)


def model_path(message: Message) -> str:
    """Where a message of this type stands in a config: `model.ssd`, `model.[toy_plugin.toy]`.

    Raises:
        ValueError: no field of `model { }` takes it.
    """
    model = schema.DetectionModel.DESCRIPTOR
    for field in (*model.fields, *extensions_of(model)):
        block = field.message_type
        if block is not None and block.full_name == message.DESCRIPTOR.full_name:
            return f"model.{text_name(field)}"
    raise ValueError(f"{message.DESCRIPTOR.full_name} is no architecture")


def _is_chosen(message: Message, path: str) -> bool:
    for name in path.split("."):
        message = getattr(message, name)
    return any(message.WhichOneof(group.name) for group in message.DESCRIPTOR.oneofs)
