"""Puts the table and the picture of a finished study into the guide.

    python benchmarks/study.py NAME STUDY_DIR [--hardware 2cores-tf-fp32]

NAME is that of a place in docs/guides/study.md, `raccoon` or `bccd`. Written are the picture,
docs/pictures/study-NAME.svg, the numbers, benchmarks/results/study-NAME-HARDWARE.csv, and what
stands between `<!-- study NAME -->` and `<!-- end of study NAME -->`. A study with trainings that
failed or are missing is refused.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
from pathlib import Path

from detectune.study.grid import Cell
from detectune.study.outcomes import Outcome
from detectune.study.results import Row, Spread, spreads

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guides" / "study.md"


def read_rows(file: Path) -> list[Row]:
    """The trainings of a study.csv, all of which must be done."""
    rows: list[Row] = []
    with open(file, newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            if line["state"] != "done":
                raise SystemExit(f"{file}: {line} is not done")
            cell = Cell(int(line["images"]), int(line["seed"]), line["start"], line["freeze"])
            steps, seconds = int(line["steps"]), float(line["seconds"])
            outcome = Outcome("done", float(line["mAP"]), float(line["mAP@.5"]), steps, seconds)
            rows.append(Row(cell, outcome))
    return rows


def table(rows: list[Row]) -> str:
    """mAP of each curve by number of images, as Markdown."""
    counts = sorted({row.cell.images for row in rows})
    lines = [
        f"| mAP by images | {' | '.join(map(str, counts))} |",
        "|---" * (len(counts) + 1) + "|",
    ]
    for curve, points in spreads(rows, "mean_ap").items():
        there = {point.images: said(point) for point in points}
        lines.append(f"| {curve} | {' | '.join(there.get(n, '–') for n in counts)} |")
    return "\n".join(lines)


def said(point: Spread) -> str:
    spread = f" ({point.lowest:.2f}–{point.highest:.2f})" if point.seeds > 1 else ""
    return f"{point.mean:.3f}{spread}"


def section(name: str, rows: list[Row], results: str) -> str:
    """What the guide says of the study."""
    seeds = len({row.cell.seed for row in rows})
    hours = sum(row.outcome.seconds for row in rows if row.outcome) / 3600
    picture = f"Curves of mAP over the number of training images, {name}: the table below, drawn"
    return (
        f"![{picture}](../pictures/study-{name}.svg)\n\n{table(rows)}\n\n"
        f"Mean of {seeds} seeds, lowest and highest of them in brackets; {len(rows)} trainings, "
        f"{hours:.1f} hours in all (`benchmarks/results/{results}`)."
    )


def in_guide(guide: str, name: str, text: str) -> str:
    """The guide with `text` at the place of `name`."""
    begin, end = f"<!-- study {name} -->", f"<!-- end of study {name} -->"
    if guide.count(begin) != 1 or guide.count(end) != 1:
        raise SystemExit(f"{GUIDE}: there is no place called {name}")
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return place.sub(lambda _: f"{begin}\n{text}\n{end}", guide)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("name")
    words.add_argument("study", type=Path)
    words.add_argument("--hardware", default="2cores-tf-fp32")
    asked = words.parse_args()

    rows = read_rows(asked.study / "study.csv")
    results = f"study-{asked.name}-{asked.hardware}.csv"
    text = in_guide(GUIDE.read_text("utf-8"), asked.name, section(asked.name, rows, results))
    shutil.copyfile(asked.study / "study.csv", ROOT / "benchmarks" / "results" / results)
    picture = ROOT / "docs" / "pictures" / f"study-{asked.name}.svg"
    shutil.copyfile(asked.study / "study.svg", picture)
    GUIDE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
