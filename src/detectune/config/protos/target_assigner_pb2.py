"""Messages of `target_assigner.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import box_coder_pb2 as _box_coder  # noqa: F401
from detectune.config.protos import matcher_pb2 as _matcher  # noqa: F401
from detectune.config.protos import region_similarity_calculator_pb2 as _region_similarity_calculator  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n-detectune/config/protos/target_assigner.proto\x12\x10detectune.p'
    b"rotos\x1a'detectune/config/protos/box_coder.proto\x1a%detectune/co"
    b'nfig/protos/matcher.proto\x1a:detectune/config/protos/region_si'
    b'milarity_calculator.proto"\xe1\x01\n\x0eTargetAssigner\x123\n\x07matcher\x18\x01 \x01('
    b'\x0b2\x19.detectune.protos.MatcherR\x07matcher\x12a\n\x15similarity_calculat'
    b'or\x18\x02 \x01(\x0b2,.detectune.protos.RegionSimilarityCalculatorR\x14simi'
    b'larityCalculator\x127\n\tbox_coder\x18\x03 \x01(\x0b2\x1a.detectune.protos.BoxCo'
    b'derR\x08boxCoder'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.target_assigner_pb2", globals())
