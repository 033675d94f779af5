"""Which model of the zoo: the best on COCO of those that the machine and the wishes allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectune.advice import rules
from detectune.advice.box_sizes import box_sizes, sides
from detectune.advice.costs import MULTIPLY_ADDS, SMALLEST, START_SECONDS, Cost, cost_of
from detectune.advice.rules import HEADS
from detectune.advice.situation import Situation
from detectune.config.architectures import architecture_of
from detectune.data.box_shapes import ImageBoxes
from detectune.errors import ConfigError, three_part
from detectune.recipes.base import recipe_of
from detectune.recipes.templates import template
from detectune.recipes.training_plan import TrainingPlan, plan_training
from detectune.summary.input_size import InputSize, size_of_inputs
from detectune.zoo.catalog import CATALOG

_USABLE_MEMORY = 0.8  # as recipes.training_plan plans with


class Candidate(NamedTuple):
    """A model, and what it would be like here."""

    name: str
    coco_map: float
    """Percent, as the zoo publishes it."""
    cost: Cost
    input_size: InputSize
    plan: TrainingPlan
    """Steps as without any limit of time."""
    tiny: float
    """Share of the objects that the model hardly sees."""
    memory_gb: float | None
    """What one image at a time takes; None if nothing like it was measured."""

    def step_seconds(self, situation: Situation, method: str) -> float | None:
        """Seconds of a training step here; None if the machine's speed is not known."""
        if not situation.speed.known:
            return None
        part = self.cost.frozen_step if method == HEADS else 1.0
        return self.plan.batch_size * self.cost.train_seconds * part * situation.speed.slowness

    def minutes(self, situation: Situation, method: str, steps: int) -> float | None:
        """How long a training of `steps` takes here; None if the machine's speed is not known."""
        step = self.step_seconds(situation, method)
        if step is None:
            return None
        return (START_SECONDS * situation.speed.slowness + steps * step) / 60.0

    def detect_ms(self, situation: Situation) -> float:
        """Milliseconds for an image: here, or as the zoo says, of a device it does not name."""
        if situation.speed.known:
            return self.cost.detect_ms * situation.speed.slowness
        return CATALOG[self.name].milliseconds or 0.0


def allowed_minutes(situation: Situation) -> float | None:
    """How long a training may take; None where nothing limits it."""
    if situation.minutes is not None or not situation.speed.known:
        return situation.minutes
    return rules.PROCESSOR_MINUTES


def candidates(situation: Situation, images: Sequence[ImageBoxes]) -> list[Candidate]:
    """Every model that could be advised, the best on COCO first."""
    known: dict[bytes, float] = {}
    found = [_candidate(name, situation, images, known) for name in MULTIPLY_ADDS]
    return sorted(found, key=lambda one: -one.coco_map)


def choose_model(
    situation: Situation, method: str, offered: list[Candidate]
) -> tuple[Candidate, str]:
    """The model, and why.

    Raises:
        ConfigError: none is as fast as the user wants.
    """
    fast = [one for one in offered if _is_fast(one, situation)]
    if not fast:
        raise _too_slow(situation, offered)
    # What is worse than the smallest that was measured is offered where that is too slow.
    least = min((one.coco_map for one in fast if one.name == SMALLEST), default=0.0)
    able = [one for one in fast if one.coco_map >= least]
    fitting = [one for one in able if _fits(one, situation, method)]
    seeing = [one for one in fitting if one.tiny < rules.MANY_TINY]
    if not fitting:
        small = next((one for one in fast if one.name == SMALLEST), None)
        chosen = small or min(fast, key=lambda one: one.cost.billions)
        return chosen, "the smallest that was measured; a larger one would see too few images."
    chosen = (seeing or fitting)[0]
    why = (
        f"COCO mAP {chosen.coco_map:g}, the best of {len(fitting)} in {len(offered)} that fit "
        f"({_limits(situation)})"
    )
    if len(seeing) < len(fitting) and seeing:
        why += f", and with a larger input: {chosen.tiny:.0%} of the objects are below {_tiny()}"
    elif chosen.tiny >= rules.MANY_TINY:
        why += f"; {chosen.tiny:.0%} of the objects are below {_tiny()}, and no larger input fits"
    return chosen, f"{why}."


