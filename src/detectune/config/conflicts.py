"""Choices that exclude each other.

`config check` reports them with their line; `build_detector` and `train` refuse them. Those of one
architecture stand in its file in `config.architectures`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from detectune.config import schema
from detectune.config.architectures import chosen
from detectune.config.domain_adaptation import adaptation_conflicts, target_readers
from detectune.config.freezing import freezing_conflicts
from detectune.config.magnitudes import batch_magnitudes
from detectune.config.own_network import start_conflicts
from detectune.config.part_conflicts import augmentation_conflicts
from detectune.config.problems import Problem, from_error
from detectune.config.schedule_conflicts import schedule_conflicts
from detectune.errors import ConfigError
from detectune.registry import stages


def conflicts(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """An error for each conflict in `config` that can be seen without building or reading."""
    architecture = chosen(config.model)
    if architecture is not None:
        yield from architecture.conflicts()
    yield from training_conflicts(config)
    yield from schedule_conflicts(config.train_config.optimizer)
    yield from augmentation_conflicts(config.train_config)
    yield from freezing_conflicts(config.train_config)
    yield from start_conflicts(config)
    yield from adaptation_conflicts(config)
    yield from _stages(config.train_config)
    yield from _readers(config)


def training_conflicts(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """An error if a batch cannot be computed in the parts that are asked for."""
    path = "train_config.gradient_accumulation_steps"
    batch = config.train_config.batch_size
    steps = config.train_config.gradient_accumulation_steps
    if steps < 1 or batch % steps:
        yield Problem(
            "error",
            path,
            f"a batch of {batch} images cannot be computed in {steps} equal parts.",
            "Allowed: 1 for the whole batch at once, or a divisor of batch_size.",
            f"Write gradient_accumulation_steps: {batch} for one image at a time, "
            "or change batch_size.",
        )
    architecture = chosen(config.model)
    if architecture is not None and architecture.has("image_resizer"):
        yield from batch_magnitudes(config.train_config, architecture.image_resizer)
    if steps > 1 and architecture is not None:
        yield from architecture.accumulation_conflicts()


def _stages(train: schema.TrainConfig) -> Iterator[Problem]:
    for index, name in enumerate(train.stage):
        try:
            stages[name]
        except ConfigError as error:
            yield from_error(error, f"train_config.stage[{index}]")


def _readers(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    readers = [("train_input_reader", config.train_input_reader)]
    readers += [(f"eval_input_reader[{i}]", r) for i, r in enumerate(config.eval_input_reader)]
    readers += target_readers(config)
    for path, reader in readers:
        if reader.source and reader.tf_record_input_reader.input_path:
            yield Problem(
                "error",
                f"{path}.source",
                "source stands beside tf_record_input_reader.",
                "A reader reads one of them.",
                "Remove the other.",
            )
    if len(config.eval_input_reader) > 1:
        yield Problem(
            "error",
            "eval_input_reader[1]",
            "there is more than one eval_input_reader.",
            "One data set can be evaluated in a run.",
            "Keep one, and use `detectune evaluate RUN --data SOURCE` for the others.",
        )


# --- post-processing, which several architectures have --------------------------------------------


def post_processing(config: schema.PostProcessing, path: str, ids: range) -> Iterator[Problem]:
    """An error for each conflict in `post_processing { … }`, which stands at `path`.

    Args:
        ids: label-map ids of the columns of the scores; 0 is a background.
    """
    yield from _suppression(config.batch_non_max_suppression, f"{path}.batch_non_max_suppression")
    if config.HasField("calibration_config"):
        calibration, path = config.calibration_config, f"{path}.calibration_config"
        yield from _calibration(calibration, path)
        yield from _calibrated_classes(calibration, path, ids)


def _suppression(settings: schema.BatchNonMaxSuppression, path: str) -> Iterator[Problem]:
    """There is one way to suppress boxes."""
    ways = {
        "use_class_agnostic_nms": settings.use_class_agnostic_nms,
        "use_combined_nms": settings.use_combined_nms,
        "soft_nms_sigma": settings.soft_nms_sigma > 0.0 and not settings.use_hard_nms,
    }
    special = [name for name, used in ways.items() if used]
    if len(special) > 1:
        yield Problem(
            "error",
            path,
            f"{' and '.join(special)} are set together.",
            "Each is a way of its own to suppress boxes.",
            "Keep one of them.",
        )


def _calibration(config: schema.CalibrationConfig, path: str) -> Iterator[Problem]:
    """A calibration is chosen, and functions have points enough, by rising x."""
    if config.WhichOneof("calibrator") is None:
        yield Problem(
            "error",
            path,
            "no calibration is chosen.",
            f"Offered: {', '.join(field.name for field in config.DESCRIPTOR.fields)}.",
            "Choose one of these, or remove the block.",
        )
    by_class = config.class_id_function_approximations.class_id_xy_pairs_map
    lines = [by_class[id_] for id_ in sorted(by_class)]
    if config.HasField("function_approximation"):
        lines.append(config.function_approximation.x_y_pairs)
    for line in lines:
        x = [pair.x for pair in line.x_y_pair]
        if len(x) < 2 or any(left >= right for left, right in pairwise(x)):
            yield Problem(
                "error",
                path,
                f"{len(x)} points with x = {', '.join(f'{v:g}' for v in x)}.",
                "A function needs at least two points, by rising x.",
                "Sort the x_y_pair entries, and remove those with the same x.",
            )


def _calibrated_classes(
    config: schema.CalibrationConfig, path: str, ids: range
) -> Iterator[Problem]:
    """Only classes that have scores are calibrated."""
    by_class = {
        "class_id_function_approximations.class_id_xy_pairs_map": (
            config.class_id_function_approximations.class_id_xy_pairs_map
        ),
        "class_id_sigmoid_calibrations.class_id_sigmoid_parameters_map": (
            config.class_id_sigmoid_calibrations.class_id_sigmoid_parameters_map
        ),
    }
    for field, entries in by_class.items():
        unknown = sorted(id_ for id_ in entries if id_ not in ids)
        if unknown and len(ids) > 1:  # else num_classes is missing, which is said anyway
            background = " and 0 is the background" if ids[0] == 0 else ""
            yield Problem(
                "error",
                f"{path}.{field}",
                f"it calibrates {_listed(unknown)}, and there is no such class.",
                f"Classes are numbered 1 to {ids[-1]} as in the label map (num_classes is "
                f"{ids[-1]}){background}.",
                "Was it measured with other classes? Measure it again, or remove these entries.",
            )


def _listed(ids: list[int]) -> str:
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"{'id' if len(ids) == 1 else 'ids'} {', '.join(map(str, ids[:5]))}{more}"
