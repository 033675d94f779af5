"""The config of a study → the config of one of its trainings.

images   train_input_reader { image_list_path }
seed     train_config { seed }
start    train_config { fine_tune_checkpoint, fine_tune_checkpoint_type }
freeze   train_config { freeze }; what the config itself freezes does not count
steps    train_config { num_steps }, and the schedule of the learning rate in proportion
"""

from __future__ import annotations

from collections.abc import Mapping

from detectune.config import schema
from detectune.config.own_network import network_block
from detectune.errors import ConfigError, three_part
from detectune.study.grid import Cell, Curve
from detectune.study.options import NONE, Start
from detectune.study.steps import with_steps

_OF_DETECTORS = ("detection", "fine_tune", "full")
_OWN_WORDS = ("freeze_variables", "update_trainable_variables")


def cell_config(
    config: schema.TrainEvalPipelineConfig,
    cell: Cell,
    *,
    checkpoints: Mapping[str, str],
    steps: int,
    image_list: str,
) -> schema.TrainEvalPipelineConfig:
    """`config` for the training `cell`.

    Args:
        checkpoints: start → checkpoint, see `start_checkpoints`.
        steps: how many steps it takes.
        image_list: the file that names its images; empty for all images.
    """
    changed = curve_config(config, cell.curve, checkpoints)
    if image_list:
        changed.train_input_reader.image_list_path = image_list
        changed.train_input_reader.ClearField("sample_1_of_n_examples")
    changed.train_config.seed = cell.seed
    with_steps(changed.train_config, steps)
    return changed


def curve_config(
    config: schema.TrainEvalPipelineConfig, curve: Curve, checkpoints: Mapping[str, str]
) -> schema.TrainEvalPipelineConfig:
    """`config` with the start and the freezing of `curve`."""
    changed = schema.TrainEvalPipelineConfig()
    changed.CopyFrom(config)
    train, block = changed.train_config, network_block(changed.model)
    kind = train.fine_tune_checkpoint_type
    for field in ("fine_tune_checkpoint", "fine_tune_checkpoint_type", "from_detection_checkpoint"):
        train.ClearField(field)
    if block is not None:
        block.ClearField("weights")
    if curve.start != "scratch":
        train.fine_tune_checkpoint = checkpoints[curve.start]
        other = "detection" if curve.start == "detection" else "classification"
        kept = curve.start == "detection" and kind in _OF_DETECTORS
        train.fine_tune_checkpoint_type = kind if kept else other
    del train.freeze[:]
    del train.unfreeze_at_step[:]
    if curve.freeze != NONE:
        train.freeze.append(curve.freeze)
    else:
        train.ClearField("feature_cache")  # there is nothing frozen to keep
    return changed


def start_checkpoints(
    config: schema.TrainEvalPipelineConfig, starts: tuple[Start, ...], given: Mapping[str, str]
) -> dict[str, str]:
    """Start → where its weights are, from an option or else from `config`.

    Raises:
        ConfigError: neither says it.
    """
    found: dict[str, str] = {}
    for start in starts:
        if start != "scratch":
            found[start] = given.get(start) or _named(config, start)
    return found


def _named(config: schema.TrainEvalPipelineConfig, start: Start) -> str:
    train, block = config.train_config, network_block(config.model)
    kind = train.fine_tune_checkpoint_type or (
        "detection" if train.from_detection_checkpoint else "classification"
    )
    fits = kind in _OF_DETECTORS if start == "detection" else kind == "classification"
    if train.fine_tune_checkpoint and fits:
        return train.fine_tune_checkpoint
    if start == "classification" and block is not None and block.weights:
        return block.weights
    there = (
        f'its fine_tune_checkpoint is of the type "{kind}"'
        if train.fine_tune_checkpoint
        else "it has no fine_tune_checkpoint"
    )
    example = '"imagenet", or a file or checkpoint of the backbone'
    if start == "detection":
        example = "a run directory, an archive of the zoo, or a checkpoint"
    raise ConfigError(
        three_part(
            f"--start {start}: the config names no such weights: {there}.",
            f"The option --{start}-checkpoint names them: {example}.",
            f"Add --{start}-checkpoint PATH, or leave {start} out of --start.",
        )
    )


def refuse_own_freezing(config: schema.TrainEvalPipelineConfig) -> None:
    """Refuse what would hold in every training, so that "none" would not mean none.

    Raises:
        ConfigError: variables are frozen by patterns, or by a learning-rate factor of 0.
    """
    train = config.train_config
    stuck = [name for name in _OWN_WORDS if getattr(train, name)]
    factors = train.learning_rate_factors
    stuck += [
        f"learning_rate_factors {{ {part}: 0 }}"
        for part in ("backbone", "neck", "heads")
        if getattr(factors, part) == 0
    ]
    if stuck:
        raise ConfigError(
            three_part(
                f"train_config.{stuck[0]}: it freezes variables in every training of the study.",
                "What is frozen is what --freeze says, and nothing with none.",
                "Remove it from the config, and give --freeze the words of train_config.freeze.",
            )
        )


def remarks(config: schema.TrainEvalPipelineConfig) -> list[str]:
    """A line for each thing in `config` that the trainings of a study do otherwise."""
    train, said = config.train_config, list[str]()
    if train.freeze or train.unfreeze_at_step:
        said.append("freeze and unfreeze_at_step of the config do not count: --freeze does")
    if train.HasField("feature_cache"):
        said.append("feature_cache counts only where something is frozen")
    if train.HasField("seed"):
        said.append("seed of the config does not count: --seeds does")
    block = network_block(config.model)
    if block is not None and block.saved:
        said.append(f"{block.saved} holds weights of its own: scratch starts from them, too")
    return said
