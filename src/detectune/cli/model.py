"""`detectune model`: what a detector consists of."""

from __future__ import annotations

import os

import click

from detectune.cli.arguments import PATH
from detectune.cli.freeze_option import FREEZE, freeze_too
from detectune.terminal import print_table, say


@click.group()
def model() -> None:
    """Stages, layers and costs of a detector."""


@model.command()
@click.argument("source", metavar="CONFIG|RUN|MODEL", type=PATH)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field.")
@FREEZE
@click.option("--layers", is_flag=True, help="Every layer, with the number that --freeze counts.")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write everything as JSON.")
@click.option("--html", "html_file", type=PATH, metavar="FILE", help="Write a page with a drawing.")
def summary(
    source: str,
    overrides: tuple[str, ...],
    frozen: tuple[str, ...],
    layers: bool,
    json_file: str | None,
    html_file: str | None,
) -> None:
    """Stages with their shapes, parameters and multiply-adds, and what of them trains.

    Of a pipeline.config, a run directory, or a model of the zoo; no weights are needed. What trains
    is what the config says for the first step.
    """
    from detectune.cli.quiet import load_tensorflow
    from detectune.config.problems import refuse
    from detectune.files import ensure_writable, write_text

    for file in filter(None, (json_file, html_file)):
        ensure_writable(file)
    load_tensorflow()
    from detectune.config.freezing import freezing_conflicts
    from detectune.summary import page
    from detectune.summary.network import summarize
    from detectune.summary.read_model import read_model

    config = read_model(source, overrides)
    freeze_too(config, frozen)
    refuse(freezing_conflicts(config.train_config))
    found = summarize(config)
    if layers:
        print_table(page.LAYER_HEAD, page.layer_cells(found), numbers=1)
    print_table(page.STAGE_HEAD, page.stage_cells(found), title=found.model, numbers=4)
    say(
        f"input {found.input_size}; {page.millions(found.trainable)} of "
        f"{page.millions(found.parameters)} parameters train; "
        f"{page.billions(found.multiply_adds)} multiply-adds"
    )
    for line in filter(None, (found.frozen, *found.unfrozen)):
        say(line)
    if json_file:
        write_text(json_file, found.to_json())
        say(f"written: {json_file}")
    if html_file:
        name = os.path.basename(os.path.normpath(source))
        write_text(html_file, page.summary_html(found, name))
        say(f"written: {html_file}")
