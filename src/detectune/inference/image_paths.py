"""Which images a command line names, and where the picture of each goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from detectune.errors import ConfigError, DataError, three_part
from detectune.files import short_name
from detectune.wording import one_line

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_KEPT_SUFFIXES = (".jpg", ".jpeg", ".png")


class NamedImage(NamedTuple):
    """An image to look at."""

    path: Path
    name: str
    """What it is called in results: its path inside the folder that was named, with slashes."""
    picture: Path
    """Where the picture of it is written. No two images have the same."""


class NamedImages(NamedTuple):
    """All images that some paths name."""

    images: list[NamedImage]
    problems: list[str]
    """Folders inside that may not be read."""


def named_images(paths: Sequence[str], out: str | os.PathLike[str]) -> NamedImages:
    """The images that `paths` name: files, and folders with all images in them.

    Pictures that lie in `out`, from an earlier call, are no images of a folder around it.

    Args:
        out: where pictures go.

    Raises:
        ConfigError: the picture of an image would take the place of the image itself.
        DataError: a path is missing, or a folder holds no image.
    """
    found, problems = images_at(paths, out)
    taken: set[Path] = set()
    images = [NamedImage(path, name, _picture(Path(out), name, taken)) for path, name in found]
    _refuse_overwriting(images)
    return NamedImages(images, problems)


def images_at(
    paths: Sequence[str], out: str | os.PathLike[str] | None = None
) -> tuple[list[tuple[Path, str]], list[str]]:
    """The images that `paths` name, each with its path inside the folder that was named.

    Args:
        out: a folder whose images are those of an earlier call, and are left out.

    Returns:
        The images, and what is wrong with folders inside that may not be read.

    Raises:
        DataError: a path is missing, or a folder holds no image.
    """
    problems: list[str] = []
    found: list[tuple[Path, str]] = []
    own = None if out is None else _real(Path(out))
    for text in paths:
        found += _in_folder(text, own, problems) if _is_folder(text) else [_file(text)]
    return found, problems


def _is_folder(text: str) -> bool:
    return "\0" not in text and Path(text).is_dir()


def _file(text: str) -> tuple[Path, str]:
    path = Path(text)
    if "\0" in text or not os.path.lexists(path):
        raise DataError(
            three_part(
                f"{one_line(text)}: there is no such file or folder.",
                "Images are given as files, or as folders of files.",
                f"Check the path; the current folder is {one_line(Path.cwd())}.",
            )
        )
    return path, path.name


def _in_folder(text: str, own: str | None, problems: list[str]) -> list[tuple[Path, str]]:
    folder = Path(text)

    def unreadable(error: OSError) -> None:
        problems.append(f"{one_line(error.filename)}: {error.strerror or error}.")

    files: list[Path] = []
    for here, folders, names in os.walk(folder, onerror=unreadable):
        place = Path(here)
        folders[:] = [name for name in folders if _real(place / name) != own]
        files += [place / name for name in names if Path(name).suffix.lower() in SUFFIXES]
    if not files:
        raise DataError(
            three_part(
                f"{one_line(folder)}: the folder holds no image.",
                f"Images end in {', '.join(SUFFIXES)}.",
                "Check the folder.",
            )
        )
    return [(file, file.relative_to(folder).as_posix()) for file in sorted(files)]


def _picture(out: Path, name: str, taken: set[Path]) -> Path:
    """A place below `out` that no other image has: JPEG and PNG keep their format."""
    plain = out / name
    suffix = plain.suffix if plain.suffix.lower() in _KEPT_SUFFIXES else ".png"
    endings = (suffix, *(f"-{number}{suffix}" for number in range(2, len(taken) + 3)))
    places = (plain.with_name(short_name(plain.stem, ending)) for ending in endings)
    free = next(place for place in places if place not in taken)
    taken.add(free)
    return free


def _refuse_overwriting(images: Sequence[NamedImage]) -> None:
    own = {_real(image.path) for image in images}
    hurt = [image for image in images if _real(image.picture) in own]
    if hurt:
        raise ConfigError(
            three_part(
                f"--out: the picture of {one_line(hurt[0].path)} would take the place of "
                f"the image {one_line(hurt[0].picture)}.",
                "Pictures with boxes go into a folder of their own.",
                "Choose another --out, for example --out predictions.",
            )
        )


def _real(path: Path) -> str:
    return os.path.realpath(path)
