"""The files of a study, and which of them is where.

study.json           the plan
study.csv            a line for each training
study.svg            mAP over the number of images
study.html           the same, with everything else
images/              the names of the images of each seed and number
configs/NAME.config  the config of each training
runs/NAME/           its run directory
outcomes/NAME.json   what became of it
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from detectune.data.image_list import read_image_list, write_image_list
from detectune.errors import ConfigError, DataError, three_part
from detectune.files import remove_leftovers, write_text
from detectune.study.grid import Cell
from detectune.study.outcomes import CellFiles, Outcome, read_outcome
from detectune.study.page import StudyFacts, study_html, study_svg
from detectune.study.results import csv_text

LOCK = "study.lock"
"""There while a study is under way, and after one that was killed."""
_OWN_FILES = r"study\.(json|csv|svg|html)"


class StudyFolder:
    """The files of one study."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self, cell: Cell) -> CellFiles:
        """Where the files of a training are."""
        return CellFiles(
            self.path / "configs" / f"{cell.name}.config",
            self.path / "runs" / cell.name,
            self.path / "outcomes" / f"{cell.name}.json",
        )

    def trial_files(self) -> CellFiles:
        """Where a trial is while it runs."""
        folder = self.path / "trial"
        return CellFiles(folder / "trial.config", folder / "run", folder / "outcome.json")

    def image_list(self, seed: int, images: int) -> Path:
        """The file that names the first `images` images of `seed`."""
        return self.path / "images" / f"seed{seed}-{images}.txt"

    def outcomes(self, cells: Iterable[Cell]) -> dict[Cell, Outcome]:
        """What became of those of `cells` that have ended."""
        found = {cell: read_outcome(self.files(cell).outcome) for cell in cells}
        return {cell: outcome for cell, outcome in found.items() if outcome is not None}

    def write_lists(
        self, cells: Iterable[Cell], names: Sequence[str], orders: Mapping[int, Sequence[int]]
    ) -> None:
        """Write the names of the images of every training that does not take all of them.

        Args:
            orders: seed → positions in `names`, of which a training takes the first.

        Raises:
            ConfigError: a list is there and names other images.
        """
        for seed, images in sorted({(cell.seed, cell.images) for cell in cells}):
            if images < len(names):
                chosen = [names[place] for place in sorted(orders[seed][:images])]
                file = self.image_list(seed, images)
                _refuse_other_images(file, chosen)
                write_image_list(file, chosen)

    def write_results(self, facts: StudyFacts) -> None:
        """Write what is known by now."""
        write_text(self.path / "study.csv", csv_text(facts.rows))
        write_text(self.path / "study.svg", study_svg(facts.rows, facts.name))
        write_text(self.path / "study.html", study_html(facts))

    def remove_leftovers(self) -> None:
        """Remove what killed writes and trials left."""
        remove_leftovers(self.path, _OWN_FILES)
        remove_leftovers(self.path / "images", r"seed\d+-\d+\.txt")
        remove_leftovers(self.path / "configs", r".*\.config")
        remove_leftovers(self.path / "outcomes", r".*\.json")
        self.remove_trial()

    def remove_trial(self) -> None:
        """Remove the trial, if there is one."""
        folder = self.path / "trial"
        if folder.is_dir():
            shutil.rmtree(folder)


def _refuse_other_images(file: Path, chosen: Sequence[str]) -> None:
    """Trainings that are done have seen the images of the list that is there."""
    if not file.exists():
        return
    try:
        there = read_image_list(str(file), "")
    except DataError:
        there = []
    if there != list(chosen):
        raise ConfigError(
            three_part(
                f"{file}: it names other images than the study chooses.",
                "All trainings of a seed see images that were chosen in one way; somebody may have "
                "changed the file, or another version of NumPy chooses otherwise.",
                "Put the file back as it was, or choose another folder with -o.",
            )
        )
