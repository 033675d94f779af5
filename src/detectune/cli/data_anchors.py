"""`detectune data anchors`: clusters of boxes, beside the anchors of a model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from detectune.cli.arguments import PATH, SEED

if TYPE_CHECKING:
    from detectune.config import schema

_MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


@click.command()
@click.argument("source", type=PATH)
@click.option("--model", default=None, metavar="NAME", help=f"Of the zoo; by default {_MODEL}.")
@click.option("--config", "config", type=PATH, metavar="FILE", help="The model of this config.")
@click.option(
    "--clusters",
    type=click.IntRange(1, 100),
    default=9,
    show_default=True,
    help="Groups of boxes.",
)
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--label-map", type=PATH, help="A label_map.pbtxt to go by.")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write everything as JSON.")
@click.option("--picture", type=PATH, metavar="FILE.svg", help="Draw boxes and anchors.")
def anchors(
    source: str,
    model: str | None,
    config: str | None,
    clusters: int,
    seed: int,
    label_map: str | None,
    json_file: str | None,
    picture: str | None,
) -> None:
    """Clusters of the boxes of SOURCE, and the anchors that a model needs for them.

    Sizes are those after the model's resizer. Recall is the share of boxes whose best anchor has an
    IoU of 0.5 or more. The last lines can be pasted into a config.
    """
    from detectune.advice.anchor_picture import anchor_picture, check_picture
    from detectune.advice.anchors import advise_anchors
    from detectune.cli.advice_output import print_anchors
    from detectune.cli.data_output import open_named
    from detectune.data.box_shapes import box_sides
    from detectune.files import ensure_writable, write_text

    if picture:
        check_picture(picture)
    files = [path for path in (json_file, picture) if path]
    for path in files:
        ensure_writable(path)
    name, message = _model(model, config)
    opened = open_named(source, label_map)
    images = list(box_sides(opened))
    report = advise_anchors(images, opened.name, message, name, count=clusters, seed=seed)
    if json_file:
        write_text(json_file, report.to_json())
    if picture:
        write_text(picture, anchor_picture(report))
    print_anchors(report, clusters, files)


def _model(model: str | None, config: str | None) -> tuple[str, schema.DetectionModel]:
    """What the model is called, and its message."""
    from detectune.config.load import load_config
    from detectune.errors import ConfigError, three_part
    from detectune.recipes.templates import template

    if config is None:
        return model or _MODEL, template(model or _MODEL).model
    if model is not None:
        raise ConfigError(
            three_part(
                f"--model {model} and --config {config}: there are two models.",
                "Anchors are compared for one model.",
                "Leave one of the two options out.",
            )
        )
    return os.path.basename(config), load_config(config).model
