"""`detectune config`: make, check and show a pipeline.config."""

from __future__ import annotations

import sys

import click

from detectune.cli.advice_options import needed, refuse_two_models
from detectune.cli.arguments import BATCH, PATH, STEPS
from detectune.terminal import say, write_out


@click.group()
def config() -> None:
    """Make, check and show a pipeline.config."""


@config.command()
@click.argument("file", type=PATH, metavar="FILE")
@click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="Change a field.")
@click.option("--data", "with_data", is_flag=True, help="Look into the images and annotations too.")
@click.option("--quiet", "-q", is_flag=True, help="Do not show notes about ignored fields.")
def check(file: str, overrides: tuple[str, ...], with_data: bool, quiet: bool) -> None:
    """Every problem of FILE with line:column; exit 2 if one is an error."""
    from detectune.config.check import check_config
    from detectune.config.problems import has_errors, summary

    look_further = None
    if with_data:
        from functools import partial

        from detectune.cli.data_output import track_images
        from detectune.training.data_problems import data_problems

        look_further = partial(data_problems, track=track_images)
    problems = check_config(file, overrides, look_further)
    for problem in problems:
        if not (quiet and problem.severity == "note"):
            say(problem.shown(file))
    say(f"{file}: {summary(problems)}")
    if has_errors(problems):
        sys.exit(2)


@config.command()
@click.argument("file", type=PATH, metavar="FILE")
@click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="Change a field.")
def show(file: str, overrides: tuple[str, ...]) -> None:
    """The effective config: FILE with the changes of --set."""
    from detectune.config.load import load_config
    from detectune.config.save import config_text

    write_out(config_text(load_config(file, overrides)))


@config.command()
@click.argument("fragment", type=PATH, metavar="FRAGMENT")
@click.option("--base", required=True, metavar="MODEL", help="What is missing is taken from it.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.option("-o", "--output", type=PATH, required=True, metavar="FILE")
def complete(fragment: str, base: str, force: bool, output: str) -> None:
    """Fill up a part of a config, as tutorials show it, from a model of the zoo.

    FRAGMENT is a text file: a config that leaves something out, or what stands inside of model,
    of its architecture, or of train_config.
    """
    from detectune.recipes.complete import complete_config, next_steps

    completed = complete_config(fragment, base, output, force=force)
    for line in (*completed.taken, f"wrote {output}", *completed.problems):
        say(line)
    for line in next_steps(completed.config, output):
        say(line)


@config.command()
@click.option(
    "--from-advice",
    "advice",
    type=PATH,
    default=None,
    metavar="ADVICE.json",
    help="What `detectune advise SOURCE -o ADVICE.json` wrote, instead of --model.",
)
@click.option(
    "--model",
    default=None,
    metavar="NAME",
    help="A model of the zoo, or rcnn_keras; with --backbone also ssd_fpn_keras and the like.",
)
@click.option(
    "--backbone",
    type=PATH,
    default=None,
    metavar="NETWORK|FILE",
    help="Another network under it: ConvNeXtTiny, or a .keras file.",
)
@click.option("--train", type=PATH, default=None, metavar="SOURCE", help="Images to learn from.")
@click.option(
    "--eval",
    "evaluation",
    type=PATH,
    required=True,
    metavar="SOURCE",
    help="Images to measure with.",
)
@click.option(
    "--checkpoint",
    type=PATH,
    default=None,
    metavar="PATH|imagenet|none",
    help="Where to start from; by default what `zoo download` fetches. imagenet: the weights that "
    "Keras publishes for the backbone, the default with --backbone; none: random ones.",
)
@click.option(
    "--label-map", type=PATH, default=None, metavar="FILE", help="By default from the data."
)
@click.option("--batch-size", type=BATCH, help="By default chosen.")
@click.option(
    "--steps", type=STEPS, help="By default chosen; with rcnn_keras none, and its network stays."
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.option("-o", "--output", type=PATH, required=True, metavar="FILE")
def new(
    advice: str | None,
    model: str | None,
    backbone: str | None,
    train: str | None,
    evaluation: str,
    checkpoint: str | None,
    label_map: str | None,
    batch_size: int | None,
    steps: int | None,
    force: bool,
    output: str,
) -> None:
    """Write a config that fine-tunes a model of the zoo on your data.

    SOURCE is a folder or file of images with annotations; its format is recognised, or named as
    coco:PATH, voc:PATH, yolo:PATH, csv:PATH, tfrecord:PATTERN.
    """
    from detectune.recipes.new_config_file import write_new_config

    if advice is not None:
        from detectune.advice.new_config import write_advised_config

        refuse_two_models(advice, model, backbone)
        new = write_advised_config(
            advice,
            train,
            evaluation,
            output,
            checkpoint=checkpoint or "",
            label_map_path=label_map or "",
            batch_size=batch_size,
            num_steps=steps,
            force=force,
        )
    else:
        new = write_new_config(
            needed("--model", model),
            needed("--train", train),
            evaluation,
            output,
            checkpoint=checkpoint or "",
            label_map_path=label_map or "",
            backbone=backbone or "",
            batch_size=batch_size,
            num_steps=steps,
            force=force,
        )
    for line in (*new.reasons, *new.written, *new.next_steps):
        say(line)
