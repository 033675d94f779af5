"""The block of an augmentation of another package: what protoc makes of

package toy_augmentation;
message Blink { }
extend detectune.protos.PreprocessingStep { optional Blink blink = 2002; }
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from detectune.config import schema

_FILE = descriptor_pb2.FileDescriptorProto(
    name="toy_augmentation/blink.proto",
    package="toy_augmentation",
    syntax="proto2",
    dependency=[schema.PreprocessingStep.DESCRIPTOR.file.name],
    message_type=[descriptor_pb2.DescriptorProto(name="Blink")],
    extension=[
        descriptor_pb2.FieldDescriptorProto(
            name="blink",
            number=2002,
            type=descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
            type_name=".toy_augmentation.Blink",
            extendee=".detectune.protos.PreprocessingStep",
        )
    ],
)
descriptor_pool.Default().AddSerializedFile(_FILE.SerializeToString())
BLINK: Any = descriptor_pool.Default().FindExtensionByName("toy_augmentation.blink")
