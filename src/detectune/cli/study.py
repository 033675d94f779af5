"""`detectune study`: how accuracy grows with the number of images."""

from __future__ import annotations

import sys

import click

from detectune.cli.arguments import PATH, STEPS


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", metavar="PIPELINE_CONFIG", type=PATH)
@click.option(
    "--images",
    default="10,25,50,all",
    show_default=True,
    metavar="N,…,all",
    help="Numbers of training images.",
)
@click.option(
    "--seeds",
    default="3",
    show_default=True,
    metavar="N|SEED,SEED,…",
    help="How many (0, 1, …), or which.",
)
@click.option(
    "--start",
    default="scratch,classification,detection",
    show_default=True,
    metavar="WORD,…",
    help="Random weights, those of a classifier, those of a detector.",
)
@click.option(
    "--freeze",
    default="none,backbone",
    show_default=True,
    metavar="PART,…",
    help="none, or what is not trained, as `train --freeze` has it.",
)
@click.option(
    "--classification-checkpoint",
    type=PATH,
    metavar="PATH|imagenet",
    help="Of the start with a classifier; by default that of the config.",
)
@click.option(
    "--detection-checkpoint",
    type=PATH,
    metavar="PATH",
    help="Of the start with a detector; by default that of the config.",
)
@click.option("--steps", type=STEPS, metavar="N", help="Of each training; by default the config's.")
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 100_000),
    metavar="N",
    help="Of each training, measured by a short trial.",
)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, and write nothing.")
@click.option("-o", "--out", required=True, type=PATH, metavar="DIR", help="The study's folder.")
def study(
    file: str,
    images: str,
    seeds: str,
    start: str,
    freeze: str,
    classification_checkpoint: str | None,
    detection_checkpoint: str | None,
    steps: int | None,
    minutes: float | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    out: str,
) -> None:
    """Train PIPELINE_CONFIG on more and more images, and draw accuracy against their number.

    Every combination of the options is trained, on images that are chosen by the seed, and
    evaluated on all of eval_input_reader. The same command goes on with a study that was stopped;
    with more numbers or seeds it extends one. The exit status is 1 if a training failed.
    """
    from functools import partial

    from detectune.config.load import load_config
    from detectune.files import usable_path
    from detectune.study.cell_process import run_in_process
    from detectune.study.options import read_options
    from detectune.study.run import run_study

    options = read_options(
        images,
        seeds,
        start,
        freeze,
        classification=classification_checkpoint,
        detection=detection_checkpoint,
        steps=steps,
        minutes=minutes,
    )
    report = run_study(
        load_config(file, overrides),
        options,
        usable_path(out, "-o"),
        config_file=file,
        runner=partial(run_in_process, "detectune.cli.study_cell"),
        dry_run=dry_run,
    )
    if report.failures and not dry_run:
        sys.exit(1)
