"""Messages of `image_resizer.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n+detectune/config/protos/image_resizer.proto\x12\x10detectune.pro'
    b'tos"\xfd\x03\n\x0cImageResizer\x12e\n\x19keep_aspect_ratio_resizer\x18\x01 \x01(\x0b2(.de'
    b'tectune.protos.KeepAspectRatioResizerH\x00R\x16keepAspectRatioResi'
    b'zer\x12U\n\x13fixed_shape_resizer\x18\x02 \x01(\x0b2#.detectune.protos.FixedSha'
    b'peResizerH\x00R\x11fixedShapeResizer\x12N\n\x10identity_resizer\x18\x03 \x01(\x0b2!.d'
    b'etectune.protos.IdentityResizerH\x00R\x0fidentityResizer\x12g\n\x19condit'
    b'ional_shape_resizer\x18\x04 \x01(\x0b2).detectune.protos.ConditionalShap'
    b'eResizerH\x00R\x17conditionalShapeResizer\x12_\n\x17pad_to_multiple_resiz'
    b'er\x18\x05 \x01(\x0b2&.detectune.protos.PadToMultipleResizerH\x00R\x14padToMul'
    b'tipleResizerB\x15\n\x13image_resizer_oneof"\x11\n\x0fIdentityResizer"\xde\x02\n\x16K'
    b'eepAspectRatioResizer\x12(\n\rmin_dimension\x18\x01 \x01(\x05:\x03600R\x0cminDimens'
    b'ion\x12)\n\rmax_dimension\x18\x02 \x01(\x05:\x041024R\x0cmaxDimension\x12K\n\rresize_met'
    b'hod\x18\x03 \x01(\x0e2\x1c.detectune.protos.ResizeType:\x08BILINEARR\x0cresizeMet'
    b'hod\x126\n\x14pad_to_max_dimension\x18\x04 \x01(\x08:\x05falseR\x11padToMaxDimension\x12'
    b'7\n\x14convert_to_grayscale\x18\x05 \x01(\x08:\x05falseR\x12convertToGrayscale\x121\n\x15'
    b'per_channel_pad_value\x18\x06 \x03(\x02R\x12perChannelPadValue"\xd1\x01\n\x11FixedSha'
    b'peResizer\x12\x1b\n\x06height\x18\x01 \x01(\x05:\x03300R\x06height\x12\x19\n\x05width\x18\x02 \x01(\x05:\x03300R\x05'
    b'width\x12K\n\rresize_method\x18\x03 \x01(\x0e2\x1c.detectune.protos.ResizeType:\x08'
    b'BILINEARR\x0cresizeMethod\x127\n\x14convert_to_grayscale\x18\x04 \x01(\x08:\x05falseR'
    b'\x12convertToGrayscale"\xe7\x02\n\x17ConditionalShapeResizer\x12`\n\tcondition'
    b'\x18\x01 \x01(\x0e29.detectune.protos.ConditionalShapeResizer.ResizeCond'
    b'ition:\x07GREATERR\tcondition\x12*\n\x0esize_threshold\x18\x02 \x01(\x05:\x03300R\rsize'
    b'Threshold\x12K\n\rresize_method\x18\x03 \x01(\x0e2\x1c.detectune.protos.ResizeTy'
    b'pe:\x08BILINEARR\x0cresizeMethod\x127\n\x14convert_to_grayscale\x18\x04 \x01(\x08:\x05fa'
    b'lseR\x12convertToGrayscale"8\n\x0fResizeCondition\x12\x0b\n\x07INVALID\x10\x00\x12\x0b\n\x07G'
    b'REATER\x10\x01\x12\x0b\n\x07SMALLER\x10\x02"n\n\x14PadToMultipleResizer\x12\x1d\n\x08multiple\x18\x01 '
    b'\x01(\x05:\x011R\x08multiple\x127\n\x14convert_to_grayscale\x18\x04 \x01(\x08:\x05falseR\x12conve'
    b'rtToGrayscale*G\n\nResizeType\x12\x0c\n\x08BILINEAR\x10\x00\x12\x14\n\x10NEAREST_NEIGHBO'
    b'R\x10\x01\x12\x0b\n\x07BICUBIC\x10\x02\x12\x08\n\x04AREA\x10\x03'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.image_resizer_pb2", globals())
