"""What a config needs to be trained."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.architectures import architecture_of, architecture_problem, stage_names
from detectune.config.domain_adaptation import TARGET_EVAL_READER
from detectune.config.problems import Problem, missing


def missing_fields(config: schema.TrainEvalPipelineConfig) -> list[Problem]:
    """An error for everything that a training needs and `config` does not say."""
    return [*_model(config.model), *_training(config), *_inputs(config)]


def _model(model: schema.DetectionModel) -> Iterator[Problem]:
    problem = architecture_problem(model)
    if problem is not None:
        yield problem
    else:
        yield from architecture_of(model).missing_fields()


def _training(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    if "gradient_descent" not in stage_names(config):
        return  # steps and an optimizer are its own
    train = config.train_config
    if train.num_steps < 1:
        yield Problem(
            "warning",
            "train_config.num_steps",
            "the config has no number of steps.",
            "In the original such a training goes on until it is stopped; a run here has an end.",
            "Write num_steps: 2000, or give --set train_config.num_steps=2000.",
        )
    kind = train.optimizer.WhichOneof("optimizer")
    example = "optimizer { momentum_optimizer { learning_rate { ... } } }"
    if kind is None:
        yield missing("train_config.optimizer", "no optimizer", example)
    elif getattr(train.optimizer, kind).learning_rate.WhichOneof("learning_rate") is None:
        path = f"train_config.optimizer.{kind}.learning_rate"
        yield missing(path, "no learning rate", "learning_rate { cosine_decay_learning_rate {} }")


def _inputs(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    yield from _reader(config.train_input_reader, "train_input_reader", "training")
    adaptation = config.train_config.domain_adaptation
    measures_target = adaptation.HasField("target_eval_input_reader")
    if not config.eval_input_reader and not measures_target:
        yield Problem(
            "error",
            "eval_input_reader",
            "the config has no data for the evaluation.",
            "A training without them measures nothing on the way.",
            'Write eval_input_reader { source: "voc:images/test" }, or another data set.',
        )
    for index, reader in enumerate(config.eval_input_reader):
        yield from _reader(reader, f"eval_input_reader[{index}]", "the evaluation")
    if measures_target:
        reader = adaptation.target_eval_input_reader
        yield from _reader(reader, TARGET_EVAL_READER, "the evaluation")


def _reader(reader: schema.InputReader, path: str, purpose: str) -> Iterator[Problem]:
    records = reader.tf_record_input_reader.input_path
    if reader.WhichOneof("input_reader") == "external_input_reader":
        return
    if not reader.source and not records:
        example = 'tf_record_input_reader { input_path: "train.record" }'
        yield missing(path, f"no data for {purpose}", example)
    if records and not reader.label_map_path:
        yield Problem(
            "warning",
            path,
            "there is no label_map_path.",
            "Without it the classes have numbers, as the records give them, and no names.",
            'Write label_map_path: "label_map.pbtxt".',
        )
