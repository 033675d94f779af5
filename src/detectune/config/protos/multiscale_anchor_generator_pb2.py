"""Messages of `multiscale_anchor_generator.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n9detectune/config/protos/multiscale_anchor_generator.proto\x12'
    b'\x10detectune.protos"\x90\x02\n\x19MultiscaleAnchorGenerator\x12\x1e\n\tmin_level'
    b'\x18\x01 \x01(\x05:\x013R\x08minLevel\x12\x1e\n\tmax_level\x18\x02 \x01(\x05:\x017R\x08maxLevel\x12$\n\x0cancho'
    b'r_scale\x18\x03 \x01(\x02:\x014R\x0banchorScale\x12#\n\raspect_ratios\x18\x04 \x03(\x02R\x0caspect'
    b'Ratios\x12-\n\x11scales_per_octave\x18\x05 \x01(\x05:\x012R\x0fscalesPerOctave\x129\n\x15nor'
    b'malize_coordinates\x18\x06 \x01(\x08:\x04trueR\x14normalizeCoordinates'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.multiscale_anchor_generator_pb2", globals())
