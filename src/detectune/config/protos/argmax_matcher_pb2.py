"""Messages of `argmax_matcher.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n,detectune/config/protos/argmax_matcher.proto\x12\x10detectune.pr'
    b'otos"\xe8\x02\n\rArgMaxMatcher\x120\n\x11matched_threshold\x18\x01 \x01(\x02:\x030.5R\x10matc'
    b'hedThreshold\x124\n\x13unmatched_threshold\x18\x02 \x01(\x02:\x030.5R\x12unmatchedThr'
    b'eshold\x122\n\x11ignore_thresholds\x18\x03 \x01(\x08:\x05falseR\x10ignoreThresholds\x12I'
    b'\n\x1enegatives_lower_than_unmatched\x18\x04 \x01(\x08:\x04trueR\x1bnegativesLower'
    b'ThanUnmatched\x12=\n\x18force_match_for_each_row\x18\x05 \x01(\x08:\x05falseR\x14forc'
    b'eMatchForEachRow\x121\n\x11use_matmul_gather\x18\x06 \x01(\x08:\x05falseR\x0fuseMatmu'
    b'lGather'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.argmax_matcher_pb2", globals())