def steps_for(
    chosen: Candidate, situation: Situation, method: str
) -> tuple[int, float | None, str]:
    """Steps, the minutes they take, and why so many."""
    limit, usual = allowed_minutes(situation), chosen.plan.num_steps
    seen = usual * chosen.plan.batch_size / situation.data.usable
    why = f"each of {situation.data.usable:,} images is seen {seen:.0f} times, as usual."
    step, whole = chosen.step_seconds(situation, method), chosen.minutes(situation, method, usual)
    if step is None or whole is None or limit is None or whole <= limit:
        return usual, whole, why
    room = limit * 60.0 - START_SECONDS * situation.speed.slowness
    steps = max(int(room / step / 10) * 10, 10)
    why = f"what {limit:g} minutes allow at {step:.2f} s a step; {usual:,} would be usual."
    return steps, chosen.minutes(situation, method, steps), why


def _candidate(
    name: str, situation: Situation, images: Sequence[ImageBoxes], known: dict[bytes, float]
) -> Candidate:
    """`name` as it would be here; `known` keeps the share of tiny objects for each resizer."""
    zoo = template(name)
    recipe, resizer = recipe_of(zoo.model), architecture_of(zoo.model).image_resizer
    plan = plan_training(
        situation.data.usable,
        None,
        None,
        recipe.largest_batch,
        shipped=recipe.shipped(zoo.train_config),
        footprint=recipe.footprint,
        machine=situation.speed.machine,
    )
    key = resizer.SerializeToString(deterministic=True)
    if key not in known:
        sizes = box_sizes(images, resizer, situation.data.source)
        known[key] = float(np.mean(sides(sizes) < rules.TINY_SIDE))
    memory = None if recipe.footprint is None else recipe.footprint.gb(1)
    coco_map = CATALOG[name].box_map or 0.0
    return Candidate(
        name, coco_map, cost_of(name), size_of_inputs(resizer), plan, known[key], memory
    )


def _is_fast(one: Candidate, situation: Situation) -> bool:
    return situation.target_ms is None or one.detect_ms(situation) <= situation.target_ms


def _fits(one: Candidate, situation: Situation, method: str) -> bool:
    """Whether memory and time are enough for it."""
    memory = situation.speed.machine.memory_gb
    if memory is not None and one.memory_gb is not None and one.memory_gb > memory * _USABLE_MEMORY:
        return False
    limit, usual = allowed_minutes(situation), one.plan.num_steps
    minutes = one.minutes(situation, method, int(usual * rules.ENOUGH_SEEN))
    if minutes is None:
        return one.cost.billions <= rules.LARGEST_UNMEASURED
    return limit is None or minutes <= limit


def _limits(situation: Situation) -> str:
    limit = allowed_minutes(situation)
    parts = ["memory"]
    if limit is not None and situation.speed.known:
        parts.append(f"enough images seen in {limit:g} minutes")
    if not situation.speed.known:
        parts.append(f"at most {rules.LARGEST_UNMEASURED:g} billion multiply-adds")
    if situation.target_ms is not None:
        parts.append(f"at most {situation.target_ms:g} ms for an image")
    return ", ".join(parts)


def _tiny() -> str:
    return f"{rules.TINY_SIDE:g} pixels of its input"


def _too_slow(situation: Situation, offered: list[Candidate]) -> ConfigError:
    fastest = min(offered, key=lambda one: one.detect_ms(situation))
    return ConfigError(
        three_part(
            f"--target-ms {situation.target_ms:g}: no model of the zoo is that fast here.",
            f"The fastest is {fastest.name}, with about {fastest.detect_ms(situation):.0f} ms for "
            "an image.",
            "Allow more, or export the detector and run it on a faster machine.",
        )
    )
