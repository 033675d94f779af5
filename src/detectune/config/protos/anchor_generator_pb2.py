"""Messages of `anchor_generator.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import flexible_grid_anchor_generator_pb2 as _flexible_grid_anchor_generator  # noqa: F401
from detectune.config.protos import grid_anchor_generator_pb2 as _grid_anchor_generator  # noqa: F401
from detectune.config.protos import multiscale_anchor_generator_pb2 as _multiscale_anchor_generator  # noqa: F401
from detectune.config.protos import ssd_anchor_generator_pb2 as _ssd_anchor_generator  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n.detectune/config/protos/anchor_generator.proto\x12\x10detectune.'
    b'protos\x1a<detectune/config/protos/flexible_grid_anchor_generat'
    b'or.proto\x1a3detectune/config/protos/grid_anchor_generator.prot'
    b'o\x1a9detectune/config/protos/multiscale_anchor_generator.proto'
    b'\x1a2detectune/config/protos/ssd_anchor_generator.proto"\xc7\x03\n\x0fAnc'
    b'horGenerator\x12[\n\x15grid_anchor_generator\x18\x01 \x01(\x0b2%.detectune.prot'
    b'os.GridAnchorGeneratorH\x00R\x13gridAnchorGenerator\x12X\n\x14ssd_anchor_'
    b'generator\x18\x02 \x01(\x0b2$.detectune.protos.SsdAnchorGeneratorH\x00R\x12ssd'
    b'AnchorGenerator\x12m\n\x1bmultiscale_anchor_generator\x18\x03 \x01(\x0b2+.detec'
    b'tune.protos.MultiscaleAnchorGeneratorH\x00R\x19multiscaleAnchorGen'
    b'erator\x12t\n\x1eflexible_grid_anchor_generator\x18\x04 \x01(\x0b2-.detectune.p'
    b'rotos.FlexibleGridAnchorGeneratorH\x00R\x1bflexibleGridAnchorGener'
    b'atorB\x18\n\x16anchor_generator_oneof'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.anchor_generator_pb2", globals())
