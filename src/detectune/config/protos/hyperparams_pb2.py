"""Messages of `hyperparams.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n)detectune/config/protos/hyperparams.proto\x12\x10detectune.proto'
    b's"\xa6\x05\n\x0bHyperparams\x126\n\x02op\x18\x01 \x01(\x0e2 .detectune.protos.Hyperparams'
    b'.Op:\x04CONVR\x02op\x12?\n\x0bregularizer\x18\x02 \x01(\x0b2\x1d.detectune.protos.Regula'
    b'rizerR\x0bregularizer\x12?\n\x0binitializer\x18\x03 \x01(\x0b2\x1d.detectune.protos.I'
    b'nitializerR\x0binitializer\x12N\n\nactivation\x18\x04 \x01(\x0e2(.detectune.prot'
    b'os.Hyperparams.Activation:\x04RELUR\nactivation\x12<\n\nbatch_norm\x18\x05 '
    b'\x01(\x0b2\x1b.detectune.protos.BatchNormH\x00R\tbatchNorm\x12E\n\x0fsync_batch_'
    b'norm\x18\t \x01(\x0b2\x1b.detectune.protos.BatchNormH\x00R\rsyncBatchNorm\x12<\n\n'
    b'group_norm\x18\x07 \x01(\x0b2\x1b.detectune.protos.GroupNormH\x00R\tgroupNorm\x128'
    b'\n\x14regularize_depthwise\x18\x06 \x01(\x08:\x05falseR\x13regularizeDepthwise\x12+\n\x0e'
    b'force_use_bias\x18\x08 \x01(\x08:\x05falseR\x0cforceUseBias"\x16\n\x02Op\x12\x08\n\x04CONV\x10\x01\x12\x06\n'
    b'\x02FC\x10\x02"7\n\nActivation\x12\x08\n\x04NONE\x10\x00\x12\x08\n\x04RELU\x10\x01\x12\n\n\x06RELU_6\x10\x02\x12\t\n\x05SWISH'
    b'\x10\x03B\x12\n\x10normalizer_oneof"\xb6\x01\n\x0bRegularizer\x12H\n\x0el1_regularizer\x18\x01 \x01'
    b'(\x0b2\x1f.detectune.protos.L1RegularizerH\x00R\rl1Regularizer\x12H\n\x0el2_r'
    b'egularizer\x18\x02 \x01(\x0b2\x1f.detectune.protos.L2RegularizerH\x00R\rl2Regul'
    b'arizerB\x13\n\x11regularizer_oneof"*\n\rL1Regularizer\x12\x19\n\x06weight\x18\x01 \x01(\x02'
    b':\x011R\x06weight"*\n\rL2Regularizer\x12\x19\n\x06weight\x18\x01 \x01(\x02:\x011R\x06weight"\xac\x03\n\x0b'
    b'Initializer\x12p\n\x1ctruncated_normal_initializer\x18\x01 \x01(\x0b2,.detectun'
    b'e.protos.TruncatedNormalInitializerH\x00R\x1atruncatedNormalInitia'
    b'lizer\x12p\n\x1cvariance_scaling_initializer\x18\x02 \x01(\x0b2,.detectune.prot'
    b'os.VarianceScalingInitializerH\x00R\x1avarianceScalingInitializer\x12'
    b'g\n\x19random_normal_initializer\x18\x03 \x01(\x0b2).detectune.protos.Random'
    b'NormalInitializerH\x00R\x17randomNormalInitializer\x12;\n\x19keras_initia'
    b'lizer_by_name\x18\x04 \x01(\tH\x00R\x16kerasInitializerByNameB\x13\n\x11initializer'
    b'_oneof"N\n\x1aTruncatedNormalInitializer\x12\x15\n\x04mean\x18\x01 \x01(\x02:\x010R\x04mean\x12'
    b'\x19\n\x06stddev\x18\x02 \x01(\x02:\x011R\x06stddev"\xd5\x01\n\x1aVarianceScalingInitializer\x12\x19\n'
    b'\x06factor\x18\x01 \x01(\x02:\x012R\x06factor\x12\x1f\n\x07uniform\x18\x02 \x01(\x08:\x05falseR\x07uniform\x12M\n'
    b'\x04mode\x18\x03 \x01(\x0e21.detectune.protos.VarianceScalingInitializer.Mo'
    b'de:\x06FAN_INR\x04mode",\n\x04Mode\x12\n\n\x06FAN_IN\x10\x00\x12\x0b\n\x07FAN_OUT\x10\x01\x12\x0b\n\x07FAN_AVG'
    b'\x10\x02"K\n\x17RandomNormalInitializer\x12\x15\n\x04mean\x18\x01 \x01(\x02:\x010R\x04mean\x12\x19\n\x06stdd'
    b'ev\x18\x02 \x01(\x02:\x011R\x06stddev"\xa0\x01\n\tBatchNorm\x12\x1b\n\x05decay\x18\x01 \x01(\x02:\x050.999R\x05dec'
    b'ay\x12\x1c\n\x06center\x18\x02 \x01(\x08:\x04trueR\x06center\x12\x1b\n\x05scale\x18\x03 \x01(\x08:\x05falseR\x05scal'
    b'e\x12\x1f\n\x07epsilon\x18\x04 \x01(\x02:\x050.001R\x07epsilon\x12\x1a\n\x05train\x18\x05 \x01(\x08:\x04trueR\x05tra'
    b'in"\x0b\n\tGroupNorm'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.hyperparams_pb2", globals())
