"""`advise`: looks at data and machine, and goes through the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from google.protobuf import text_format

from detectune.advice import rules
from detectune.advice.advice_parts import Advice, Point, Settings
from detectune.advice.anchors import AnchorReport, advise_anchors
from detectune.advice.commands import next_commands
from detectune.advice.data_facts import data_facts
from detectune.advice.model_choice import Candidate, candidates, choose_model, steps_for
from detectune.advice.rules import ALL, FEATURES, HEADS
from detectune.advice.situation import Situation, can_build_rcnn
from detectune.advice.speed import Speed, probe
from detectune.data.box_shapes import ImageBoxes, box_sides
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError, three_part
from detectune.recipes.machine import this_machine
from detectune.recipes.templates import template
from detectune.wording import one_line, plural

_COSTS = "benchmarks/results/train_step-2cores-tf-fp32.csv"


def advise(
    source: str,
    *,
    target_ms: float | None = None,
    minutes: float | None = None,
    speed: Speed | None = None,
    advice_file: str = "",
    track: Callable[[range], Iterable[int]] = iter,
) -> Advice:
    """What to do with the data `source`.

    Args:
        source: images with annotations, or folders of images by class, as SOURCE.
        target_ms: milliseconds that detecting in an image may take.
        minutes: that training may take.
        speed: where the training will run; this machine, which is tried out for 0.6 s, if None.
        advice_file: where the advice will be written, for the commands.
        track: passes indices of images on while they are worked through, such as a progress bar.

    Raises:
        DataError: the data cannot be read, or there is nothing to learn in them.
        ConfigError: no model is as fast as `target_ms` wants.
    """
    opened = open_source(source, split="train")
    images = list(box_sides(opened))
    data = data_facts(opened, images, track)
    if speed is None:
        speed = Speed(this_machine(), probe())
    situation = Situation(data, speed, target_ms, minutes, can_build_rcnn())
    decided = rules.decide(rules.METHODS, situation)
    points = [Point("method", decided.choice, decided.reason, decided.origin)]
    settings, seen = None, {"data": data.to_json(), "machine": _machine(speed)}
    if decided.choice == FEATURES:
        points += _features(situation, source)
    elif decided.choice in (HEADS, ALL):
        settings, more, report = _detector(situation, images, decided.choice)
        points += more
        seen["anchors"] = report.values()
    return Advice(
        source=source,
        digest=data.digest,
        classes=tuple(data.used_classes),
        method=decided.choice,
        points=tuple(points),
        notes=tuple(rules.notes(situation)),
        alternatives=tuple(rules.alternatives(situation, decided.choice)),
        commands=next_commands(
            decided.choice, source, settings, advice_file, _wishes(target_ms, minutes)
        ),
        settings=settings,
        facts=seen,
    )


def _wishes(target_ms: float | None, minutes: float | None) -> str:
    given = {"--target-ms": target_ms, "--minutes": minutes}
    return "".join(f" {option} {value:g}" for option, value in given.items() if value is not None)


def _features(situation: Situation, source: str) -> list[Point]:
    """Which network and which classifier.

    Raises:
        DataError: there is one class, so nothing to tell apart.
    """
    classes = situation.data.used_classes
    if len(classes) < 2:
        raise DataError(
            three_part(
                f"{one_line(source)}: all {situation.data.usable:,} images are of one class, "
                f'"{one_line(next(iter(classes)))}".',
                "A classifier tells two classes or more apart.",
                "Add a folder of images that show something else, or draw boxes and train a "
                "detector.",
            )
        )
    known = len(situation.data.imagenet_classes)
    return [
        Point(
            "network",
            "MobileNetV2, ImageNet",
            f"{known} of {plural(len(classes), 'class')} are called like one of ImageNet's; small "
            "and quick on a processor.",
            "judgement",
        ),
        Point(
            "classifier",
            "svm",
            f"{plural(situation.data.usable, 'vector')}; settings are chosen by cross-validation.",
            "docs/guides/features.md",
        ),
    ]


def _detector(
    situation: Situation, images: Sequence[ImageBoxes], method: str
) -> tuple[Settings, list[Point], AnchorReport]:
    """Model, anchors and training."""
    chosen, why = choose_model(situation, method, candidates(situation, images))
    steps, minutes, why_steps = steps_for(chosen, situation, method)
    model = template(chosen.name).model
    report = advise_anchors(images, situation.data.source, model, chosen.name)
    freeze = _freeze(method, chosen)
    change = report.is_worth_it and not rules.knows_all_classes(situation)
    settings = Settings(
        model=chosen.name,
        batch_size=chosen.plan.batch_size,
        num_steps=steps,
        freeze=tuple(freeze),
        anchor_field=report.field if change else "",
        anchors=text_format.MessageToString(report.proposed) if change else "",
    )
    points = [
        Point("model", chosen.name, why, "figures of the zoo; advice/costs.py"),
        _resolution(chosen),
        _anchors(report, change),
        Point("freezing", ", ".join(freeze) or "nothing", _why_freeze(freeze, chosen), "as method"),
        *_training(chosen, steps, why_steps),
        _minutes(situation, chosen, method, minutes),
    ]
    return settings, points, report


def _resolution(chosen: Candidate) -> Point:
    size = chosen.input_size
    reason = (
        f"the model's own, for which its weights were trained; {chosen.tiny:.0%} of the objects "
        f"are below {rules.TINY_SIDE:g} pixels then."
    )
    return Point("resolution", f"{size.width}x{size.height}", reason, "judgement")


def _anchors(report: AnchorReport, change: bool) -> Point:
    found = dict(report.rows)
    given = found["the model's"]
    best = found.get("proposed", given)
    reason = (
        f"Recall of all boxes {given.all.recall:.2f}, mean IoU {given.all.mean_iou:.2f}; with the "
        f"best of this kind {best.all.recall:.2f} and {best.all.mean_iou:.2f}. "
    )
    if report.is_worth_it and not change:
        reason += "All classes are COCO's, and the checkpoint finds them with its own anchors."
    else:
        reason += report.verdict
    return Point("anchors", "others, see below" if change else "the model's", reason, "judgement")


def _freeze(method: str, chosen: Candidate) -> list[str]:
    freeze = ["backbone"] if method == HEADS else []
    if chosen.plan.images_at_once <= rules.SMALL_BATCH:
        freeze.append("batch-norm")
    return freeze


def _why_freeze(freeze: list[str], chosen: Candidate) -> str:
    why = "the method says so" if "backbone" in freeze else "all layers have something to learn"
    if "batch-norm" in freeze:
        at_once = plural(chosen.plan.images_at_once, "image")
        why += f"; {at_once} at a time are too few for statistics"
    return f"{why}."


def _training(chosen: Candidate, steps: int, why_steps: str) -> list[Point]:
    plan, origin = chosen.plan, "recipes/training_plan.py"
    batch = next(reason for reason in plan.reasons if reason.startswith("Batch size"))
    rate = next(reason for reason in plan.reasons if reason.startswith("Learning rate"))
    return [
        Point("batch", str(plan.batch_size), _after_colon(batch), origin),
        Point("learning rate", f"{plan.learning_rate:g}", _after_colon(rate), origin),
        Point("steps", f"{steps:,}", why_steps, origin),
    ]


def _minutes(situation: Situation, chosen: Candidate, method: str, minutes: float | None) -> Point:
    if minutes is None:
        return Point("minutes", "not known", situation.speed.describe(), _COSTS)
    step = chosen.step_seconds(situation, method) or 0.0
    reason = (
        f"{step:.2f} s a step here, {chosen.cost.origin}; evaluation and the first step included "
        f"as far as known. Detecting in an image takes about {chosen.detect_ms(situation):.0f} ms."
    )
    return Point("minutes", f"about {minutes:.1f}", reason, _COSTS)


def _after_colon(reason: str) -> str:
    return reason.partition(": ")[2].partition("; --")[0].rstrip(".") + "."


def _machine(speed: Speed) -> dict[str, Any]:
    return {
        **speed.machine._asdict(),
        "gflops": round(speed.gflops, 1),
        "slowness": round(speed.slowness, 3) if speed.known else None,
        "description": speed.describe(),
    }
