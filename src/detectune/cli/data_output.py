"""How the `detectune data` commands read their arguments and print their results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from detectune.errors import ConfigError, three_part

if TYPE_CHECKING:
    from pathlib import Path

    from detectune.data.convert import Conversion
    from detectune.data.inspect import Inspection
    from detectune.data.proposals import Computed
    from detectune.data.sources.base import Source

_EXAMPLES = 3


def open_named(
    spec: str,
    label_map: str | None,
    *,
    proposals: bool = False,
    rename: Iterable[str] = (),
    drop: Iterable[str] = (),
) -> Source:
    """The source that `spec` names, with the classes of the file `label_map`, if any.

    Args:
        proposals: with those that `detectune data proposals` has left with the data.
        rename: OLD=NEW for each class that gets another name.
        drop: the classes that are left out.
    """
    from detectune.cli.quiet import load_tensorflow

    load_tensorflow()
    from detectune.config.label_map import read_label_map
    from detectune.data.sources.recognise import open_source

    classes = read_label_map(label_map) if label_map else None
    columns = ("masks", "proposals") if proposals else ("masks",)
    renamed, dropped = dict(_renamed(text) for text in rename), list(drop)
    if not renamed and not dropped:
        return open_source(spec, classes, columns=columns)
    from detectune.data.sources.reclassed import Reclassed

    return Reclassed(open_source(spec, None, columns=columns), renamed, dropped, classes)


def _renamed(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals:
        raise ConfigError(
            three_part(
                f'--rename is "{text}".',
                "The name of a class, =, and its new name.",
                'Write, for example, --rename "tow truck=truck".',
            )
        )
    return old.strip(), new.strip()


def parse_ratios(text: str) -> list[float]:
    """The numbers in "0.8,0.1,0.1"."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(
            three_part(
                f'--ratios is "{text}".',
                "Two or more positive numbers that add up to 1, separated by commas.",
                "Write, for example, --ratios 0.8,0.1,0.1.",
            )
        ) from None


def track_images(indices: range) -> Iterable[int]:
    """`indices`, with a progress bar on a terminal while they are worked through."""
    console = Console(stderr=True)
    return track(
        indices,
        "looking at images",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_inspection(inspection: Inspection) -> None:
    """Counts, classes and defects as tables."""
    console = Console()
    console.print(f"[bold]{escape(inspection.source)}[/bold]")
    sizes = ", ".join(f"{count} {name}" for name, count in inspection.box_sizes.items())
    console.print(
        f"{inspection.images} images, {inspection.images_without_boxes} of them without boxes; "
        f"{inspection.boxes} boxes ({sizes}), at most {inspection.most_boxes} in one image"
    )
    if inspection.masks:
        console.print(f"{inspection.masks} of the boxes have masks")
    for name, (height, width) in inspection.image_sizes.items():
        console.print(f"{name} image: {width} x {height} pixels")
    classes = Table("class", "boxes")
    for name, count in inspection.boxes_per_class.items():
        classes.add_row(escape(name), str(count))
    console.print(classes)
    _print_defects(console, inspection)


def _print_defects(console: Console, inspection: Inspection) -> None:
    if not inspection.defects:
        console.print("No defects found.")
        return
    table = Table("defect", "count", "where", "what will happen")
    for kind, count in inspection.defect_counts().items():
        found = [defect for defect in inspection.defects if defect.kind == kind]
        shown = [f"{escape(d.file)}: {escape(d.detail)}" for d in found[:_EXAMPLES]]
        more = [f"… and {count - _EXAMPLES} more"] if count > _EXAMPLES else []
        table.add_row(kind, str(count), "\n".join(shown + more), found[0].consequence)
    console.print(table)
    if len(inspection.defects) > _EXAMPLES:
        console.print("--json FILE and --report FILE.html list every defect.")


def print_proposals(file: Path, computed: Computed) -> None:
    """How many boxes there are, and where they lie."""
    console = Console(soft_wrap=True)
    mean = computed.boxes / max(computed.images, 1)
    console.print(
        f"{computed.images} images, {computed.searched} of them searched now; "
        f"{mean:.0f} boxes in each on average"
    )
    console.print(f"written: {escape(str(file))}")


def print_conversion(name: str, conversion: Conversion) -> None:
    """What was written, and every image that was not."""
    console = Console(soft_wrap=True)
    console.print(f"{escape(name)}: {conversion.images} images in {len(conversion.files)} files")
    if conversion.clipped:
        console.print(f"{conversion.clipped} boxes reached out of their image and were clipped")
    if conversion.dropped:
        console.print(f"{conversion.dropped} boxes had no area and were left out")
    if conversion.lost_masks:
        console.print(
            f"[yellow]{conversion.lost_masks} masks are not written: only coco and tfrecord "
            "keep masks[/yellow]"
        )
    if conversion.skipped:
        console.print(f"[yellow]{len(conversion.skipped)} damaged images were left out:[/yellow]")
        for file_name, reason in conversion.skipped:
            console.print(f"  {escape(file_name)}: {escape(reason)}")
