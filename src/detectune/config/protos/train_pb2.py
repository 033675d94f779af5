"""Messages of `train.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import optimizer_pb2 as _optimizer  # noqa: F401
from detectune.config.protos import preprocessor_pb2 as _preprocessor  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b"\n#detectune/config/protos/train.proto\x12\x10detectune.protos\x1a'det"
    b'ectune/config/protos/optimizer.proto\x1a*detectune/config/proto'
    b's/preprocessor.proto"\xb1\x10\n\x0bTrainConfig\x12!\n\nbatch_size\x18\x01 \x01(\r:\x0232'
    b'R\tbatchSize\x12_\n\x19data_augmentation_options\x18\x02 \x03(\x0b2#.detectune.p'
    b'rotos.PreprocessingStepR\x17dataAugmentationOptions\x12*\n\rsync_rep'
    b'licas\x18\x03 \x01(\x08:\x05falseR\x0csyncReplicas\x12G\n\x1dkeep_checkpoint_every_n_'
    b'hours\x18\x04 \x01(\x02:\x0510000R\x19keepCheckpointEveryNHours\x129\n\toptimizer\x18\x05'
    b' \x01(\x0b2\x1b.detectune.protos.OptimizerR\toptimizer\x12<\n\x19gradient_cli'
    b'pping_by_norm\x18\x06 \x01(\x02:\x010R\x16gradientClippingByNorm\x122\n\x14fine_tune_'
    b'checkpoint\x18\x07 \x01(\t:\x00R\x12fineTuneCheckpoint\x12;\n\x19fine_tune_checkpoi'
    b'nt_type\x18\x16 \x01(\t:\x00R\x16fineTuneCheckpointType\x12h\n\x1cfine_tune_checkpo'
    b'int_version\x18\x1c \x01(\x0e2#.detectune.protos.CheckpointVersion:\x02V1R\x19'
    b'fineTuneCheckpointVersion\x12E\n\x19from_detection_checkpoint\x18\x08 \x01(\x08'
    b':\x05falseB\x02\x18\x01R\x17fromDetectionCheckpoint\x12Q\n"load_all_detection_c'
    b'heckpoint_vars\x18\x13 \x01(\x08:\x05falseR\x1eloadAllDetectionCheckpointVars\x12'
    b'_\n*run_fine_tune_checkpoint_dummy_computation\x18\x1e \x01(\x08:\x04trueR%r'
    b'unFineTuneCheckpointDummyComputation\x12\x1e\n\tnum_steps\x18\t \x01(\r:\x010R\x08'
    b'numSteps\x122\n\x13startup_delay_steps\x18\n \x01(\x02:\x0215R\x11startupDelaySteps'
    b'\x123\n\x14bias_grad_multiplier\x18\x0b \x01(\x02:\x010R\x12biasGradMultiplier\x12<\n\x1aupd'
    b'ate_trainable_variables\x18\x19 \x03(\tR\x18updateTrainableVariables\x12)\n\x10f'
    b'reeze_variables\x18\x0c \x03(\tR\x0ffreezeVariables\x125\n\x15replicas_to_aggreg'
    b'ate\x18\r \x01(\x05:\x011R\x13replicasToAggregate\x129\n\x14batch_queue_capacity\x18\x0e '
    b'\x01(\x05:\x03150B\x02\x18\x01R\x12batchQueueCapacity\x12<\n\x17num_batch_queue_threads\x18'
    b'\x0f \x01(\x05:\x018B\x02\x18\x01R\x14numBatchQueueThreads\x12=\n\x17prefetch_queue_capacit'
    b'y\x18\x10 \x01(\x05:\x015B\x02\x18\x01R\x15prefetchQueueCapacity\x12B\n\x1amerge_multiple_labe'
    b'l_boxes\x18\x11 \x01(\x08:\x05falseR\x17mergeMultipleLabelBoxes\x129\n\x15use_multicl'
    b'ass_scores\x18\x18 \x01(\x08:\x05falseR\x13useMulticlassScores\x12<\n\x17add_regulari'
    b'zation_loss\x18\x12 \x01(\x08:\x04trueR\x15addRegularizationLoss\x126\n\x13max_number'
    b'_of_boxes\x18\x14 \x01(\x05:\x03100B\x02\x18\x01R\x10maxNumberOfBoxes\x12@\n\x19unpad_groundtr'
    b'uth_tensors\x18\x15 \x01(\x08:\x04trueR\x17unpadGroundtruthTensors\x12;\n\x16retain_o'
    b'riginal_images\x18\x17 \x01(\x08:\x05falseR\x14retainOriginalImages\x12(\n\x0cuse_bfl'
    b'oat16\x18\x1a \x01(\x08:\x05falseR\x0buseBfloat16\x126\n\x13summarize_gradients\x18\x1b \x01(\x08'
    b':\x05falseR\x12summarizeGradients\x12@\n\x1aearly_stopping_evaluations\x18\xe9\x07'
    b' \x01(\r:\x010R\x18earlyStoppingEvaluations\x124\n\x14evaluate_every_steps\x18\xea\x07'
    b' \x01(\r:\x010R\x12evaluateEverySteps\x12\x16\n\x04seed\x18\xeb\x07 \x01(\r:\x010R\x04seed\x128\n\x16check'
    b'point_every_steps\x18\xec\x07 \x01(\r:\x010R\x14checkpointEverySteps\x12B\n\x1bgradien'
    b't_accumulation_steps\x18\xed\x07 \x01(\r:\x011R\x19gradientAccumulationSteps\x12\x15\n'
    b'\x05stage\x18\xee\x07 \x03(\tR\x05stage*0\n\x11CheckpointVersion\x12\x0b\n\x07UNKNOWN\x10\x00\x12\x06\n\x02V1'
    b'\x10\x01\x12\x06\n\x02V2\x10\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.train_pb2", globals())
