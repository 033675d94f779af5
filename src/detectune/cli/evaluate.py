"""`detectune evaluate`: COCO metrics."""

from __future__ import annotations

import json

import click

from detectune.cli.arguments import CHECKPOINT, PATH, refuse_missing_run


@click.command()
@click.argument("run", type=PATH)
@CHECKPOINT
@click.option("--data", type=PATH, metavar="SOURCE", help="Other images than those of the config.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many images.")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write the numbers as JSON.")
def evaluate(
    run: str, checkpoint: str | None, data: str | None, limit: int | None, json_file: str | None
) -> None:
    """COCO metrics of RUN: a run directory or an unpacked zoo archive."""
    from detectune.cli.quiet import load_tensorflow

    refuse_missing_run(run)
    load_tensorflow()
    from detectune.cli.tables import print_left_out, print_metrics
    from detectune.files import ensure_writable, write_text
    from detectune.inference.evaluate_run import evaluate as run_evaluation
    from detectune.terminal import progress_bar, say

    if json_file:
        ensure_writable(json_file)
    with progress_bar() as bar:
        task = bar.add_task("evaluating", total=None)
        report = run_evaluation(
            run,
            checkpoint=checkpoint,
            data=data,
            limit=limit,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    # The file first: whatever happens to the terminal, the result of long work is kept.
    if json_file:
        write_text(json_file, json.dumps(report, indent=2) + "\n")
    print_metrics(report)
    for finding in report.get("findings", ()):
        say(f"mAP is near 0: {finding['seen']}. {finding['advice']}")
    if json_file:
        say(f"written: {json_file}")
    if "left_out" in report:
        print_left_out(report["left_out"])
        raise SystemExit(1)
