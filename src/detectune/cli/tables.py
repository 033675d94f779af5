"""Tables that commands print."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    """Print `table` to standard output."""
    Console().print(table)


def metrics_table(report: dict[str, Any]) -> Table:
    """The twelve numbers of an evaluation, and mAP and mAP@.5 of each class."""
    table = Table(title=f"{report['images']} images", title_justify="left")
    table.add_column("metric")
    table.add_column("value", justify="right")
    for name, value in report["metrics"].items():
        table.add_row(name, _number(value))
    table.add_section()
    for name, numbers in report["per_category"].items():
        boxes = numbers["boxes"]
        table.add_row(f"{name} ({boxes} boxes): mAP", _number(numbers["mAP"]))
        if "mask mAP" in numbers:
            table.add_row(f"{name} ({boxes} masks): mAP", _number(numbers["mask mAP"]))
    return table


def _number(value: float) -> str:
    return "–" if value < 0 else f"{value:.3f}"
