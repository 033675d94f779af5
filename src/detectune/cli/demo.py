"""`detectune demo`."""

from __future__ import annotations

import click

from detectune.cli.options import PATH


@click.command()
@click.option(
    "--model-dir",
    type=PATH,
    default="demo-run",
    show_default=True,
    metavar="DIR",
    help="A new folder for scenes, runs, pictures and the exported detector.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=None,
    help="Training steps, of the fine-tuning and again from scratch.",
)
def demo(model_dir: str, steps: int | None) -> None:
    """Fine-tune a small detector on drawn scenes, offline, and show what it was worth.

    Cubes with hand-written digits: a detector that has only seen letters and shapes learns them in
    a few minutes. Leaves annotated pictures, two run directories and a SavedModel.
    """
    from detectune.cli.quiet import load_tensorflow

    load_tensorflow()
    from detectune.demo.program import STEPS, run_demo

    run_demo(model_dir, steps or STEPS)
