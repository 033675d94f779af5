"""What the stages of a run share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectune.checkpoints.run_directory import Run
from detectune.config import schema
from detectune.config.label_map import LabelMap
from detectune.detectors.base import Detector
from detectune.training.checkpointing import Checkpointing
from detectune.training.console import RunConsole
from detectune.training.evaluation import RunEvaluation
from detectune.training.freezing import Freezing
from detectune.training.logs import RunLog
from detectune.training.state import Progress
from detectune.training.streams import Stream


@dataclass
class TrainingContext:
    """One call of `train`: what it works on, and what it writes to."""

    run: Run
    console: RunConsole
    progress: Progress
    detector: Detector
    streams: Mapping[str, Stream]
    """By name: "train", "evaluate" if the config has data for it, and what the stages asked for."""
    label_map: LabelMap
    evaluation: RunEvaluation | None
    """None in a run without evaluations."""
    beside: RunEvaluation | None = None
    """What is measured beside it; see `Checkpointing`."""
    log: RunLog = field(init=False)
    """Open while stages run."""
    checkpoints: Checkpointing = field(init=False)
    """There while stages run."""
    freezing: Freezing | None = None
    """What is held still; None before a stage asks for it."""

    kept_layers: tuple[str, ...] = ()
    """The frozen layers of which the output is kept; none without `feature_cache`."""

    @property
    def config(self) -> schema.TrainEvalPipelineConfig:
        return self.run.config

    def left_out(self) -> dict[str, str]:
        """Which images could not be read, by stream and file name → why; of earlier calls, too."""
        found = {
            f"{name}: {file_name}": reason
            for name, stream in self.streams.items()
            for file_name, reason in stream.images.left_out
        }
        return self.progress.left_out | found

    def note(self, title: str, text: str) -> None:
        """Say `text`, and keep it for the report."""
        self.progress.notes[title] = text
        self.console.say(text)
