"""How `detectune advise` and `detectune data anchors` print what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from detectune.terminal import print_table, say, write_out
from detectune.wording import one_line, plural

if TYPE_CHECKING:
    from detectune.advice.anchors import AnchorReport


def print_anchors(report: AnchorReport, asked: int, written: Sequence[str]) -> None:
    """Clusters, recall, and the proposed generator."""
    height, width = report.input_size
    say(
        f"{plural(len(report.sizes), 'box')} as {one_line(report.model)} sees them "
        f"({width}x{height} pixels)"
    )
    if len(report.clusters.sizes) < asked:
        found = plural(len(report.clusters.sizes), "different size")
        say(f"note: {asked} clusters were asked for; the boxes have {found}")
    rows = [
        (f"{one[1]:.0f} x {one[0]:.0f}", f"{one[1] / one[0]:.2f}", f"{share:.0%}")
        for one, share in zip(report.clusters.sizes, report.clusters.shares, strict=True)
    ]
    print_table(("cluster, width x height", "width : height", "boxes"), rows, numbers=2)
    print_coverage(report)
    for remark in report.remarks():
        say(remark)
    for path in written:
        say(f"written: {one_line(path)}")
    say()
    write_out(report.text)


def print_coverage(report: AnchorReport) -> None:
    """Recall and mean IoU, of all boxes and by their size."""
    rows: list[tuple[str, str, str, str, str]] = []
    for name, found in report.rows:
        groups = (("all", found.all), *found.by_size)
        rows += [
            (name if part == "all" else "", part, f"{one.boxes:,}", f"{one.recall:.3f}",
             f"{one.mean_iou:.3f}")
            for part, one in groups
        ]  # fmt: skip
    print_table(("", "boxes by side", "boxes", "recall at IoU 0.5", "mean IoU"), rows, numbers=3)
