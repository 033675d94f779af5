"""Messages of `fpn.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n!detectune/config/protos/fpn.proto\x12\x10detectune.protos"\x93\x01\n\x16Fe'
    b'aturePyramidNetworks\x12\x1e\n\tmin_level\x18\x01 \x01(\x05:\x013R\x08minLevel\x12\x1e\n\tmax_'
    b'level\x18\x02 \x01(\x05:\x017R\x08maxLevel\x129\n\x16additional_layer_depth\x18\x03 \x01(\x05:\x0325'
    b'6R\x14additionalLayerDepth"\xe4\x01\n#BidirectionalFeaturePyramidNetwo'
    b'rks\x12\x1e\n\tmin_level\x18\x01 \x01(\x05:\x013R\x08minLevel\x12\x1e\n\tmax_level\x18\x02 \x01(\x05:\x017R\x08m'
    b'axLevel\x12%\n\x0enum_iterations\x18\x03 \x01(\x05R\rnumIterations\x12\x1f\n\x0bnum_filter'
    b's\x18\x04 \x01(\x05R\nnumFilters\x125\n\x0ecombine_method\x18\x05 \x01(\t:\x0efast_attentionR'
    b'\rcombineMethod'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.fpn_pb2", globals())
