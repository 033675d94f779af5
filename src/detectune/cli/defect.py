"""A file about an error that nobody expected, to attach to a report, without secrets.

It holds the command, versions, and where in the code the error came up; no values of variables, no
content of files, and no name of a home folder.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from detectune.errors import three_part
from detectune.wording import visible

ISSUES = "https://github.com/detectune/detectune/issues"
_PACKAGES = (
    "detectune", "tensorflow", "keras", "numpy", "protobuf", "pillow", "faster-coco-eval", "rich",
    "click",
)  # fmt: skip
_VARIABLES = ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "TF_CPP_MIN_LOG_LEVEL", "LANG", "LC_ALL")
# Who may enter, in a URL: user:password@, and everything behind ? or #.
_IN_URLS = re.compile(r"(?<=://)[^/\s@\"']+@|(?<=\w)[?#][^\s\"']*(?<!:)")
_SECRET_WORDS = re.compile(
    r"(?i)\b([\w-]*(?:token|secret|password|passwd|api[_-]?key|authorization)[\w-]*"
    r"[\"']?\s*[:=]\s*[\"']?(?:bearer\s+)?)[^\s\"',;&]+"
)


def write_defect(error: BaseException, words: Sequence[str]) -> str:
    """Write the file; the message that says where it is, in three parts.

    Args:
        words: of the command line.
    """
    text = defect_report(error, words)
    what = f"{type(error).__name__}: {error}".split("\n")[0]
    found = f"{without_secrets(what)}\nThis is a defect of detectune, at {_place(error)}."
    allowed = "Whatever it is given, it should say what is wrong; this result is not to be used."
    for folder in (Path.cwd, lambda: Path(tempfile.gettempdir())):
        try:
            file = _write(folder(), text)
        except OSError:  # read-only, full, or gone: the next place
            continue
        return three_part(found, allowed, f"Please attach {file} to a report at {ISSUES}.")
    return three_part(found, allowed, f"Please report it at {ISSUES}; --debug shows more.\n{text}")


def defect_report(error: BaseException, words: Sequence[str]) -> str:
    """What the file says."""
    command = " ".join(["detectune", *(_quoted(word) for word in words)])
    lines = [
        "A defect of detectune",
        "",
        f"command     {command}",
        f"time        {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"python      {platform.python_version()} on {platform.platform()}",
        *(f"{name:<18} {_version(name)}" for name in _PACKAGES),
        *(f"{name:<18} {os.environ[name]}" for name in _VARIABLES if name in os.environ),
        "",
        "".join(traceback.format_exception(error)),
    ]
    return without_secrets(visible("\n".join(lines)))


def without_secrets(text: str) -> str:
    """`text` without passwords and queries of URLs, values of secrets, and the home folder."""
    text = _IN_URLS.sub(lambda match: "…@" if match[0].endswith("@") else match[0][0] + "…", text)
    text = _SECRET_WORDS.sub(r"\1…", text)
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 else text


def _write(folder: Path, text: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    file = folder / f"detectune-defect-{stamp}-{os.getpid()}.txt"
    with file.open("x", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
    return file


def _place(error: BaseException) -> str:
    """The line of detectune that was at work."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}detectune{os.sep}" in frame.filename]
    if not own:
        return "an unknown place"
    path = own[-1].filename.rsplit(f"{os.sep}detectune{os.sep}", 1)[-1]
    return f"{path.replace(os.sep, '/')}:{own[-1].lineno}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)
