"""How the `detectune data` commands read their arguments and print their results."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from detectune.errors import ConfigError, three_part
from detectune.terminal import print_table, say, tracked
from detectune.wording import one_line, plural

if TYPE_CHECKING:
    from pathlib import Path

    from detectune.data.convert import Conversion
    from detectune.data.inspect import Inspection
    from detectune.data.proposals import Computed
    from detectune.data.readable import LeftOut
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
    return tracked(indices, "looking at images")


def print_inspection(inspection: Inspection) -> None:
    """Counts, classes and defects as tables."""
    say(inspection.source, style="bold")
    sizes = ", ".join(f"{count:,} {name}" for name, count in inspection.box_sizes.items())
    empty = inspection.images_without_boxes
    which = f"{empty:,} of them without boxes"
    if inspection.images == 1:
        which = "without boxes" if empty else "with boxes"
    say(
        f"{plural(inspection.images, 'image')}, {which}; "
        f"{plural(inspection.boxes, 'box')} ({sizes}), "
        f"at most {inspection.most_boxes:,} in one image"
    )
    if inspection.masks:
        say(f"{plural(inspection.masks, 'box')} with a mask")
    for name, (height, width) in inspection.image_sizes.items():
        say(f"{name} image: {width} x {height} pixels")
    classes = [(one_line(name), count) for name, count in inspection.boxes_per_class.items()]
    print_table(("class", "boxes"), classes)
    _print_defects(inspection)


def _print_defects(inspection: Inspection) -> None:
    if not inspection.defects:
        say("No defects found.")
        return
    rows: list[tuple[str, str, str, str]] = []
    for kind, count in inspection.defect_counts().items():
        found = [defect for defect in inspection.defects if defect.kind == kind]
        shown = [f"{one_line(d.file)}: {one_line(d.detail)}" for d in found[:_EXAMPLES]]
        more = [f"… and {count - _EXAMPLES:,} more"] if count > _EXAMPLES else []
        rows.append((kind, f"{count:,}", "\n".join(shown + more), found[0].consequence))
    print_table(("defect", "count", "where", "what will happen"), rows)
    if len(inspection.defects) > _EXAMPLES:
        say("--json FILE and --report FILE.html list every defect.")


def print_proposals(file: Path, computed: Computed) -> None:
    """How many boxes there are, and where they lie."""
    mean = computed.boxes / max(computed.images, 1)
    say(
        f"{plural(computed.images, 'image')}, {computed.searched:,} of them searched now; "
        f"{mean:.0f} boxes in each on average"
    )
    say(f"written: {file}")
    print_left_out(computed.left_out)


def print_left_out(images: LeftOut) -> None:
    """Which images could not be read; then the command ends with status 1."""
    for name, reason in images:
        say(f"not read: {one_line(name)}: {one_line(reason)}", err=True)
    if images:
        raise SystemExit(1)


def print_undivided(spec: str) -> None:
    """What the data.yaml of a data set that was not divided says."""
    say(
        "data.yaml: val: is the same folder as train:, because nothing was divided; "
        f"`detectune data split {shlex.quote(spec)} DEST --to yolo` divides"
    )


def print_conversion(name: str, conversion: Conversion) -> None:
    """What was written, and every image that was not."""
    files = plural(len(conversion.files), "file")
    say(f"{one_line(name)}: {plural(conversion.images, 'image')} in {files}")
    if conversion.clipped:
        clipped = plural(conversion.clipped, "box")
        say(f"{clipped}: out of the image in part, and clipped to it")
    if conversion.dropped:
        say(f"{plural(conversion.dropped, 'box')}: left out, without area")
    if conversion.lost_masks:
        lost = plural(conversion.lost_masks, "mask")
        say(f"{lost}: not written, only coco and tfrecord keep masks", style="yellow")
    if conversion.skipped:
        one, several = "damaged image or annotation", "damaged images or annotations"
        count = plural(len(conversion.skipped), one, several)
        say(f"{count} left out:", style="yellow")
        for file_name, reason in conversion.skipped:
            say(f"  {one_line(file_name)}: {one_line(reason)}")
