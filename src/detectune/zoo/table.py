"""The catalogue as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from detectune.zoo.catalog import Archive
from detectune.zoo.download import Fetched


def catalog_table(archives: Sequence[Archive]) -> str:
    """One line per archive: name, published ms and mAP, outputs, whether detectune runs it."""
    rows = [("name", "ms", "COCO mAP", "outputs", "")]
    rows += [(a.name, *_numbers(a), "/".join(a.outputs), _mark(a)) for a in archives]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    legend = "* detectune fine-tunes and runs it. ms and mAP are the zoo's own figures."
    return "\n".join([*lines, "", legend])


def archive_text(archive: Archive) -> str:
    """All that is known about `archive`, one line each."""
    milliseconds, scores = _numbers(archive)
    support = "detectune fine-tunes and runs it" if archive.supported else "not supported yet"
    rows = {
        "name": archive.name,
        "title": archive.title,
        "task": archive.task,
        "outputs": ", ".join(archive.outputs),
        "COCO mAP": scores.replace("-", ""),
        "ms/image": milliseconds.replace("-", ""),
        "config": archive.config,
        "url": archive.url,
        "support": support,
        "note": "deprecated by the zoo" if archive.deprecated else "",
        "download": f"detectune zoo download {archive.name}",
    }
    return "\n".join(f"{key + ':':<10} {value}" for key, value in rows.items() if value)


def fetched_text(archive: Archive, fetched: Fetched) -> str:
    """What a download did, and what to do with it."""
    lines = [f"{fetched.folder}: {'is already there' if fetched.was_there else 'ready'}"]
    if fetched.was_there:
        lines.append("nothing was fetched; --force fetches it again")
    elif fetched.sha256:
        lines.append(f"sha256 {fetched.sha256}")
    checkpoints = sorted(fetched.folder.glob("**/*.index"))
    if checkpoints:
        prefix = str(checkpoints[0]).removesuffix(".index")
        lines.append(f'fine_tune_checkpoint: "{prefix}"')
    if not archive.supported:
        lines.append("detectune cannot fine-tune or run this model yet.")
    return "\n".join(lines)


def _numbers(archive: Archive) -> tuple[str, str]:
    second = archive.keypoint_map or archive.mask_map
    scores = [f"{value:.1f}" for value in (archive.box_map, second) if value is not None]
    milliseconds = "-" if archive.milliseconds is None else f"{archive.milliseconds:.0f}"
    return milliseconds, "/".join(scores) or "-"


def _mark(archive: Archive) -> str:
    return "*" if archive.supported else "deprecated" if archive.deprecated else ""
