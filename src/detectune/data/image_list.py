"""A list of images by name: a text file with one a line, which says what of a data set is read.

An image has the name of its file. Where several have the same name, in other folders for example,
they are `name#1`, `name#2`, … in the order of the data.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from detectune.data.defects import AnnotationError, ImageError
from detectune.data.sources.base import Source, Subset
from detectune.errors import DataError, did_you_mean, three_part
from detectune.files import read_regular, write_text
from detectune.wording import one_line

_MOST_BYTES = 1 << 28


def image_names(source: Source) -> list[str]:
    """The name of every image of `source`, in its order; no two are the same."""
    plain = [one_line(_name(source, index)) for index in range(len(source))]
    counts, seen, taken = Counter(plain), Counter[str](), set(plain)
    names: list[str] = []
    for name in plain:
        if counts[name] > 1:
            seen[name] += 1
            number = f"{name}#{seen[name]}"
            while number in taken:  # a file is called so
                number += "#"
            taken.add(number)
            name = number
        names.append(name)
    return names


def write_image_list(path: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Write `names`, as `image_names` gives them, to `path`."""
    write_text(path, "".join(f"{name}\n" for name in names))


def listed_images(source: Source, path: str, field: str = "image_list_path") -> Subset:
    """The images of `source` that the file `path` names, in the order of the list.

    Args:
        field: what names the file, for errors.

    Raises:
        DataError: the list cannot be read, is empty, or names an image twice or one that is not
            there.
    """
    listed = read_image_list(path, field)
    places = {name: index for index, name in enumerate(image_names(source))}
    for name in listed:
        if name not in places:
            raise _unknown(name, places, source, path)
    return Subset(source, [places[name] for name in listed])


def read_image_list(path: str, field: str = "image_list_path") -> list[str]:
    """The names in the file `path`.

    Args:
        field: what names the file, for errors.

    Raises:
        DataError: it cannot be read, is empty, or has a name twice.
    """
    try:
        text = read_regular(path, _MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise _wrong(f"{field}: {one_line(path)}: it cannot be read: {reason}") from error
    # Not stripped: a name may begin or end with a space.
    listed = [name for line in text.split("\n") if (name := line.rstrip("\r")).strip()]
    if not listed:
        raise _wrong(f"{field}: {one_line(path)}: it names no image")
    twice = next((name for name, count in Counter(listed).items() if count > 1), None)
    if twice is not None:
        raise _wrong(f'{field}: {one_line(path)}: "{one_line(twice)}" is there twice')
    return listed


def _wrong(found: str) -> DataError:
    return DataError(
        three_part(
            f"{found}.",
            "A list of images is a text file with the name of an image in each line, none twice.",
            "Correct the file, or remove the field to read all images.",
        )
    )


def _unknown(name: str, places: Iterable[str], source: Source, path: str) -> DataError:
    known = list(places)
    if f"{name}#1" in places:
        advice = f'Several images are called so: write "{one_line(name)}#1", "#2" and so on.'
    else:
        advice = f"{did_you_mean(name, known)}Correct the list, or the data that are read."
    return DataError(
        three_part(
            f'{one_line(path)}: there is no image "{one_line(name)}" in {source.name}.',
            f"It has {len(known):,} images, the first is {known[0] if known else 'none'}.",
            advice,
        )
    )


def _name(source: Source, index: int) -> str:
    """The file name of image `index`, whatever is wrong with its annotation."""
    try:
        return source.annotation(index).file_name
    except AnnotationError as error:
        return error.record.file_name if error.record else f"image {index + 1}"
    except ImageError as error:
        return error.file_name
    except DataError:
        return f"image {index + 1}"
