"""Tables that commands print."""

from __future__ import annotations

from typing import Any

from detectune.terminal import print_table, say
from detectune.wording import one_line, plural


def print_metrics(report: dict[str, Any]) -> None:
    """The twelve numbers of an evaluation, and mAP of each class."""
    rows = [(name, _number(value)) for name, value in report["metrics"].items()]
    for name, numbers in report["per_category"].items():
        shown, boxes = one_line(name), int(numbers["boxes"])
        rows.append((f"{shown} ({plural(boxes, 'box')}): mAP", _number(numbers["mAP"])))
        if "mask mAP" in numbers:
            rows.append((f"{shown} ({plural(boxes, 'mask')}): mAP", _number(numbers["mask mAP"])))
    title = plural(report["images"], "image")
    print_table(("metric", "value"), rows, title=title, numbers=1)


def print_left_out(images: list[dict[str, str]]) -> None:
    """Which images of an evaluation could not be read."""
    say(f"{plural(len(images), 'image')} could not be read and did not count:", err=True)
    for image in images:
        say(f"  {one_line(image['file_name'])}: {one_line(image['reason'])}", err=True)


def _number(value: float) -> str:
    return "–" if value < 0 else f"{value:.3f}"
