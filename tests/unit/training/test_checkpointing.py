"""What counts as the best, what explains an mAP near 0, and what is said of it."""

from __future__ import annotations

import io
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from rich.console import Console

from detectune.detectors.extra_losses import ExtraReport
from detectune.evaluation.faults.base import Finding, TrainingFacts
from detectune.training.checkpointing import Checkpointing
from detectune.training.console import RunConsole
from detectune.training.state import Progress

MAP = "DetectionBoxes_Precision/mAP"
MODEL = SimpleNamespace(extra_losses=None)


class Writer:
    """Remembers what would have been written."""

    def __init__(self) -> None:
        self.commits: list[Progress] = []
        self.best: list[int] = []

    def write_weights(self, model, step) -> None:
        assert model is MODEL

    def commit(self, model, progress) -> None:
        self.commits.append(progress)

    def keep_best(self, step) -> None:
        self.best.append(step)


class Evaluation:
    """Gives the values of mAP@.5 one after the other, and one cause of a low one."""

    def __init__(self, *values: float) -> None:
        self.values = iter(values)
        self.facts: list[TrainingFacts] = []
        self.causes = [Finding("swapped_axes", "x and y are swapped", "Look at the boxes.")]
        self.config = SimpleNamespace(
            train_config=SimpleNamespace(num_steps=100, gradient_clipping_by_norm=5.0)
        )

    def measure(self, model) -> dict[str, float]:
        value = next(self.values)
        return {MAP: value / 2 if value > 0 else value, f"{MAP}@.50IOU": value}

    def per_category(self) -> dict:
        return {}

    def details(self) -> dict:
        return {"classes": 1}

    def left_out(self) -> list[dict[str, str]]:
        return []

    def diagnose(self, facts: TrainingFacts) -> list[Finding]:
        self.facts.append(facts)
        return self.causes


class Log:
    def add(self, *_) -> None:
        """Nothing is written."""

    def flush(self) -> None:
        """Nothing is held back."""

    def trained(self, name: str) -> list[float]:
        return {
            "Loss/total_loss": [2.5, 3.0],
            "Loss/regularization_loss": [0.5, 2.0],  # grows while the detector learns
            "learning_rate": [0.01],
        }[name]


class Deployment:
    @contextmanager
    def weights(self, model, step):
        yield

    def statistics_left(self, model, step) -> float:
        return 0.25


class Place:
    """A run of which nothing but the numbers is there."""

    def __init__(self, monkeypatch, *values: float) -> None:
        monkeypatch.setattr("detectune.training.checkpointing.settle", lambda model: None)
        self.writer, self.evaluation, self.progress = Writer(), Evaluation(*values), Progress()
        self.text = io.StringIO()
        console = RunConsole(Console(file=self.text, width=200))
        self.checkpoints = Checkpointing(
            self.writer, self.progress, Log(), console, self.evaluation, metric=MAP, started=0.0
        )

    def evaluate(self, steps: int = 10) -> None:
        self.progress.step += steps
        self.progress.stage_step += steps
        self.checkpoints.evaluate(MODEL, Deployment())

    def said(self) -> list[str]:
        return [line.partition("] ")[2] for line in self.text.getvalue().splitlines()]


class Extra:
    """Reports these warnings, one after the other."""

    def __init__(self, *warnings: dict[str, str]) -> None:
        self.warnings = iter(warnings)

    def report(self) -> ExtraReport:
        return ExtraReport({"Domain/lambda": 0.5}, next(self.warnings))


def test_what_goes_wrong_with_added_losses_is_said_when_it_begins_and_kept(monkeypatch):
    won = {"the image-level discriminator has won": "Raise it."}
    place, extra = Place(monkeypatch, 0.5, 0.6, 0.7, 0.8), Extra(won, won, {}, won)
    monkeypatch.setattr(place.writer, "write_weights", lambda model, step: None)
    model = SimpleNamespace(extra_losses=extra)
    for step in (10, 20, 30, 40):
        place.progress.step = place.progress.stage_step = step
        place.checkpoints.evaluate(model, Deployment())
        kept = place.progress.warnings
        last = step if step != 30 else 20
        assert kept == {"the image-level discriminator has won": f"at step {last}: Raise it."}
    lines = [line for line in place.said() if line.startswith("warning")]
    assert lines == ["warning: the image-level discriminator has won: Raise it."] * 2


def test_without_a_true_box_nothing_is_the_best_and_the_newest_is_kept(monkeypatch):
    place = Place(monkeypatch, -1.0, -1.0)
    place.evaluate()
    place.evaluate()
    assert place.progress.best_step == 0
    assert place.progress.best_metric == -1.0
    assert place.progress.evaluations_without_gain == 0
    assert place.writer.best == [10, 20]
    assert place.evaluation.facts == []
    assert "step 10: no mAP, because no image of the evaluation has a box" in place.said()
    assert "best so far" not in place.text.getvalue()


def test_an_map_of_0_may_be_the_best_there_is(monkeypatch):
    place = Place(monkeypatch, 0.0, 0.0, 0.5)
    for _ in range(3):
        place.evaluate()
    assert place.writer.best == [10, 30]
    assert place.progress.best_step == 30
    assert place.progress.best_metric == 0.25


def test_causes_are_looked_for_from_the_second_evaluation_near_0_on(monkeypatch):
    place = Place(monkeypatch, 0.02, 0.05, 0.03)
    place.evaluate()
    assert place.evaluation.facts == []
    place.evaluate()
    facts = TrainingFacts([2.0, 1.0], [0.01], clips=True, steps=20, statistics_left=0.25)
    assert place.evaluation.facts == [facts]
    said = "mAP is near 0: x and y are swapped. Look at the boxes."
    assert place.said().count(said) == 1
    assert place.writer.commits[-1].findings == {"x and y are swapped": "Look at the boxes."}
    place.evaluation.causes = [Finding("swapped_axes", "x and y are still swapped", "Look.")]
    place.evaluate()  # said once, and in the report as it is now
    assert "still" not in place.text.getvalue()
    assert place.progress.findings == {"x and y are still swapped": "Look."}


def test_causes_are_looked_for_after_the_last_step(monkeypatch):
    place = Place(monkeypatch, 0.0)
    place.evaluate(100)
    assert place.progress.findings == {"x and y are swapped": "Look at the boxes."}


@pytest.mark.parametrize("value", [0.1, 0.6])
def test_a_detector_that_finds_something_has_no_causes(monkeypatch, value):
    place = Place(monkeypatch, 0.02, 0.03, value)
    for _ in range(3):
        place.evaluate(40)
    assert len(place.evaluation.facts) == 1
    assert place.progress.findings == {}


def test_how_long_saving_took_is_told_without_the_evaluation(monkeypatch):
    place = Place(monkeypatch, 0.5)
    clock = iter([100.0, 103.0, 105.0, 107.0])
    monkeypatch.setattr("detectune.training.checkpointing.time.monotonic", lambda: next(clock))
    place.checkpoints.console.say = lambda text: None
    place.evaluate()
    # Weights from 100 on, the seconds of the run at 103, done at 105.
    assert place.checkpoints.saving_seconds == 5.0
