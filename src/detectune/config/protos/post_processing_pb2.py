"""Messages of `post_processing.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import calibration_pb2 as _calibration  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n-detectune/config/protos/post_processing.proto\x12\x10detectune.p'
    b'rotos\x1a)detectune/config/protos/calibration.proto"\xaf\x05\n\x16BatchNo'
    b'nMaxSuppression\x12*\n\x0fscore_threshold\x18\x01 \x01(\x02:\x010R\x0escoreThreshold\x12'
    b'(\n\riou_threshold\x18\x02 \x01(\x02:\x030.6R\x0ciouThreshold\x12<\n\x18max_detections_'
    b'per_class\x18\x03 \x01(\x05:\x03100R\x15maxDetectionsPerClass\x125\n\x14max_total_det'
    b'ections\x18\x05 \x01(\x05:\x03100R\x12maxTotalDetections\x121\n\x11use_static_shapes\x18'
    b'\x06 \x01(\x08:\x05falseR\x0fuseStaticShapes\x12:\n\x16use_class_agnostic_nms\x18\x07 \x01('
    b'\x08:\x05falseR\x13useClassAgnosticNms\x12<\n\x19max_classes_per_detection\x18\x08'
    b" \x01(\x05:\x011R\x16maxClassesPerDetection\x12'\n\x0esoft_nms_sigma\x18\t \x01(\x02:\x010R\x0c"
    b'softNmsSigma\x125\n\x13use_partitioned_nms\x18\n \x01(\x08:\x05falseR\x11usePartiti'
    b'onedNms\x12/\n\x10use_combined_nms\x18\x0b \x01(\x08:\x05falseR\x0euseCombinedNms\x12<\n\x17'
    b"change_coordinate_frame\x18\x0c \x01(\x08:\x04trueR\x15changeCoordinateFrame\x12'"
    b'\n\x0cuse_hard_nms\x18\r \x01(\x08:\x05falseR\nuseHardNms\x12%\n\x0buse_cpu_nms\x18\x0e \x01(\x08'
    b':\x05falseR\tuseCpuNms"\x8b\x03\n\x0ePostProcessing\x12c\n\x19batch_non_max_suppr'
    b'ession\x18\x01 \x01(\x0b2(.detectune.protos.BatchNonMaxSuppressionR\x16batc'
    b'hNonMaxSuppression\x12b\n\x0fscore_converter\x18\x02 \x01(\x0e2/.detectune.prot'
    b'os.PostProcessing.ScoreConverter:\x08IDENTITYR\x0escoreConverter\x12"'
    b'\n\x0blogit_scale\x18\x03 \x01(\x02:\x011R\nlogitScale\x12R\n\x12calibration_config\x18\x04 \x01'
    b'(\x0b2#.detectune.protos.CalibrationConfigR\x11calibrationConfig"8'
    b'\n\x0eScoreConverter\x12\x0c\n\x08IDENTITY\x10\x00\x12\x0b\n\x07SIGMOID\x10\x01\x12\x0b\n\x07SOFTMAX\x10\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.post_processing_pb2", globals())
