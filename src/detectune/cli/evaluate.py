"""`detectune evaluate`: COCO metrics."""

from __future__ import annotations

import json

import click

from detectune.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.option(
    "--checkpoint", type=PATH, metavar="best|last|PATH", help="Which weights; the best if left out."
)
@click.option("--data", type=PATH, metavar="SOURCE", help="Other images than those of the config.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many images.")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write the numbers as JSON.")
def evaluate(
    run: str, checkpoint: str | None, data: str | None, limit: int | None, json_file: str | None
) -> None:
    """COCO metrics of RUN: a run directory or an unpacked zoo archive."""
    from rich.progress import Progress

    from detectune.cli.quiet import load_tensorflow

    load_tensorflow()
    from detectune.cli.tables import metrics_table, print_table
    from detectune.files import ensure_writable, write_text
    from detectune.inference.evaluate_run import evaluate as run_evaluation

    if json_file:
        ensure_writable(json_file)
    with Progress(transient=True) as bar:
        task = bar.add_task("evaluating", total=None)
        report = run_evaluation(
            run,
            checkpoint=checkpoint,
            data=data,
            limit=limit,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print_table(metrics_table(report))
    if json_file:
        write_text(json_file, json.dumps(report, indent=2) + "\n")
        click.echo(f"written: {json_file}")
