"""Messages of `string_int_label_map.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n2detectune/config/protos/string_int_label_map.proto\x12\x10detect'
    b'une.protos"\x96\x03\n\x15StringIntLabelMapItem\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x0e\n\x02'
    b'id\x18\x02 \x01(\x05R\x02id\x12!\n\x0cdisplay_name\x18\x03 \x01(\tR\x0bdisplayName\x12Q\n\tkeypoints'
    b'\x18\x04 \x03(\x0b23.detectune.protos.StringIntLabelMapItem.KeypointMapR'
    b'\tkeypoints\x12!\n\x0cancestor_ids\x18\x05 \x03(\x05R\x0bancestorIds\x12%\n\x0edescendant_'
    b'ids\x18\x06 \x03(\x05R\rdescendantIds\x12=\n\tfrequency\x18\x07 \x01(\x0e2\x1f.detectune.prot'
    b'os.LVISFrequencyR\tfrequency\x12%\n\x0einstance_count\x18\x08 \x01(\x05R\rinstanc'
    b'eCount\x1a3\n\x0bKeypointMap\x12\x0e\n\x02id\x18\x01 \x01(\x05R\x02id\x12\x14\n\x05label\x18\x02 \x01(\tR\x05label"'
    b"P\n\x11StringIntLabelMap\x12;\n\x04item\x18\x01 \x03(\x0b2'.detectune.protos.String"
    b'IntLabelMapItemR\x04item*D\n\rLVISFrequency\x12\x0f\n\x0bUNSPECIFIED\x10\x00\x12\x0c\n\x08F'
    b'REQUENT\x10\x01\x12\n\n\x06COMMON\x10\x02\x12\x08\n\x04RARE\x10\x03'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.string_int_label_map_pb2", globals())
