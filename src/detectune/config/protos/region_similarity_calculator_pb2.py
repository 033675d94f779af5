"""Messages of `region_similarity_calculator.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n:detectune/config/protos/region_similarity_calculator.proto'
    b'\x12\x10detectune.protos"\x8f\x03\n\x1aRegionSimilarityCalculator\x12\\\n\x16neg_sq_'
    b'dist_similarity\x18\x01 \x01(\x0b2%.detectune.protos.NegSqDistSimilarity'
    b'H\x00R\x13negSqDistSimilarity\x12H\n\x0eiou_similarity\x18\x02 \x01(\x0b2\x1f.detectune.'
    b'protos.IouSimilarityH\x00R\riouSimilarity\x12H\n\x0eioa_similarity\x18\x03 \x01('
    b'\x0b2\x1f.detectune.protos.IoaSimilarityH\x00R\rioaSimilarity\x12j\n\x1athres'
    b'holded_iou_similarity\x18\x04 \x01(\x0b2*.detectune.protos.ThresholdedIo'
    b'uSimilarityH\x00R\x18thresholdedIouSimilarityB\x13\n\x11region_similarity'
    b'"\x15\n\x13NegSqDistSimilarity"\x0f\n\rIouSimilarity"\x0f\n\rIoaSimilarity"D\n'
    b'\x18ThresholdedIouSimilarity\x12(\n\riou_threshold\x18\x01 \x01(\x02:\x030.5R\x0ciouTh'
    b'reshold'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.region_similarity_calculator_pb2", globals())
