"""`detectune zoo`: list, show and download pre-trained detectors."""

from __future__ import annotations

import json

import click

from detectune.cli.arguments import PATH
from detectune.terminal import say


@click.group()
def zoo() -> None:
    """List, show and download pre-trained detectors."""


@zoo.command("list")
@click.option("--classification", is_flag=True, help="The classification networks instead.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_archives(classification: bool, as_json: bool) -> None:
    """All archives of the zoo, with published times and mAP."""
    from detectune.zoo.catalog import CLASSIFICATION, DETECTION
    from detectune.zoo.table import catalog_table

    archives = CLASSIFICATION if classification else DETECTION
    if as_json:
        say(json.dumps([archive.to_json() for archive in archives], indent=2))
    else:
        say(catalog_table(archives))


@zoo.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(name: str, as_json: bool) -> None:
    """What is known about the archive NAME."""
    from detectune.zoo.catalog import find_archive
    from detectune.zoo.table import archive_text

    archive = find_archive(name)
    say(json.dumps(archive.to_json(), indent=2) if as_json else archive_text(archive))


@zoo.command()
@click.argument("name")
@click.option("--into", type=PATH, default="pre-trained", show_default=True, metavar="DIR")
@click.option(
    "--mirror",
    type=PATH,
    metavar="URL_OR_DIR",
    help="Another server or a folder with archives; also DETECTUNE_ZOO_MIRROR.",
)
@click.option("--force", is_flag=True, help="Fetch it even if it is there.")
def download(name: str, into: str, mirror: str | None, force: bool) -> None:
    """Fetch the archive NAME and unpack it into DIR/NAME."""
    from detectune.zoo.catalog import find_archive
    from detectune.zoo.download import check_model, fetch_archive
    from detectune.zoo.progress import progress_bar
    from detectune.zoo.table import fetched_text

    archive = find_archive(name)
    with progress_bar(archive.name) as progress:
        fetched = fetch_archive(archive, into, mirror=mirror, force=force, progress=progress)
    say(fetched_text(archive, fetched))
    check_model(fetched)
