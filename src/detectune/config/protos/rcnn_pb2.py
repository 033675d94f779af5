"""Messages of `rcnn.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import backbone_pb2 as _backbone  # noqa: F401
from detectune.config.protos import image_resizer_pb2 as _image_resizer  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n"detectune/config/protos/rcnn.proto\x12\x10detectune.protos\x1a&dete'
    b'ctune/config/protos/backbone.proto\x1a+detectune/config/protos/'
    b'image_resizer.proto"\x9f\x05\n\x04Rcnn\x12\x1f\n\x0bnum_classes\x18\x01 \x01(\x05R\nnumClasse'
    b's\x12C\n\rimage_resizer\x18\x02 \x01(\x0b2\x1e.detectune.protos.ImageResizerR\x0cim'
    b'ageResizer\x12S\n\x11feature_extractor\x18\x03 \x01(\x0b2&.detectune.protos.Rcn'
    b'nFeatureExtractorR\x10featureExtractor\x12)\n\rmax_proposals\x18\x04 \x01(\x05:\x04'
    b'2000R\x0cmaxProposals\x12 \n\tcrop_size\x18\x05 \x01(\x05:\x03224R\x08cropSize\x12\x1c\n\x07cont'
    b'ext\x18\x06 \x01(\x02:\x0216R\x07context\x12&\n\rcrops_at_once\x18\x07 \x01(\x05:\x0216R\x0bcropsAtOn'
    b'ce\x128\n\x03svm\x18\x08 \x01(\x0b2&.detectune.protos.SupportVectorMachineR\x03svm'
    b'\x12A\n\x0ebox_regression\x18\t \x01(\x0b2\x1a.detectune.protos.BoxRidgeR\rboxReg'
    b'ression\x12-\n\x0fscore_threshold\x18\n \x01(\x02:\x040.05R\x0escoreThreshold\x12(\n\rio'
    b'u_threshold\x18\x0b \x01(\x02:\x030.3R\x0ciouThreshold\x12<\n\x18max_detections_per_c'
    b'lass\x18\x0c \x01(\x05:\x03100R\x15maxDetectionsPerClass\x125\n\x14max_total_detectio'
    b'ns\x18\r \x01(\x05:\x03100R\x12maxTotalDetections"\xe0\x01\n\x14SupportVectorMachine\x12\x19'
    b'\n\x04cost\x18\x01 \x01(\x02:\x050.001R\x04cost\x12*\n\x0fpositive_weight\x18\x02 \x01(\x02:\x012R\x0eposit'
    b"iveWeight\x12&\n\x0cnegative_iou\x18\x03 \x01(\x02:\x030.3R\x0bnegativeIou\x12'\n\rmining_"
    b'rounds\x18\x04 \x01(\x05:\x0210R\x0cminingRounds\x120\n\x11negatives_at_once\x18\x05 \x01(\x05:\x042'
    b'000R\x0fnegativesAtOnce"D\n\x08BoxRidge\x12\x1c\n\x07min_iou\x18\x01 \x01(\x02:\x030.6R\x06minI'
    b'ou\x12\x1a\n\x05ridge\x18\x02 \x01(\x02:\x041000R\x05ridge"v\n\x14RcnnFeatureExtractor\x12\x1e\n\x04ty'
    b'pe\x18\x01 \x01(\t:\nrcnn_kerasR\x04type\x12>\n\x08backbone\x18\xe9\x07 \x01(\x0b2!.detectune.pr'
    b'otos.BackboneNetworkR\x08backbone'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.rcnn_pb2", globals())
