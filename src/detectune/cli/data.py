"""`detectune data`: look at a data set, convert it, split it, and what comes before training."""

from __future__ import annotations

from collections.abc import Callable

import click

from detectune.cli.arguments import COUNT, PATH, SEED
from detectune.cli.data_anchors import anchors

_TO = click.Choice(["tfrecord", "coco", "voc", "csv", "yolo"])
_LABEL_MAP = click.option("--label-map", type=PATH, help="A label_map.pbtxt to go by.")


_rename = click.option(
    "--rename", multiple=True, metavar="OLD=NEW", help="Rename a class; equal new names merge."
)
_drop = click.option("--drop", multiple=True, metavar="CLASS", help="Leave a class out.")


def _class_options(command: Callable[..., None]) -> Callable[..., None]:
    """--rename and --drop."""
    return _rename(_drop(command))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def data() -> None:
    """Inspect, convert, split and preview data sets; find proposals and anchors.

    SOURCE is a folder, file or .zip in any format, or FORMAT:PATH (coco, voc, yolo, csv, labelme,
    cvat, via, label_studio, createml, open_images, kitti, keras_yolo, folders, images), or
    tfrecord:PATTERN.
    PATH#train, #val and #test name a part of a data set that is divided.
    """


@data.command()
@click.argument("source", type=PATH)
@_LABEL_MAP
@click.option("--json", "json_file", type=PATH, help="Write everything as JSON.")
@click.option("--report", type=PATH, help="Write a page with drawn samples (.html).")
def inspect(source: str, label_map: str | None, json_file: str | None, report: str | None) -> None:
    """What is in SOURCE, what is wrong with it, and what will happen to that."""
    from detectune.cli.data_output import open_named, print_inspection, track_images
    from detectune.data.inspect import inspect_source
    from detectune.data.inspect_report import inspection_page
    from detectune.files import write_text

    opened = open_named(source, label_map)
    inspection = inspect_source(opened, track_images)
    # Files first: whatever happens to the terminal, the results of long work are kept.
    if json_file:
        write_text(json_file, inspection.to_json())
    if report:
        write_text(report, inspection_page(inspection, opened))
    print_inspection(inspection)


@data.command()
@click.argument("source", type=PATH)
@click.argument("dest", type=PATH)
@click.option("--to", type=_TO, required=True, help="The format to write.")
@_LABEL_MAP
@click.option("--shards", type=COUNT, default=1, show_default=True, help="TFRecord files to write.")
@_class_options
@click.option("--strict", is_flag=True, help="Stop at a damaged image instead of skipping it.")
def convert(
    source: str,
    dest: str,
    to: str,
    label_map: str | None,
    shards: int,
    rename: tuple[str, ...],
    drop: tuple[str, ...],
    strict: bool,
) -> None:
    """Write SOURCE to DEST in another format: a file for tfrecord, else a new folder."""
    from detectune.cli.data_output import open_named, print_conversion, print_undivided
    from detectune.data.convert import convert as convert_source

    opened = open_named(source, label_map, proposals=True, rename=rename, drop=drop)
    print_conversion(dest, convert_source(opened, dest, to=to, shards=shards, strict=strict))
    if to == "yolo":
        print_undivided(source)


@data.command()
@click.argument("source", type=PATH)
@click.argument("dest", type=PATH)
@click.option("--ratios", default="0.8,0.1,0.1", show_default=True, help="Train, val, test.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--to", type=_TO, default="tfrecord", show_default=True)
@_LABEL_MAP
@_class_options
@click.option("--strict", is_flag=True, help="Stop at a damaged image instead of skipping it.")
def split(
    source: str,
    dest: str,
    ratios: str,
    seed: int,
    to: str,
    label_map: str | None,
    rename: tuple[str, ...],
    drop: tuple[str, ...],
    strict: bool,
) -> None:
    """Write random parts of SOURCE to the new folder DEST: train, val and test."""
    from detectune.cli.data_output import open_named, parse_ratios, print_conversion
    from detectune.data.convert import write_split

    opened = open_named(source, label_map, proposals=True, rename=rename, drop=drop)
    parts = write_split(opened, dest, parse_ratios(ratios), seed=seed, to=to, strict=strict)
    for name, conversion in parts.items():
        print_conversion(name, conversion)


@data.command()
@click.argument("source", type=PATH)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="Boxes of an image, at most.",
)
@click.option("--quality", is_flag=True, help="Search in more ways; several times slower.")
def proposals(source: str, count: int, quality: bool) -> None:
    """Boxes in which Fast R-CNN looks, found once by selective search and kept with SOURCE.

    Images that have been searched before are not searched again. `data convert --to tfrecord`
    writes the boxes into the records.
    """
    from detectune.cli.data_output import open_named, print_proposals, track_images
    from detectune.data.proposals import compute_proposals
    from detectune.data.selective_search import SelectiveSearch
    from detectune.data.sources.proposed import ProposalFile
    from detectune.data.sources.recognise import proposal_file_of

    opened, search = open_named(source, None), SelectiveSearch(count, quality=quality)
    file = ProposalFile(proposal_file_of(source))
    print_proposals(file.path, compute_proposals(opened, file, search, track_images))


@data.command()
@click.argument("pipeline_config", type=PATH)
@click.argument("dest", type=PATH)
@click.option("--count", type=COUNT, default=16, show_default=True, help="Pictures to write.")
@click.option("--seed", type=SEED, default=0, show_default=True)
def preview(pipeline_config: str, dest: str, count: int, seed: int) -> None:
    """Augmented samples of PIPELINE_CONFIG as pictures in DEST, annotations drawn."""
    from detectune.cli.quiet import load_tensorflow
    from detectune.config.load import load_config

    loaded = load_config(pipeline_config)
    load_tensorflow()
    from detectune.cli.data_output import print_left_out
    from detectune.data.preview import write_previews
    from detectune.terminal import say
    from detectune.wording import plural

    files, left_out = write_previews(loaded, dest, count=count, seed=seed)
    say(f"{plural(len(files), 'picture')} in {dest}")
    print_left_out(left_out)


data.add_command(anchors)
