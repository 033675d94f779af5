"""A loss that is not finite: which cause is named, and what is advised."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectune.data.sources.record import Record, make_record
from detectune.training.divergence import Divergence, divergence_message, likely_causes


def image(name: str, *weights: float) -> Record:
    count = len(weights)
    boxes = np.tile([0.1, 0.1, 0.5, 0.5], (count, 1))
    return make_record(file_name=name, boxes=boxes, class_ids=[1] * count, weights=weights)


SEEN = Divergence(
    step=40,
    names=["total_loss"],
    images=[image("a.png", 1.0), image("b.png", 1.0, 0.5)],
    losses=[(step, 2.0) for step in range(1, 40)],
    learning_rate=0.04,
    clips=False,
)


def parts(**changes) -> list[str]:
    lines = divergence_message(dataclasses.replace(SEEN, **changes)).split("\n")
    assert len(lines) == 3
    return lines


def test_the_step_the_losses_and_the_images_are_named():
    found, *_ = parts(names=["total_loss", "localization_loss"])
    assert found == (
        "step 40: total_loss, localization_loss is not finite. "
        "The images of this batch: a.png, b.png."
    )


def test_a_loss_that_rose_before_points_to_the_learning_rate():
    losses = [(10, 2.1), (20, 1.9), (30, 80.0), (39, 4e5)]
    _, cause, advice = parts(losses=losses)
    assert cause == (
        "Every loss must stay finite. The likeliest cause: the learning rate, 0.04 at this step: "
        "the loss rose from 1.9 (step 20) to 4e+05 (39)."
    )
    assert advice.startswith("Lower the learning rate to about 0.004 or lengthen its warm-up, and ")
    assert "gradient_clipping_by_norm: 10" in advice


def test_clipping_is_not_advised_where_it_is_done():
    assert "clipping" not in parts(clips=True)[2]


def test_there_is_nothing_to_resume_before_the_first_checkpoint():
    assert parts()[2].endswith("Then start again; nothing had been saved yet.")
    assert "--resume" not in "".join(parts())


def test_a_checkpoint_is_named_where_there_is_one():
    advice = parts(saved_step=30)[2]
    assert "go on from step 30, whose checkpoint is sound, with --resume" in advice


@pytest.mark.parametrize(
    ("weight", "shown"), [(float("nan"), "nan"), (float("inf"), "inf"), (1e6, "1e+06")]
)
def test_weights_in_the_data_come_before_everything_else(weight, shown):
    _, cause, advice = parts(images=[image("a.png", 1.0), image("b.png", 1.0, weight)])
    assert f"the weights of boxes in the data, in b.png ({shown})." in cause
    assert "It may also be that the learning rate, 0.04 at this step." in cause
    assert advice.startswith("Correct the weights")


def test_in_the_first_step_the_learning_rate_is_not_to_blame():
    _, cause, advice = parts(step=1, losses=[])
    assert "the weights it began with or these pictures" in cause
    assert "Lower" not in advice
    assert "detectune data inspect" in advice


def test_frozen_norms_without_a_checkpoint_are_named():
    _, cause, advice = parts(untouched_norms=True)
    assert "batch norms are frozen (batch_norm_trainable: false)" in cause
    assert advice.startswith("Name a fine_tune_checkpoint, or set batch_norm_trainable: true")


def test_statistics_of_single_images_are_mentioned_after_the_learning_rate():
    first, second = likely_causes(dataclasses.replace(SEEN, micro_batch=1))
    assert first.what.startswith("the learning rate")
    assert second.what == "batch norms learn the statistics of one image at a time, which jump"


def test_file_names_reach_no_terminal():
    assert "\\x1b[2J.png" in parts(images=[image("\x1b[2J.png")])[0]
