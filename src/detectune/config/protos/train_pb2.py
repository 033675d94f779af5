"""Messages of `train.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import optimizer_pb2 as _optimizer  # noqa: F401
from detectune.config.protos import preprocessor_pb2 as _preprocessor  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b"\n#detectune/config/protos/train.proto\x12\x10detectune.protos\x1a'det"
    b'ectune/config/protos/optimizer.proto\x1a*detectune/config/proto'
    b's/preprocessor.proto"4\n\nUnfreezing\x12\x12\n\x04step\x18\x01 \x01(\rR\x04step\x12\x12\n\x04pa'
    b'rt\x18\x02 \x01(\tR\x04part"d\n\x13LearningRateFactors\x12\x1d\n\x08backbone\x18\x01 \x01(\x02:\x011R\x08'
    b'backbone\x12\x15\n\x04neck\x18\x02 \x01(\x02:\x011R\x04neck\x12\x17\n\x05heads\x18\x03 \x01(\x02:\x011R\x05heads"\xcb\x01\n'
    b'\x0cFeatureCache\x12\x17\n\x05views\x18\x01 \x01(\r:\x011R\x05views\x12@\n\x04type\x18\x02 \x01(\x0e2#.detec'
    b'tune.protos.FeatureCache.Type:\x07FLOAT16R\x04type\x12\x16\n\x06folder\x18\x03 \x01(\t'
    b'R\x06folder\x12\x18\n\x06max_gb\x18\x04 \x01(\x02:\x010R\x05maxGb".\n\x04Type\x12\x0b\n\x07FLOAT16\x10\x00\x12\x0c\n\x08B'
    b'FLOAT16\x10\x01\x12\x0b\n\x07FLOAT32\x10\x02"\xb5\x12\n\x0bTrainConfig\x12!\n\nbatch_size\x18\x01 \x01(\r:\x02'
    b'32R\tbatchSize\x12_\n\x19data_augmentation_options\x18\x02 \x03(\x0b2#.detectune'
    b'.protos.PreprocessingStepR\x17dataAugmentationOptions\x12*\n\rsync_r'
    b'eplicas\x18\x03 \x01(\x08:\x05falseR\x0csyncReplicas\x12G\n\x1dkeep_checkpoint_every_'
    b'n_hours\x18\x04 \x01(\x02:\x0510000R\x19keepCheckpointEveryNHours\x129\n\toptimizer'
    b'\x18\x05 \x01(\x0b2\x1b.detectune.protos.OptimizerR\toptimizer\x12<\n\x19gradient_c'
    b'lipping_by_norm\x18\x06 \x01(\x02:\x010R\x16gradientClippingByNorm\x122\n\x14fine_tun'
    b'e_checkpoint\x18\x07 \x01(\t:\x00R\x12fineTuneCheckpoint\x12;\n\x19fine_tune_checkp'
    b'oint_type\x18\x16 \x01(\t:\x00R\x16fineTuneCheckpointType\x12h\n\x1cfine_tune_check'
    b'point_version\x18\x1c \x01(\x0e2#.detectune.protos.CheckpointVersion:\x02V1'
    b'R\x19fineTuneCheckpointVersion\x12E\n\x19from_detection_checkpoint\x18\x08 \x01'
    b'(\x08:\x05falseB\x02\x18\x01R\x17fromDetectionCheckpoint\x12Q\n"load_all_detection'
    b'_checkpoint_vars\x18\x13 \x01(\x08:\x05falseR\x1eloadAllDetectionCheckpointVar'
    b's\x12_\n*run_fine_tune_checkpoint_dummy_computation\x18\x1e \x01(\x08:\x04trueR'
    b'%runFineTuneCheckpointDummyComputation\x12\x1e\n\tnum_steps\x18\t \x01(\r:\x010'
    b'R\x08numSteps\x122\n\x13startup_delay_steps\x18\n \x01(\x02:\x0215R\x11startupDelaySte'
    b'ps\x123\n\x14bias_grad_multiplier\x18\x0b \x01(\x02:\x010R\x12biasGradMultiplier\x12<\n\x1au'
    b'pdate_trainable_variables\x18\x19 \x03(\tR\x18updateTrainableVariables\x12)\n'
    b'\x10freeze_variables\x18\x0c \x03(\tR\x0ffreezeVariables\x125\n\x15replicas_to_aggr'
    b'egate\x18\r \x01(\x05:\x011R\x13replicasToAggregate\x129\n\x14batch_queue_capacity\x18'
    b'\x0e \x01(\x05:\x03150B\x02\x18\x01R\x12batchQueueCapacity\x12<\n\x17num_batch_queue_thread'
    b's\x18\x0f \x01(\x05:\x018B\x02\x18\x01R\x14numBatchQueueThreads\x12=\n\x17prefetch_queue_capac'
    b'ity\x18\x10 \x01(\x05:\x015B\x02\x18\x01R\x15prefetchQueueCapacity\x12B\n\x1amerge_multiple_la'
    b'bel_boxes\x18\x11 \x01(\x08:\x05falseR\x17mergeMultipleLabelBoxes\x129\n\x15use_multi'
    b'class_scores\x18\x18 \x01(\x08:\x05falseR\x13useMulticlassScores\x12<\n\x17add_regula'
    b'rization_loss\x18\x12 \x01(\x08:\x04trueR\x15addRegularizationLoss\x126\n\x13max_numb'
    b'er_of_boxes\x18\x14 \x01(\x05:\x03100B\x02\x18\x01R\x10maxNumberOfBoxes\x12@\n\x19unpad_ground'
    b'truth_tensors\x18\x15 \x01(\x08:\x04trueR\x17unpadGroundtruthTensors\x12;\n\x16retain'
    b'_original_images\x18\x17 \x01(\x08:\x05falseR\x14retainOriginalImages\x12(\n\x0cuse_b'
    b'float16\x18\x1a \x01(\x08:\x05falseR\x0buseBfloat16\x126\n\x13summarize_gradients\x18\x1b \x01'
    b'(\x08:\x05falseR\x12summarizeGradients\x12@\n\x1aearly_stopping_evaluations\x18'
    b'\xe9\x07 \x01(\r:\x010R\x18earlyStoppingEvaluations\x124\n\x14evaluate_every_steps\x18'
    b'\xea\x07 \x01(\r:\x010R\x12evaluateEverySteps\x12\x16\n\x04seed\x18\xeb\x07 \x01(\r:\x010R\x04seed\x128\n\x16che'
    b'ckpoint_every_steps\x18\xec\x07 \x01(\r:\x010R\x14checkpointEverySteps\x12B\n\x1bgradi'
    b'ent_accumulation_steps\x18\xed\x07 \x01(\r:\x011R\x19gradientAccumulationSteps\x12'
    b'\x15\n\x05stage\x18\xee\x07 \x03(\tR\x05stage\x12\x17\n\x06freeze\x18\xef\x07 \x03(\tR\x06freeze\x12G\n\x10unfreeze_'
    b'at_step\x18\xf0\x07 \x03(\x0b2\x1c.detectune.protos.UnfreezingR\x0eunfreezeAtStep'
    b'\x12Z\n\x15learning_rate_factors\x18\xf1\x07 \x01(\x0b2%.detectune.protos.Learning'
    b'RateFactorsR\x13learningRateFactors\x12D\n\rfeature_cache\x18\xf2\x07 \x01(\x0b2\x1e.d'
    b'etectune.protos.FeatureCacheR\x0cfeatureCache*0\n\x11CheckpointVers'
    b'ion\x12\x0b\n\x07UNKNOWN\x10\x00\x12\x06\n\x02V1\x10\x01\x12\x06\n\x02V2\x10\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.train_pb2", globals())
