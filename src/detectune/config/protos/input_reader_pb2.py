"""Messages of `input_reader.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n*detectune/config/protos/input_reader.proto\x12\x10detectune.prot'
    b'os"\x8a\x10\n\x0bInputReader\x12\x14\n\x04name\x18\x17 \x01(\t:\x00R\x04name\x12&\n\x0elabel_map_path\x18\x01'
    b' \x01(\t:\x00R\x0clabelMapPath\x12\x1e\n\x07shuffle\x18\x02 \x01(\x08:\x04trueR\x07shuffle\x124\n\x13shuf'
    b'fle_buffer_size\x18\x0b \x01(\r:\x042048R\x11shuffleBufferSize\x12F\n\x1dfilenames_'
    b'shuffle_buffer_size\x18\x0c \x01(\r:\x03100R\x1afilenamesShuffleBufferSize\x12 '
    b'\n\nnum_epochs\x18\x05 \x01(\r:\x010R\tnumEpochs\x125\n\x16sample_1_of_n_examples\x18\x16'
    b' \x01(\r:\x011R\x12sample1OfNExamples\x12#\n\x0bnum_readers\x18\x06 \x01(\r:\x0264R\nnumRea'
    b'ders\x123\n\x14num_parallel_batches\x18\x13 \x01(\r:\x018R\x12numParallelBatches\x123\n'
    b'\x14num_prefetch_batches\x18\x14 \x01(\x05:\x012R\x12numPrefetchBatches\x12/\n\x0equeue_'
    b'capacity\x18\x03 \x01(\r:\x042000B\x02\x18\x01R\rqueueCapacity\x124\n\x11min_after_dequeue'
    b'\x18\x04 \x01(\r:\x041000B\x02\x18\x01R\x0fminAfterDequeue\x12.\n\x11read_block_length\x18\x0f \x01(\r'
    b':\x0232R\x0freadBlockLength\x12,\n\rprefetch_size\x18\r \x01(\r:\x03512B\x02\x18\x01R\x0cprefe'
    b'tchSize\x12;\n\x16num_parallel_map_calls\x18\x0e \x01(\r:\x0264B\x02\x18\x01R\x13numParallel'
    b'MapCalls\x12+\n\x0edrop_remainder\x18# \x01(\x08:\x04trueR\rdropRemainder\x129\n\x17num'
    b'_additional_channels\x18\x12 \x01(\x05:\x010R\x15numAdditionalChannels\x12&\n\rnum_'
    b'keypoints\x18\x10 \x01(\r:\x010R\x0cnumKeypoints\x120\n\x14keypoint_type_weight\x18\x1a \x03'
    b'(\x02R\x12keypointTypeWeight\x122\n\x13max_number_of_boxes\x18\x15 \x01(\x05:\x03100R\x10ma'
    b'xNumberOfBoxes\x12;\n\x16load_multiclass_scores\x18\x18 \x01(\x08:\x05falseR\x14loadM'
    b'ulticlassScores\x129\n\x15load_context_features\x18\x19 \x01(\x08:\x05falseR\x13loadC'
    b'ontextFeatures\x12:\n\x16load_context_image_ids\x18$ \x01(\x08:\x05falseR\x13loadC'
    b'ontextImageIds\x125\n\x13load_instance_masks\x18\x07 \x01(\x08:\x05falseR\x11loadInst'
    b'anceMasks\x12P\n\tmask_type\x18\n \x01(\x0e2".detectune.protos.InstanceMask'
    b'Type:\x0fNUMERICAL_MASKSR\x08maskType\x12-\n\x0fload_dense_pose\x18\x1f \x01(\x08:\x05fa'
    b'lseR\rloadDensePose\x12)\n\rload_track_id\x18! \x01(\x08:\x05falseR\x0bloadTrackI'
    b'd\x12F\n\x1cload_keypoint_depth_features\x18% \x01(\x08:\x05falseR\x19loadKeypoint'
    b'DepthFeatures\x12/\n\x10use_display_name\x18\x11 \x01(\x08:\x05falseR\x0euseDisplayNa'
    b'me\x121\n\x11include_source_id\x18\x1b \x01(\x08:\x05falseR\x0fincludeSourceId\x12F\n\ninp'
    b'ut_type\x18\x1e \x01(\x0e2\x1b.detectune.protos.InputType:\nTF_EXAMPLER\tinpu'
    b'tType\x12#\n\x0bframe_index\x18  \x01(\x05:\x02-1R\nframeIndex\x12\\\n\x16tf_record_inpu'
    b't_reader\x18\x08 \x01(\x0b2%.detectune.protos.TFRecordInputReaderH\x00R\x13tfR'
    b'ecordInputReader\x12[\n\x15external_input_reader\x18\t \x01(\x0b2%.detectune.'
    b'protos.ExternalInputReaderH\x00R\x13externalInputReader\x12?\n\x1csample_'
    b'from_datasets_weights\x18" \x03(\x02R\x19sampleFromDatasetsWeights\x12=\n\x17ex'
    b'pand_labels_hierarchy\x18\x1d \x01(\x08:\x05falseR\x15expandLabelsHierarchy\x12\x19\n'
    b'\x06source\x18\xe9\x07 \x01(\t:\x00R\x06source\x12)\n\x0fimage_list_path\x18\xea\x07 \x01(\t:\x00R\rimageL'
    b'istPathB\x0e\n\x0cinput_reader"4\n\x13TFRecordInputReader\x12\x1d\n\ninput_path'
    b'\x18\x01 \x03(\tR\tinputPath" \n\x13ExternalInputReader*\t\x08\xe8\x07\x10\x80\x80\x80\x80\x02*C\n\x10Insta'
    b'nceMaskType\x12\x0b\n\x07DEFAULT\x10\x00\x12\x13\n\x0fNUMERICAL_MASKS\x10\x01\x12\r\n\tPNG_MASKS\x10\x02'
    b'*G\n\tInputType\x12\x11\n\rINPUT_DEFAULT\x10\x00\x12\x0e\n\nTF_EXAMPLE\x10\x01\x12\x17\n\x13TF_SEQUE'
    b'NCE_EXAMPLE\x10\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.input_reader_pb2", globals())
