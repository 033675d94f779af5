"""Messages of `pipeline.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import eval_pb2 as _eval  # noqa: F401
from detectune.config.protos import graph_rewriter_pb2 as _graph_rewriter  # noqa: F401
from detectune.config.protos import input_reader_pb2 as _input_reader  # noqa: F401
from detectune.config.protos import model_pb2 as _model  # noqa: F401
from detectune.config.protos import train_pb2 as _train  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n&detectune/config/protos/pipeline.proto\x12\x10detectune.protos\x1a"'
    b'detectune/config/protos/eval.proto\x1a,detectune/config/protos/'
    b'graph_rewriter.proto\x1a*detectune/config/protos/input_reader.p'
    b'roto\x1a#detectune/config/protos/model.proto\x1a#detectune/config/'
    b'protos/train.proto"\xbd\x03\n\x17TrainEvalPipelineConfig\x126\n\x05model\x18\x01 \x01('
    b'\x0b2 .detectune.protos.DetectionModelR\x05model\x12@\n\x0ctrain_config\x18\x02'
    b' \x01(\x0b2\x1d.detectune.protos.TrainConfigR\x0btrainConfig\x12K\n\x12train_in'
    b'put_reader\x18\x03 \x01(\x0b2\x1d.detectune.protos.InputReaderR\x10trainInputR'
    b'eader\x12=\n\x0beval_config\x18\x04 \x01(\x0b2\x1c.detectune.protos.EvalConfigR\nev'
    b'alConfig\x12I\n\x11eval_input_reader\x18\x05 \x03(\x0b2\x1d.detectune.protos.Input'
    b'ReaderR\x0fevalInputReader\x12F\n\x0egraph_rewriter\x18\x06 \x01(\x0b2\x1f.detectune.'
    b'protos.GraphRewriterR\rgraphRewriter*\t\x08\xe8\x07\x10\x80\x80\x80\x80\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.pipeline_pb2", globals())
