"""The cells of a study: every combination that means something, in the order they are trained."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from detectune.errors import ConfigError, three_part
from detectune.study.options import NONE, Start, StudyOptions


class Curve(NamedTuple):
    """What is compared: a line of the chart."""

    start: Start
    freeze: str
    """`NONE`, or a word of `config.freezing`."""

    def __str__(self) -> str:
        return self.start if self.freeze == NONE else f"{self.start}, {self.freeze} frozen"


class Cell(NamedTuple):
    """One training of a study."""

    images: int
    seed: int
    """Of the choice of images, and of the training."""
    start: Start
    freeze: str

    @property
    def curve(self) -> Curve:
        return Curve(self.start, self.freeze)

    @property
    def name(self) -> str:
        """Of its files; cells with different names are different cells."""
        frozen = self.freeze.replace(":", "-")
        plain = re.sub(r"[^\w.-]", "-", frozen, flags=re.ASCII)[:80]
        if plain != frozen:  # two layers must not share a folder
            plain += f"-{zlib.crc32(self.freeze.encode()):08x}"
        return f"{self.images}-images-seed{self.seed}-{self.start}-{plain}"

    def __str__(self) -> str:
        images = "1 image" if self.images == 1 else f"{self.images:,} images"
        return f"{images}, seed {self.seed}, {self.curve}"


class Grid(NamedTuple):
    """The trainings of a study."""

    cells: tuple[Cell, ...]
    left_out: tuple[str, ...]
    """A line for each combination that has no meaning."""


def make_grid(options: StudyOptions, counts: Sequence[int]) -> Grid:
    """Every combination of `options`, with few images first.

    All curves have a point before one of them has two, so that what is there after an hour can be
    compared.

    Args:
        counts: the numbers of images, see `check_counts`.

    Raises:
        ConfigError: no combination has a meaning.
    """
    pairs = [Curve(*pair) for pair in itertools.product(options.starts, options.freezing)]
    reasons = {curve: _meaningless(curve) for curve in pairs}
    curves = [curve for curve in pairs if not reasons[curve]]
    left_out = tuple(f"left out: {curve}: {why}" for curve, why in reasons.items() if why)
    if not curves:
        raise ConfigError(
            three_part(
                f"--start {','.join(options.starts)} --freeze {','.join(options.freezing)}: "
                f"{next(why for why in reasons.values() if why)}.",
                "Only weights that were learned are worth keeping as they are.",
                "Add none to --freeze, or detection to --start.",
            )
        )
    triples = itertools.product(counts, options.seeds, curves)
    return Grid(tuple(Cell(images, seed, *curve) for images, seed, curve in triples), left_out)


def curves_of(cells: Iterable[Cell]) -> list[Curve]:
    """The curves of `cells`, each once, in the order of their first cell."""
    return list(dict.fromkeys(cell.curve for cell in cells))


def _meaningless(curve: Curve) -> str:
    """Why nobody would train so; empty if somebody may."""
    if curve.freeze == NONE:
        return ""
    if curve.start == "scratch":
        return "what is frozen would stay random"
    if curve.start == "classification" and curve.freeze in ("neck", "all-but-heads"):
        return "a classifier has no neck, so a frozen one would stay random"
    return ""
