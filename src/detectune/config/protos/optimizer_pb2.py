"""Messages of `optimizer.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n\'detectune/config/protos/optimizer.proto\x12\x10detectune.protos"'
    b'\xfa\x02\n\tOptimizer\x12R\n\x12rms_prop_optimizer\x18\x01 \x01(\x0b2".detectune.protos'
    b'.RMSPropOptimizerH\x00R\x10rmsPropOptimizer\x12T\n\x12momentum_optimizer\x18'
    b'\x02 \x01(\x0b2#.detectune.protos.MomentumOptimizerH\x00R\x11momentumOptimi'
    b'zer\x12H\n\x0eadam_optimizer\x18\x03 \x01(\x0b2\x1f.detectune.protos.AdamOptimizer'
    b'H\x00R\radamOptimizer\x122\n\x12use_moving_average\x18\x04 \x01(\x08:\x04trueR\x10useMovi'
    b'ngAverage\x128\n\x14moving_average_decay\x18\x05 \x01(\x02:\x060.9999R\x12movingAvera'
    b'geDecayB\x0b\n\toptimizer"\xce\x01\n\x10RMSPropOptimizer\x12C\n\rlearning_rate\x18\x01'
    b' \x01(\x0b2\x1e.detectune.protos.LearningRateR\x0clearningRate\x12=\n\x18moment'
    b'um_optimizer_value\x18\x02 \x01(\x02:\x030.9R\x16momentumOptimizerValue\x12\x19\n\x05dec'
    b'ay\x18\x03 \x01(\x02:\x030.9R\x05decay\x12\x1b\n\x07epsilon\x18\x04 \x01(\x02:\x011R\x07epsilon"\x97\x01\n\x11Moment'
    b'umOptimizer\x12C\n\rlearning_rate\x18\x01 \x01(\x0b2\x1e.detectune.protos.Learni'
    b'ngRateR\x0clearningRate\x12=\n\x18momentum_optimizer_value\x18\x02 \x01(\x02:\x030.9R'
    b'\x16momentumOptimizerValue"u\n\rAdamOptimizer\x12C\n\rlearning_rate\x18\x01 '
    b'\x01(\x0b2\x1e.detectune.protos.LearningRateR\x0clearningRate\x12\x1f\n\x07epsilon'
    b'\x18\x02 \x01(\x02:\x051e-08R\x07epsilon"\xc9\x03\n\x0cLearningRate\x12^\n\x16constant_learning'
    b'_rate\x18\x01 \x01(\x0b2&.detectune.protos.ConstantLearningRateH\x00R\x14const'
    b'antLearningRate\x12w\n\x1fexponential_decay_learning_rate\x18\x02 \x01(\x0b2..d'
    b'etectune.protos.ExponentialDecayLearningRateH\x00R\x1cexponentialD'
    b'ecayLearningRate\x12e\n\x19manual_step_learning_rate\x18\x03 \x01(\x0b2(.detect'
    b'une.protos.ManualStepLearningRateH\x00R\x16manualStepLearningRate\x12'
    b'h\n\x1acosine_decay_learning_rate\x18\x04 \x01(\x0b2).detectune.protos.Cosin'
    b'eDecayLearningRateH\x00R\x17cosineDecayLearningRateB\x0f\n\rlearning_ra'
    b'te"B\n\x14ConstantLearningRate\x12*\n\rlearning_rate\x18\x01 \x01(\x02:\x050.002R\x0cle'
    b'arningRate"\xda\x02\n\x1cExponentialDecayLearningRate\x129\n\x15initial_learn'
    b'ing_rate\x18\x01 \x01(\x02:\x050.002R\x13initialLearningRate\x12(\n\x0bdecay_steps\x18\x02 '
    b"\x01(\r:\x074000000R\ndecaySteps\x12'\n\x0cdecay_factor\x18\x03 \x01(\x02:\x040.95R\x0bdecayF"
    b'actor\x12"\n\tstaircase\x18\x04 \x01(\x08:\x04trueR\tstaircase\x123\n\x14burnin_learning'
    b'_rate\x18\x05 \x01(\x02:\x010R\x12burninLearningRate\x12$\n\x0cburnin_steps\x18\x06 \x01(\r:\x010R'
    b'\x0bburninSteps\x12-\n\x11min_learning_rate\x18\x07 \x01(\x02:\x010R\x0fminLearningRate"'
    b'\xa5\x02\n\x16ManualStepLearningRate\x129\n\x15initial_learning_rate\x18\x01 \x01(\x02:\x050'
    b'.002R\x13initialLearningRate\x12Y\n\x08schedule\x18\x02 \x03(\x0b2=.detectune.prot'
    b'os.ManualStepLearningRate.LearningRateScheduleR\x08schedule\x12\x1d\n\x06'
    b'warmup\x18\x03 \x01(\x08:\x05falseR\x06warmup\x1aV\n\x14LearningRateSchedule\x12\x12\n\x04step\x18'
    b'\x01 \x01(\rR\x04step\x12*\n\rlearning_rate\x18\x02 \x01(\x02:\x050.002R\x0clearningRate"\x90\x02\n\x17'
    b'CosineDecayLearningRate\x123\n\x12learning_rate_base\x18\x01 \x01(\x02:\x050.002R\x10'
    b'learningRateBase\x12(\n\x0btotal_steps\x18\x02 \x01(\r:\x074000000R\ntotalSteps\x128'
    b'\n\x14warmup_learning_rate\x18\x03 \x01(\x02:\x060.0002R\x12warmupLearningRate\x12(\n\x0c'
    b'warmup_steps\x18\x04 \x01(\r:\x0510000R\x0bwarmupSteps\x122\n\x14hold_base_rate_ste'
    b'ps\x18\x05 \x01(\r:\x010R\x11holdBaseRateSteps'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.optimizer_pb2", globals())
