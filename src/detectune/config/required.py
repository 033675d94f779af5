"""What a config needs to be trained, and what contradicts itself in it."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from detectune.config import schema
from detectune.config.contradictions import contradictions, training
from detectune.config.problems import Problem
from detectune.config.two_stage_contradictions import two_stage_contradictions

_SSD = {
    "image_resizer": "image_resizer { fixed_shape_resizer { height: 320 width: 320 } }",
    "anchor_generator": "anchor_generator { multiscale_anchor_generator { ... } }",
    "box_predictor": "box_predictor { weight_shared_convolutional_box_predictor { ... } }",
    "box_coder": "box_coder { faster_rcnn_box_coder { } }",
    "matcher": "matcher { argmax_matcher { force_match_for_each_row: true } }",
    "similarity_calculator": "similarity_calculator { iou_similarity { } }",
    "loss.localization_loss": "loss { localization_loss { weighted_smooth_l1 { } } }",
    "loss.classification_loss": "loss { classification_loss { weighted_sigmoid_focal { } } }",
}
_SECOND_STAGE = {
    "image_resizer": "image_resizer { keep_aspect_ratio_resizer { ... } }",
    "second_stage_box_predictor": "second_stage_box_predictor { mask_rcnn_box_predictor { ... } }",
}
_FIRST_STAGE = {
    "image_resizer": "image_resizer { keep_aspect_ratio_resizer { ... } }",
    "first_stage_anchor_generator": "first_stage_anchor_generator { grid_anchor_generator { } }",
}
_EXTRACTORS = {
    "ssd": "ssd_mobilenet_v2_fpn_keras",
    "faster_rcnn": "faster_rcnn_resnet50_keras",
    "fast_rcnn": "faster_rcnn_resnet50_keras",
}


def missing_parts(config: schema.TrainEvalPipelineConfig) -> list[Problem]:
    """An error for everything that a training needs and `config` does not say."""
    return [*_model(config), *_training(config), *_inputs(config)]


def _model(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    chosen = config.model.WhichOneof("model")
    if chosen is None:
        yield _missing("model", "no architecture", "model { ssd { ... } }")
        return
    if chosen not in _EXTRACTORS:
        return
    detector, path = getattr(config.model, chosen), f"model.{chosen}"
    if detector.num_classes < 1:
        yield _missing(f"{path}.num_classes", "no number of classes", "num_classes: 3")
    if not detector.feature_extractor.type:
        example = f'feature_extractor {{ type: "{_EXTRACTORS[chosen]}" }}'
        yield _missing(f"{path}.feature_extractor.type", "no feature extractor", example)
    for name, example in _choices(detector).items():
        if not _is_chosen(detector, name):
            yield _missing(f"{path}.{name}", f"no {name.split('.')[-1]}", example)
    if isinstance(detector, schema.Ssd):
        yield from contradictions(detector)
    else:
        yield from two_stage_contradictions(detector)


def _choices(detector: Message) -> dict[str, str]:
    """The fields where something must be chosen, each with an example."""
    if isinstance(detector, schema.Ssd):
        return _SSD
    if isinstance(detector, schema.FastRcnn):
        return _SECOND_STAGE
    assert isinstance(detector, schema.FasterRcnn)
    return _FIRST_STAGE if detector.number_of_stages == 1 else _FIRST_STAGE | _SECOND_STAGE


def _training(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    train = config.train_config
    if train.num_steps < 1:
        yield Problem(
            "warning",
            "train_config.num_steps",
            "the config has no number of steps.",
            "In the original such a training goes on until it is stopped; a run here has an end.",
            "Write num_steps: 2000, or give --set train_config.num_steps=2000.",
        )
    if train.batch_size < 1:
        yield _missing("train_config.batch_size", "a batch size of 0", "batch_size: 8")
    yield from training(config)
    kind = train.optimizer.WhichOneof("optimizer")
    example = "optimizer { momentum_optimizer { learning_rate { ... } } }"
    if kind is None:
        yield _missing("train_config.optimizer", "no optimizer", example)
    elif getattr(train.optimizer, kind).learning_rate.WhichOneof("learning_rate") is None:
        path = f"train_config.optimizer.{kind}.learning_rate"
        yield _missing(path, "no learning rate", "learning_rate { cosine_decay_learning_rate {} }")


def _inputs(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    yield from _reader(config.train_input_reader, "train_input_reader", "training")
    if not config.eval_input_reader:
        example = "eval_input_reader { tf_record_input_reader { ... } }"
        yield _missing("eval_input_reader", "no data for the evaluation", example)
    for index, reader in enumerate(config.eval_input_reader):
        yield from _reader(reader, f"eval_input_reader[{index}]", "the evaluation")
    if len(config.eval_input_reader) > 1:
        yield Problem(
            "error",
            "eval_input_reader[1]",
            "there is more than one eval_input_reader.",
            "One data set can be evaluated in a run.",
            "Keep one, and use `detectune evaluate` for the others.",
        )


def _reader(reader: schema.InputReader, path: str, purpose: str) -> Iterator[Problem]:
    records = reader.tf_record_input_reader.input_path
    if reader.source and records:
        yield Problem(
            "error",
            f"{path}.source",
            "source stands beside tf_record_input_reader.",
            "A reader reads one of them.",
            "Remove the other.",
        )
    if reader.WhichOneof("input_reader") == "external_input_reader":
        return
    if not reader.source and not records:
        example = 'tf_record_input_reader { input_path: "train.record" }'
        yield _missing(path, f"no data for {purpose}", example)
    if records and not reader.label_map_path:
        yield Problem(
            "warning",
            path,
            "there is no label_map_path.",
            "Without it the classes have numbers, as the records give them, and no names.",
            'Write label_map_path: "label_map.pbtxt".',
        )


def _is_chosen(message: Message, path: str) -> bool:
    for name in path.split("."):
        message = getattr(message, name)
    return any(message.WhichOneof(group.name) for group in message.DESCRIPTOR.oneofs)


def _missing(path: str, found: str, example: str) -> Problem:
    return Problem("error", path, f"the config has {found}.", "It is needed.", f"Write {example}.")
