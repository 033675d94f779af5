"""What a report tells about a run: read from its files and its progress, with what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from detectune.checkpoints.run_directory import Run
from detectune.config.architectures import architecture_of
from detectune.config.report import report_fields
from detectune.files import unused_path
from detectune.training.logs import scan_metrics
from detectune.training.report import Facts
from detectune.training.report_examples import Example
from detectune.training.state import Progress


def facts_of(
    run: Run,
    progress: Progress,
    *,
    data: Sequence[str],
    examples: Sequence[Example] = (),
    left_out: Mapping[str, str] | None = None,
) -> Facts:
    """What the files of `run` and its `progress` say."""
    notes = [problem for problem in report_fields(run.config) if problem.severity != "error"]
    return Facts(
        name=run.path.resolve().name,
        model=architecture_of(run.config.model).describe(),
        data=data,
        rows=scan_metrics(run.metrics).rows,
        steps=progress.step,
        # A stage without a number of steps in the config does those that it has.
        num_steps=run.config.train_config.num_steps or progress.step,
        seconds=progress.seconds,
        best_step=progress.best_step,
        metrics=progress.best_metrics,
        per_category=progress.best_per_category,
        details=progress.best_details,
        examples=examples,
        notes=progress.notes,
        left_out=left_out or {},
        findings=progress.findings,
        warnings=progress.warnings,
        ignored=[f"{problem.field}: {problem.found}" for problem in notes],
        commands=next_commands(run),
    )


def next_commands(run: Run) -> list[str]:
    """Commands that use `run`, as they are typed; IMAGES stands for pictures of the user."""
    where, name = shlex.quote(str(run.path)), run.path.resolve().name
    target = run.config.train_config.domain_adaptation.target_eval_input_reader.source
    evaluations = [f"detectune evaluate {where}"] if run.config.eval_input_reader else []
    if target:
        evaluations.append(f"detectune evaluate {where} --data {shlex.quote(target)}")
    return [
        f"detectune predict {where} IMAGES --out predictions",
        *(evaluations or [f"detectune evaluate {where} --data SOURCE"]),
        f"detectune export {where} -o {shlex.quote(unused_path(f'exported/{name}'))}",
    ]
