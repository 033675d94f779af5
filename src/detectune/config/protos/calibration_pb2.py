"""Messages of `calibration.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n)detectune/config/protos/calibration.proto\x12\x10detectune.proto'
    b's"\xc6\x04\n\x11CalibrationConfig\x12`\n\x16function_approximation\x18\x01 \x01(\x0b2\'.de'
    b'tectune.protos.FunctionApproximationH\x00R\x15functionApproximatio'
    b'n\x12z\n class_id_function_approximations\x18\x02 \x01(\x0b2/.detectune.prot'
    b'os.ClassIdFunctionApproximationsH\x00R\x1dclassIdFunctionApproxima'
    b'tions\x12W\n\x13sigmoid_calibration\x18\x03 \x01(\x0b2$.detectune.protos.Sigmoi'
    b'dCalibrationH\x00R\x12sigmoidCalibration\x12q\n\x1dclass_id_sigmoid_calib'
    b'rations\x18\x04 \x01(\x0b2,.detectune.protos.ClassIdSigmoidCalibrationsH'
    b'\x00R\x1aclassIdSigmoidCalibrations\x12y\n\x1ftemperature_scaling_calibra'
    b'tion\x18\x05 \x01(\x0b2/.detectune.protos.TemperatureScalingCalibrationH'
    b'\x00R\x1dtemperatureScalingCalibrationB\x0c\n\ncalibrator"N\n\x15FunctionAp'
    b'proximation\x125\n\tx_y_pairs\x18\x01 \x01(\x0b2\x19.detectune.protos.XYPairsR\x07x'
    b'YPairs"\xfa\x01\n\x1dClassIdFunctionApproximations\x12x\n\x15class_id_xy_pair'
    b's_map\x18\x01 \x03(\x0b2F.detectune.protos.ClassIdFunctionApproximations'
    b'.ClassIdXyPairsMapEntryR\x11classIdXyPairsMap\x1a_\n\x16ClassIdXyPairs'
    b'MapEntry\x12\x10\n\x03key\x18\x01 \x01(\x05R\x03key\x12/\n\x05value\x18\x02 \x01(\x0b2\x19.detectune.protos'
    b'.XYPairsR\x05value:\x028\x01"h\n\x12SigmoidCalibration\x12R\n\x12sigmoid_paramet'
    b'ers\x18\x01 \x01(\x0b2#.detectune.protos.SigmoidParametersR\x11sigmoidParam'
    b'eters"\xa7\x02\n\x1aClassIdSigmoidCalibrations\x12\x93\x01\n\x1fclass_id_sigmoid_pa'
    b'rameters_map\x18\x01 \x03(\x0b2M.detectune.protos.ClassIdSigmoidCalibrat'
    b'ions.ClassIdSigmoidParametersMapEntryR\x1bclassIdSigmoidParamet'
    b'ersMap\x1as\n ClassIdSigmoidParametersMapEntry\x12\x10\n\x03key\x18\x01 \x01(\x05R\x03key'
    b'\x129\n\x05value\x18\x02 \x01(\x0b2#.detectune.protos.SigmoidParametersR\x05value:'
    b'\x028\x01"7\n\x1dTemperatureScalingCalibration\x12\x16\n\x06scaler\x18\x01 \x01(\x02R\x06scaler'
    b'"\xbd\x01\n\x07XYPairs\x12:\n\x08x_y_pair\x18\x01 \x03(\x0b2 .detectune.protos.XYPairs.XY'
    b'PairR\x06xYPair\x12P\n\x12training_data_type\x18\x02 \x01(\x0e2".detectune.protos.'
    b'TrainingDataTypeR\x10trainingDataType\x1a$\n\x06XYPair\x12\x0c\n\x01x\x18\x01 \x01(\x02R\x01x\x12\x0c'
    b'\n\x01y\x18\x02 \x01(\x02R\x01y"6\n\x11SigmoidParameters\x12\x10\n\x01a\x18\x01 \x01(\x02:\x02-1R\x01a\x12\x0f\n\x01b\x18\x02 \x01'
    b'(\x02:\x010R\x01b*N\n\x10TrainingDataType\x12\x15\n\x11DATA_TYPE_UNKNOWN\x10\x00\x12\x0f\n\x0bALL_C'
    b'LASSES\x10\x01\x12\x12\n\x0eCLASS_SPECIFIC\x10\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.calibration_pb2", globals())
