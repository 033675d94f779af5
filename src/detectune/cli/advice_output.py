"""How `detectune advise` and `detectune data anchors` print what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from detectune.terminal import print_table, say, write_out
from detectune.wording import one_line, plural

if TYPE_CHECKING:
    from detectune.advice.advice_parts import Advice
    from detectune.advice.anchors import AnchorReport

_MOST_CLASSES = 12


def print_advice(advice: Advice, written: Sequence[str]) -> None:
    """What was seen, what is advised, and what to type next."""
    _print_data(advice.facts["data"])
    say(f"machine: {advice.facts['machine']['description']}")
    say()
    for point in advice.points:
        say(f"{point.what}: {one_line(point.choice)}", style="bold")
        say(f"  {one_line(point.reason)}")
        say(f"  from: {point.origin}", style="dim")
    say()
    if advice.settings is not None and advice.settings.anchors:
        write_out(advice.facts["anchors"]["proposed"])
    for note in advice.notes:
        say(f"note: {note}")
    for other in advice.alternatives:
        say(f"or: {other}")
    for path in written:
        say(f"written: {one_line(path)}")
    for command in advice.commands:
        say(f"next: {command}")


def _print_data(data: dict[str, Any]) -> None:
    height, width = data["image_size"]
    images, classes = data["images"], data["boxes_per_class"]
    boxes = sum(classes.values())
    what = "classes of whole images" if data["whole_images"] else plural(boxes, "box")
    say(one_line(data["source"]), style="bold")
    say(
        f"{plural(images, 'image')}, {data['without_boxes']:,} of them without boxes, "
        f"{data['damaged']:,} damaged; {width}x{height} pixels in the middle; {what}, "
        f"{boxes / max(images, 1):.1f} in an image, at most {data['most_boxes']:,}"
    )
    sizes = ", ".join(f"{count:,} {name}" for name, count in data["boxes_per_size"].items())
    say(f"boxes by side in pixels of the image: {sizes}")
    coco, imagenet = set(data["coco_classes"]), set(data["imagenet_classes"])
    shown = sorted(classes.items(), key=lambda one: -one[1])
    rows = [
        (
            one_line(name),
            f"{count:,}",
            "yes" if name in coco else "",
            "yes" if name in imagenet else "",
        )
        for name, count in shown[:_MOST_CLASSES]
    ]
    print_table(("class", "boxes", "in COCO", "like ImageNet's"), rows, numbers=3)
    if len(shown) > _MOST_CLASSES:
        say(f"… and {plural(len(shown) - _MOST_CLASSES, 'more class')}; -o FILE has all")
    if pictures := data["pictures"]:
        say(
            f"{plural(pictures['looked_at'], 'image')} looked at: sharpness "
            f"{pictures['sharpness']:.0f} (variance of the Laplacian), brightness "
            f"{pictures['brightness']:.0f} of 255; {pictures['blurred']:.0%} look blurred, "
            f"{pictures['dark']:.0%} dark, {pictures['bright']:.0%} very bright"
        )


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
