"""An architecture of another package: its block of a config, what is known of it, its detector.

A package would have `toy.proto` and the module that protoc makes of it; the descriptor below is
what that module holds.

    package toy_plugin;
    message Toy { … }
    extend detectune.protos.DetectionModel { optional Toy toy = 2001; }
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import GetMessageClass

from detectune.config import schema
from detectune.config.architectures import Architecture
from detectune.config.field_status import Status
from detectune.config.needs import Needs
from detectune.config.problems import Problem
from detectune.registry import architectures, detectors

_Field = descriptor_pb2.FieldDescriptorProto
_INT, _BOOL, _TEXT, _MESSAGE = (
    _Field.TYPE_INT32,
    _Field.TYPE_BOOL,
    _Field.TYPE_STRING,
    _Field.TYPE_MESSAGE,
)


def _field(name: str, number: int, type_: Any, **more: Any) -> descriptor_pb2.FieldDescriptorProto:
    return _Field(name=name, number=number, type=type_, label=_Field.LABEL_OPTIONAL, **more)


_FILE = descriptor_pb2.FileDescriptorProto(
    name="toy_plugin/toy.proto",
    package="toy_plugin",
    syntax="proto2",
    dependency=[
        schema.DetectionModel.DESCRIPTOR.file.name,
        schema.ImageResizer.DESCRIPTOR.file.name,
    ],
    message_type=[
        descriptor_pb2.DescriptorProto(
            name="Toy",
            field=[
                _field("num_classes", 1, _INT),
                _field("image_resizer", 2, _MESSAGE, type_name=".detectune.protos.ImageResizer"),
                _field("max_proposals", 3, _INT),
                _field("priors_path", 4, _TEXT),
                _field("old_switch", 5, _BOOL),
                _field("gone_switch", 6, _BOOL),
            ],
        )
    ],
    extension=[
        _field(
            "toy",
            2001,
            _MESSAGE,
            type_name=".toy_plugin.Toy",
            extendee=".detectune.protos.DetectionModel",
        )
    ],
)
_POOL = descriptor_pool.Default()
_POOL.AddSerializedFile(_FILE.SerializeToString())
Toy: Any = GetMessageClass(_POOL.FindMessageTypeByName("toy_plugin.Toy"))
TOY: Any = _POOL.FindExtensionByName("toy_plugin.toy")


@architectures.register("toy")
class ToyArchitecture(Architecture):
    """Looks at the data's proposals."""

    field_statuses: ClassVar[Mapping[str, Status]] = {
        "toy_plugin.Toy.old_switch": Status("ignored", "It did nothing."),
        "toy_plugin.Toy.gone_switch": Status("refused", "It is gone.", "Remove the line."),
    }

    @property
    def required(self) -> Mapping[str, str]:
        return {"image_resizer": "image_resizer { fixed_shape_resizer { } }"}

    @property
    def needs(self) -> Needs:
        return Needs({"proposals": self.message.max_proposals})

    def conflicts(self) -> Iterator[Problem]:
        if self.message.max_proposals < self.num_classes:
            yield Problem(
                "error", f"{self.path}.max_proposals", "too few.", "One per class.", "Write more."
            )

    def warnings(self) -> Iterator[Problem]:
        if self.message.max_proposals > 1000:
            yield Problem(
                "warning", f"{self.path}.max_proposals", "many.", "It takes time.", "Write fewer."
            )

    def named_files(self) -> Mapping[str, str]:
        return {f"{self.path}.priors_path": self.message.priors_path}


@detectors.register("toy")
def build_toy(config: Any) -> Any:
    """A tiny SSD of so many classes."""
    from tiny import tiny_config

    from detectune.detectors.ssd import build_ssd

    ssd = tiny_config().model.ssd
    ssd.num_classes = config.num_classes
    return build_ssd(ssd)
