"""A config for R-CNN: `config new --model rcnn_keras`.

The zoo has no R-CNN, so there is no template: the numbers are the published ones, which are the
defaults of `model { rcnn { } }`, and what is written is what differs with the data.
"""

from __future__ import annotations

from typing import NamedTuple

from detectune.config import schema
from detectune.config.architectures.rcnn import CROP_EXTRACTORS
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.recipes.new_config import NO_CHECKPOINT, fill_readers
from detectune.recipes.own_backbone import default_start, known_network, put_under
from detectune.wording import plural

RCNN_MODEL = "rcnn_keras"
NETWORK = "MobileNetV2"
"""What looks at crops if nobody says otherwise: the quickest of those with good weights."""
PROPOSALS = 500
_SIDE = 500
"""Sides of images, pixels. Source: Girshick et al. 2014 (R-CNN), section 2.2: width of 500."""


class RcnnWishes(NamedTuple):
    """What a user says of a new R-CNN; empty and None where nothing is said."""

    model: str
    backbone: str = ""
    checkpoint: str = ""
    num_steps: int | None = None
    batch_size: int | None = None


def is_rcnn(model: str) -> bool:
    """Whether `model` is meant to be an R-CNN."""
    return model == "rcnn" or model.startswith("rcnn_")


def check_wishes(wishes: RcnnWishes) -> None:
    """Refuse what no R-CNN can be, before data are read.

    Raises:
        ConfigError: an unknown model, or wishes that do not go together.
    """
    model, known = wishes.model, (RCNN_MODEL, *CROP_EXTRACTORS.today)
    if model not in known:
        raise ConfigError(
            three_part(
                f'--model {model}: there is no R-CNN called "{model}".',
                f"Known: {', '.join(known)}.",
                f"{did_you_mean(model, known)}Write --model {RCNN_MODEL}, and the network with "
                "--backbone.",
            )
        )
    if model != RCNN_MODEL and wishes.backbone:
        raise ConfigError(
            three_part(
                f"--backbone {wishes.backbone}: --model {model} names a network already.",
                "One network looks at crops.",
                f"Write --model {RCNN_MODEL}, or leave --backbone out.",
            )
        )
    if model != RCNN_MODEL and not wishes.checkpoint:
        raise ConfigError(
            three_part(
                f"--model {model}: nothing says where the weights of the network come from.",
                "Vectors of crops are worth as much as what the network has learned.",
                "Add --checkpoint with an unpacked archive of a detector or classifier on this "
                f"network, or write --model {RCNN_MODEL}, which begins with weights of Keras.",
            )
        )
    if wishes.backbone:
        known_network(wishes.backbone)
    if wishes.checkpoint == NO_CHECKPOINT:
        raise ConfigError(
            three_part(
                f"--checkpoint {NO_CHECKPOINT}: the network of an R-CNN would know nothing.",
                "It is trained little or not at all, so it begins with weights of a classifier.",
                "Leave --checkpoint out for those that Keras publishes.",
            )
        )
    if wishes.batch_size and not wishes.num_steps:
        raise ConfigError(
            three_part(
                f"--batch-size {wishes.batch_size}: an R-CNN has no batches, unless its network is "
                "fine-tuned on crops.",
                "With --steps it is, and --batch-size are the crops of a step.",
                "Add --steps 200, for example, or leave --batch-size out.",
            )
        )


def new_rcnn_config(
    wishes: RcnnWishes, *, num_classes: int, train: str, evaluation: str, label_map_path: str
) -> schema.TrainEvalPipelineConfig:
    """The config of an R-CNN.

    Raises:
        ConfigError: see `check_wishes`; or there is no such network.
    """
    check_wishes(wishes)
    config = schema.TrainEvalPipelineConfig()
    rcnn = config.model.rcnn
    rcnn.num_classes, rcnn.max_proposals = num_classes, PROPOSALS
    resizer = rcnn.image_resizer.keep_aspect_ratio_resizer
    resizer.min_dimension = resizer.max_dimension = _SIDE
    resizer.pad_to_max_dimension = True
    rcnn.feature_extractor.type = wishes.model
    start = wishes.checkpoint
    if wishes.model == RCNN_MODEL:
        network = wishes.backbone or NETWORK
        config.model.CopyFrom(put_under(config.model, network))
        start = start or default_start(network)
    if start:
        config.train_config.fine_tune_checkpoint = start
        config.train_config.fine_tune_checkpoint_type = "classification"
    if wishes.num_steps:
        tuning = config.model.rcnn.fine_tuning
        tuning.num_steps = wishes.num_steps
        if wishes.batch_size:
            tuning.batch_size = wishes.batch_size
    fill_readers(config, train, evaluation, label_map_path)
    config.eval_config.metrics_set.append("coco_detection_metrics")
    return config


def rcnn_reasons(config: schema.TrainEvalPipelineConfig, num_images: int) -> tuple[str, ...]:
    """Why it is as it is, one sentence each."""
    rcnn = config.model.rcnn
    crops = num_images * rcnn.max_proposals
    if rcnn.HasField("fine_tuning"):
        tuning = rcnn.fine_tuning
        learns = (
            f"fine_tuning: {plural(tuning.num_steps, 'step')} of "
            f"{plural(tuning.batch_size, 'crop')}, as you said; then machines and boxes are fitted."
        )
    else:
        learns = (
            "The network stays as it is, and there are no steps; --steps N fine-tunes it on crops "
            "first."
        )
    return (
        f"max_proposals {rcnn.max_proposals}: {plural(num_images, 'image')} are up to "
        f"{plural(crops, 'crop')}; the time is in proportion to it, and `train` says how long "
        "before it begins.",
        learns,
        "The other numbers are the published ones, the defaults.",
    )
