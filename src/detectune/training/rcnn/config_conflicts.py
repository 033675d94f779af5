"""What an R-CNN cannot be trained with. Nothing here needs Keras."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.architectures import architecture_name, stage_names
from detectune.config.architectures.rcnn import FINE_TUNING, STAGE
from detectune.config.problems import Problem, refuse

_OF_GRADIENT_DESCENT = (
    "num_steps", "optimizer", "data_augmentation_options", "freeze", "unfreeze_at_step",
    "learning_rate_factors", "freeze_variables", "update_trainable_variables", "feature_cache",
    "early_stopping_evaluations", "evaluate_every_steps", "gradient_clipping_by_norm",
    "gradient_accumulation_steps", "domain_adaptation",
)  # fmt: skip


def check_stages(config: schema.TrainEvalPipelineConfig) -> None:
    """Refuse a config whose stages, or fields of gradient descent, an R-CNN cannot follow.

    Raises:
        ConfigError: it has such.
    """
    refuse(_conflicts(config))


def _conflicts(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    found, names = architecture_name(config.model), stage_names(config)
    if found != "rcnn":
        named = next(name for name in names if name in (FINE_TUNING, STAGE))
        yield Problem(
            "error",
            "train_config.stage",
            f'"{named}" with model {{ {found} {{ }} }}.',
            "This stage belongs to model { rcnn { } }.",
            "Remove the line: the stages of this model are chosen for it.",
        )
    yield from _fields(config.train_config, names)
    yield from _order(config, names)


def _fields(train: schema.TrainConfig, names: list[str]) -> Iterator[Problem]:
    unused = [field.name for field, _ in train.ListFields() if field.name in _OF_GRADIENT_DESCENT]
    if unused and "gradient_descent" not in names:
        yield Problem(
            "error",
            "train_config",
            f"it has {', '.join(unused)}, and nothing is trained by gradient descent as other "
            "detectors are.",
            "The network of an R-CNN stays as it is, or learns from crops as "
            "model.rcnn.fine_tuning { } says.",
            "Remove these fields.",
        )


def _order(config: schema.TrainEvalPipelineConfig, names: list[str]) -> Iterator[Problem]:
    wanted = config.model.rcnn.HasField("fine_tuning")
    place = names.index(FINE_TUNING) if FINE_TUNING in names else -1
    if wanted and STAGE in names and not 0 <= place < names.index(STAGE):
        yield Problem(
            "error",
            "train_config.stage",
            f'there is model.rcnn.fine_tuning {{ }}, and no "{FINE_TUNING}" before "{STAGE}".',
            "Vectors of crops are computed by the network that was fine-tuned.",
            "Remove the stages: they are chosen as the model needs them.",
        )
    if not wanted and place >= 0:
        yield Problem(
            "error",
            "train_config.stage",
            f'"{FINE_TUNING}" without model.rcnn.fine_tuning {{ }}.',
            "The block says how many steps there are, and of what.",
            "Add fine_tuning { } to model { rcnn { } }, or remove the stage.",
        )
