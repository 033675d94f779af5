"""A file of protobuf text → its text; what is no such file is said to be what it is."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from detectune.config.file_kinds import FileKind, binary_kind, text_kind
from detectune.errors import ConfigError, three_part
from detectune.files import near_path

_MAX_BYTES = 4 * 2**20
"""A pipeline.config has kilobytes, a label map of 20,000 classes one megabyte; whoever gives a
checkpoint by mistake gets an answer at once."""

_BACKSLASHES = "\\" * 100
"""Nothing needs so many, and protobuf takes the square of their number to read them."""

_EXAMPLES = {
    "pipeline.config": "model { ... } train_config { ... } and so on",
    "label map": 'item { id: 1 name: "..." } for each class',
}
# What editors begin a file with. UTF-32 first: its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_config_text(path: str | os.PathLike[str], kind: str = "pipeline.config") -> str:
    """The text of the file at `path`; a byte order mark is dropped, line ends become `\\n`.

    Args:
        kind: what the file should be, for the error.

    Raises:
        ConfigError: no such file, a folder, a pipe, not text, or far too large.
    """
    file = Path(path)
    data = _bytes_of(file, kind)
    text = _decoded(data, file, kind)
    if "\0" in text:
        raise _other(file, kind, binary_kind(data, file.name) or _binary(file))
    found = text_kind(text)
    if found is not None:
        raise _other(file, kind, found)
    if _BACKSLASHES in text:
        raise _backslashes(file, kind, text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes_of(file: Path, kind: str) -> bytes:
    try:
        mode = os.stat(file).st_mode
        if stat.S_ISDIR(mode):
            raise _unreadable(file, kind, "this is a folder.", _folder_advice(file, kind))
        if not stat.S_ISREG(mode):
            found = "this is a pipe or a device, not a file."
            raise _unreadable(file, kind, found, "Write it into a file, and give that.")
        with open(file, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        found = "this is no path that a file can have."
        raise _unreadable(Path(repr(str(file))), kind, found, "Check the path.") from error
    except OSError as error:
        near = near_path(str(file))
        advice = f'Did you mean "{near}"?' if near else "Check the path."
        raise _unreadable(file, kind, _os_reason(error), advice) from error
    if len(data) > _MAX_BYTES:
        kind_found = binary_kind(data, file.name)
        if kind_found is not None:
            raise _other(file, kind, kind_found)
        found = f"the file has more than {_MAX_BYTES // 2**20} MB."
        raise _unreadable(file, kind, found, _binary(file).next_step)
    return data


def _decoded(data: bytes, file: Path, kind: str) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                found = f"{encoding.upper()} text that is damaged at byte {error.start}."
                raise _unreadable(file, kind, f"this is {found}", "Save it as UTF-8.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(file, kind, data, error) from error


def _not_utf8(file: Path, kind: str, data: bytes, error: UnicodeDecodeError) -> ConfigError:
    found = binary_kind(data, file.name)
    if found is not None or b"\0" in data[:4096]:
        return _other(file, kind, found or _binary(file))
    before = data[: error.start]
    line = before.count(b"\n") + 1
    column = error.start - (before.rfind(b"\n") + 1) + 1
    return ConfigError(
        three_part(
            f"{file}:{line}:{column}: the byte 0x{data[error.start]:02x} is not UTF-8.",
            f"A {kind} is UTF-8 text.",
            "Save it as UTF-8, or remove accents and other special characters from this line.",
        )
    )


def _backslashes(file: Path, kind: str, text: str) -> ConfigError:
    before = text[: text.index(_BACKSLASHES)]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return ConfigError(
        three_part(
            f"{file}:{line}:{column}: there are {len(_BACKSLASHES)} backslashes and more in a row.",
            f"A backslash in the quotes of a {kind} starts an escape such as \\n.",
            "Write paths with /, also on Windows.",
        )
    )


def _os_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file."
    if isinstance(error, PermissionError):
        return "the file may not be read: permission denied."
    return f"the file could not be read: {error.strerror or error}."


def _folder_advice(folder: Path, kind: str) -> str:
    inside = folder / kind
    if inside.is_file():
        return f"Give the file in it: {inside}."
    return "Give the path of a file."


def _binary(file: Path) -> FileKind:
    return FileKind(
        "a binary file",
        f"{file.name} may be a TFRecord or a checkpoint: a pipeline.config names those, as "
        "tf_record_input_reader.input_path and train_config.fine_tune_checkpoint.",
    )


def _other(file: Path, kind: str, found: FileKind) -> ConfigError:
    example = _EXAMPLES.get(kind, "fields and blocks")
    return ConfigError(
        three_part(
            f"{file}:1:1: this is {found.name}.",
            f"A {kind} is protobuf text: {example}.",
            found.next_step,
        )
    )


def _unreadable(file: Path, kind: str, found: str, next_step: str) -> ConfigError:
    return ConfigError(three_part(f"{file}:1:1: {found}", f"A {kind} is a text file.", next_step))
