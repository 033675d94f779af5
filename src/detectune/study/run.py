"""`detectune study`: one config trained for every number of images, seed, start and freezing.

checked ─► plan ─► training after training, each in a process ─► outcome ─► csv, svg, html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.config.save import config_text, write_config
from detectune.errors import TrainingError, three_part
from detectune.files import ensure_folder
from detectune.folder_lock import folder_in_use, locked
from detectune.study.cell_configs import cell_config, remarks
from detectune.study.checks import CheckedStudy, check_study, tell
from detectune.study.expected import expected_seconds
from detectune.study.files import LOCK, StudyFolder
from detectune.study.grid import Cell
from detectune.study.options import StudyOptions
from detectune.study.outcomes import CellFiles, Outcome, failed, read_outcome, write_outcome
from detectune.study.page import StudyFacts, repeat_command
from detectune.study.plan import Plan, extended, fingerprint, read_plan, write_plan
from detectune.study.results import Row, rows_of
from detectune.study.steps import TRIAL_EVALUATIONS, TRIAL_STEPS, steps_within
from detectune.study.subsets import stratified_order
from detectune.training.console import RunConsole
from detectune.training.report import duration
from detectune.wording import plural

Runner = Callable[[CellFiles], str]
"""Trains, writes the outcome, and says how it ended if it could not."""


@dataclass(frozen=True)
class StudyReport:
    """What became of the trainings that were asked for."""

    folder: Path
    rows: list[Row]

    @property
    def failures(self) -> list[Row]:
        """Those that ended without a result."""
        return [row for row in self.rows if row.state == "failed"]


def run_study(
    config: schema.TrainEvalPipelineConfig,
    options: StudyOptions,
    folder: Path,
    *,
    config_file: str,
    runner: Runner,
    console: RunConsole | None = None,
    dry_run: bool = False,
) -> StudyReport:
    """Train what is not done yet of what `options` ask for, and write what came of it to `folder`.

    Args:
        config_file: where `config` was read from; the page is called after it.
        dry_run: say what would be done, and write nothing.

    Raises:
        ConfigError: config or options cannot be meant, or `folder` holds something else, or another
            study works there.
        DataError: the data cannot be read, or nothing can be measured.
        CheckpointError: the weights of a start are missing.
        TrainingError: the minutes are too few for a training.
    """
    console = console or RunConsole()
    read_plan(folder)  # refused before the data are read
    checked = check_study(config, options, folder, console)
    asked = _plan(checked, options, config_file)
    if dry_run:
        study = _Study(checked, _whole_plan(folder, asked), StudyFolder(folder), runner, console)
        return study.described(each=True)
    ensure_folder(folder)
    file = folder / LOCK
    with locked(file, folder_in_use(folder, "a study", file)) as before:
        if before is not None:
            console.say(f"taken over from {before}, which has ended without finishing")
        study = _Study(checked, _whole_plan(folder, asked), StudyFolder(folder), runner, console)
        study.described()
        return study.run()


def _plan(checked: CheckedStudy, options: StudyOptions, config_file: str) -> Plan:
    return Plan(
        config=config_text(checked.config),
        config_file=config_file,
        images=len(checked.names),
        names=fingerprint(checked.names, checked.classes),
        steps=options.steps,
        minutes=options.minutes,
        checkpoints=checked.checkpoints,
        cells=checked.grid.cells,
        steps_within={},
    )


def _whole_plan(folder: Path, asked: Plan) -> Plan:
    """What is asked for, with what was planned before."""
    before = read_plan(folder)
    return asked if before is None else extended(before, asked, folder)


class _Study:
    """A study while it goes on."""

    def __init__(
        self,
        checked: CheckedStudy,
        plan: Plan,
        folder: StudyFolder,
        runner: Runner,
        console: RunConsole,
    ) -> None:
        self.checked, self.plan, self.folder = checked, plan, folder
        self.runner, self.console = runner, console
        self.cells = checked.grid.cells
        self.outcomes = folder.outcomes(plan.cells)
        self.seconds = {
            cell: outcome.seconds for cell, outcome in self.outcomes.items() if outcome.is_done
        }
        """What trainings took."""

    @property
    def open_cells(self) -> list[Cell]:
        """What is left to do; what failed is tried again."""
        return [
            cell
            for cell in self.cells
            if cell not in self.outcomes or not self.outcomes[cell].is_done
        ]

    def described(self, *, each: bool = False) -> StudyReport:
        """Say what will be done; what has been done so far.

        Args:
            each: name every training.
        """
        say, left = self.console.say, self.open_cells
        tell(self.checked.grid.left_out, self.console)
        tell(remarks(self.checked.config), self.console)
        say(f"{plural(len(self.cells), 'training')}: {self._length()}")
        done = len(self.cells) - len(left)
        tries = sum(cell in self.outcomes for cell in left)
        if done:
            say(f"{done:,} of them are done already and are not repeated")
        if tries:
            say(f"{tries:,} failed before and are tried again")
        others = len(set(self.plan.cells) - set(self.cells))
        if others:
            say(f"{plural(others, 'training')} of before stay in the results as they are")
        if each:
            tell((f"  {cell}: {self._state(cell)}" for cell in self.cells), self.console)
        say(self._expectation(left))
        return self._report()

    def run(self) -> StudyReport:
        """Do what is left to do."""
        self.folder.remove_leftovers()
        write_plan(self.folder.path, self.plan)
        self._write_lists()
        self._measure_speed()
        self._write_results()
        todo = self.open_cells
        try:
            for number, cell in enumerate(todo, 1):
                self.console.say(f"training {number} of {len(todo)}: {cell}")
                self._train(cell)
                self._write_results()
                self.console.say(self._ended(cell))
                if left := todo[number:]:
                    self.console.say(self._expectation(left))
        except KeyboardInterrupt:
            self.console.say("the same command goes on with the study")
            raise
        return self._finished()

    def _finished(self) -> StudyReport:
        report = self._report()
        if report.failures:
            count = plural(len(report.failures), "training")
            self.console.say(f"{count} failed; the same command tries them again")
        self.console.say(f"{self.folder.path / 'study.html'}, study.svg, study.csv")
        return report

    def _train(self, cell: Cell) -> None:
        files, began = self.folder.files(cell), time.monotonic()
        resumed = files.run.exists()
        write_config(self._config(cell, self._steps(cell.freeze)), files.config)
        outcome = self._outcome(files)
        self.outcomes[cell] = outcome
        if outcome.is_done:
            wall = time.monotonic() - began
            self.seconds[cell] = outcome.seconds if resumed else wall

    def _outcome(self, files: CellFiles) -> Outcome:
        """Train; what became of it, which is then written down in any case."""
        files.outcome.unlink(missing_ok=True)
        ended = self.runner(files)
        outcome = read_outcome(files.outcome)
        if outcome is None:
            outcome = failed(ended or "it ended without a result")
            write_outcome(files.outcome, outcome)
        return outcome

    def _config(self, cell: Cell, steps: int) -> schema.TrainEvalPipelineConfig:
        some = cell.images < len(self.checked.names)
        return cell_config(
            self.checked.config,
            cell,
            checkpoints=self.plan.checkpoints,
            steps=steps,
            image_list=str(self.folder.image_list(cell.seed, cell.images)) if some else "",
        )

    def _steps(self, freeze: str) -> int:
        if self.plan.minutes is not None:
            return self.plan.steps_within[freeze]
        return self.plan.steps or self.checked.config.train_config.num_steps

    def _write_lists(self) -> None:
        some = [cell for cell in self.cells if cell.images < len(self.checked.names)]
        orders = {
            seed: stratified_order(self.checked.classes, seed) for seed in {c.seed for c in some}
        }
        self.folder.write_lists(some, self.checked.names, orders)

    def _measure_speed(self) -> None:
        """With `--minutes`: how many steps each kind of freezing leaves time for."""
        minutes = self.plan.minutes
        if minutes is None:
            return
        wanted = {cell.freeze: cell for cell in reversed(self.open_cells)}
        for freeze, cell in wanted.items():
            if freeze in self.plan.steps_within:
                continue
            self.console.say(f"a trial of {TRIAL_STEPS} steps, freezing {freeze}")
            steps = steps_within(minutes, self.checked.config.train_config, self._trial(cell))
            self.console.say(f"{minutes:g} min are enough for {plural(steps, 'step')}")
            measured = {**self.plan.steps_within, freeze: steps}
            self.plan = replace(self.plan, steps_within=measured)
            write_plan(self.folder.path, self.plan)

    def _trial(self, cell: Cell) -> Outcome:
        files = self.folder.trial_files()
        config = self._config(cell, TRIAL_STEPS)
        config.train_config.evaluate_every_steps = TRIAL_STEPS // TRIAL_EVALUATIONS
        write_config(config, files.config)
        outcome = self._outcome(files)
        self.folder.remove_trial()
        if outcome.is_done:
            return outcome
        raise TrainingError(
            three_part(
                f"the trial of {cell} failed: {outcome.reason}.",
                "How many steps fit into the minutes is measured before the first training.",
                "Cure that, or give --steps N instead of --minutes.",
            )
        )

    def _write_results(self) -> None:
        self.folder.write_results(
            StudyFacts(
                name=Path(self.plan.config_file).stem,
                model=architecture_of(self.checked.config.model).describe(),
                data=self.checked.data,
                length=self._length(),
                rows=rows_of(self.plan.cells, self.outcomes),
                notes=[*self.checked.grid.left_out, *remarks(self.checked.config)],
                command=repeat_command(str(self.folder.path)),
            )
        )

    def _report(self) -> StudyReport:
        return StudyReport(self.folder.path, rows_of(self.cells, self.outcomes))

    def _length(self) -> str:
        if self.plan.minutes is not None:
            return f"{self.plan.minutes:g} min each"
        steps = self._steps("")
        return f"{plural(steps, 'step')} each" if steps else "each as long as the config says"

    def _state(self, cell: Cell) -> str:
        outcome = self.outcomes.get(cell)
        if outcome is not None:
            return "done" if outcome.is_done else f"failed: {outcome.reason}"
        return "begun" if self.folder.files(cell).run.exists() else "to do"

    def _ended(self, cell: Cell) -> str:
        outcome = self.outcomes[cell]
        if not outcome.is_done:
            return f"failed: {outcome.reason}"
        return (
            f"mAP {outcome.mean_ap:.3f}, mAP@.5 {outcome.half:.3f}, "
            f"{plural(outcome.steps, 'step')} in {duration(outcome.seconds)}"
        )

    def _expectation(self, left: Sequence[Cell]) -> str:
        if not left:
            return "nothing is left to do"
        what = f"{plural(len(left), 'training')} to go"
        known = expected_seconds(left, self.seconds, self.plan.minutes)
        if known is None:
            return f"{what}; how long they take is known after the first"
        return f"{what}, about {duration(known)}"
