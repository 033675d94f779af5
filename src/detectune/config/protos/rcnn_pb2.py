"""Messages of `rcnn.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import backbone_pb2 as _backbone  # noqa: F401
from detectune.config.protos import image_resizer_pb2 as _image_resizer  # noqa: F401
from detectune.config.protos import optimizer_pb2 as _optimizer  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n"detectune/config/protos/rcnn.proto\x12\x10detectune.protos\x1a&dete'
    b'ctune/config/protos/backbone.proto\x1a+detectune/config/protos/'
    b"image_resizer.proto\x1a'detectune/config/protos/optimizer.proto"
    b'"\xe2\x05\n\x04Rcnn\x12\x1f\n\x0bnum_classes\x18\x01 \x01(\x05R\nnumClasses\x12C\n\rimage_resizer\x18'
    b'\x02 \x01(\x0b2\x1e.detectune.protos.ImageResizerR\x0cimageResizer\x12S\n\x11featu'
    b're_extractor\x18\x03 \x01(\x0b2&.detectune.protos.RcnnFeatureExtractorR\x10'
    b'featureExtractor\x12)\n\rmax_proposals\x18\x04 \x01(\x05:\x042000R\x0cmaxProposals\x12'
    b' \n\tcrop_size\x18\x05 \x01(\x05:\x03224R\x08cropSize\x12\x1c\n\x07context\x18\x06 \x01(\x02:\x0216R\x07cont'
    b'ext\x12&\n\rcrops_at_once\x18\x07 \x01(\x05:\x0216R\x0bcropsAtOnce\x128\n\x03svm\x18\x08 \x01(\x0b2&.d'
    b'etectune.protos.SupportVectorMachineR\x03svm\x12A\n\x0ebox_regression\x18'
    b'\t \x01(\x0b2\x1a.detectune.protos.BoxRidgeR\rboxRegression\x12-\n\x0fscore_th'
    b'reshold\x18\n \x01(\x02:\x040.05R\x0escoreThreshold\x12(\n\riou_threshold\x18\x0b \x01(\x02:\x03'
    b'0.3R\x0ciouThreshold\x12<\n\x18max_detections_per_class\x18\x0c \x01(\x05:\x03100R\x15ma'
    b'xDetectionsPerClass\x125\n\x14max_total_detections\x18\r \x01(\x05:\x03100R\x12maxT'
    b'otalDetections\x12A\n\x0bfine_tuning\x18\x0e \x01(\x0b2 .detectune.protos.CropF'
    b'ineTuningR\nfineTuning"\x9d\x03\n\x0eCropFineTuning\x12 \n\tnum_steps\x18\x01 \x01(\x05:'
    b'\x03200R\x08numSteps\x12"\n\nbatch_size\x18\x02 \x01(\x05:\x03128R\tbatchSize\x121\n\x11positi'
    b've_fraction\x18\x03 \x01(\x02:\x040.25R\x10positiveFraction\x12&\n\x0cpositive_iou\x18\x04 '
    b'\x01(\x02:\x030.5R\x0bpositiveIou\x12.\n\x10flip_probability\x18\x05 \x01(\x02:\x030.5R\x0fflipPr'
    b'obability\x12C\n\rlearning_rate\x18\x06 \x01(\x0b2\x1e.detectune.protos.Learning'
    b'RateR\x0clearningRate\x12\x1f\n\x08momentum\x18\x07 \x01(\x02:\x030.9R\x08momentum\x12<\n\x19gradi'
    b'ent_clipping_by_norm\x18\x08 \x01(\x02:\x010R\x16gradientClippingByNorm\x12\x16\n\x06fre'
    b'eze\x18\t \x03(\tR\x06freeze"\xe0\x01\n\x14SupportVectorMachine\x12\x19\n\x04cost\x18\x01 \x01(\x02:\x050.'
    b'001R\x04cost\x12*\n\x0fpositive_weight\x18\x02 \x01(\x02:\x012R\x0epositiveWeight\x12&\n\x0cneg'
    b"ative_iou\x18\x03 \x01(\x02:\x030.3R\x0bnegativeIou\x12'\n\rmining_rounds\x18\x04 \x01(\x05:\x0210"
    b'R\x0cminingRounds\x120\n\x11negatives_at_once\x18\x05 \x01(\x05:\x042000R\x0fnegativesAt'
    b'Once"D\n\x08BoxRidge\x12\x1c\n\x07min_iou\x18\x01 \x01(\x02:\x030.6R\x06minIou\x12\x1a\n\x05ridge\x18\x02 \x01('
    b'\x02:\x041000R\x05ridge"v\n\x14RcnnFeatureExtractor\x12\x1e\n\x04type\x18\x01 \x01(\t:\nrcnn_k'
    b'erasR\x04type\x12>\n\x08backbone\x18\xe9\x07 \x01(\x0b2!.detectune.protos.BackboneNet'
    b'workR\x08backbone'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.rcnn_pb2", globals())
