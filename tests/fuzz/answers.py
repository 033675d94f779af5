"""What is owed to every broken input, whatever its kind, and the count of what came of each.

    with answers("coco") as coco:                        # a fixture, see conftest.py
        for number in range(900):
            with coco.input(f"coco {number}", keeps=[folder]) as one:
                one.listed = bool(inspect(folder).defects)

An input is read well, or well with a list of what is doubtful, or it is refused with a
`DetectuneError` of three parts; within `limits`; and every file in `keeps` is afterwards what it
was. Whatever else happens is a failure of its input. All inputs are tried before the test fails,
with the names of those that did.
"""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import limits
from limits import Meter, TooLong

from detectune.errors import DetectuneError

_SHOWN = 8  # failures


@dataclass
class Answer:
    """What came of one input, or of `count` that are tried together."""

    count: int = 1
    refused: int = 0
    """How many of them ended with a message."""
    listed: int = 0
    """How many of the others are read, with a list of what is doubtful or was mended."""

    def message_of(self, call: Callable[[], object]) -> str:
        """The message that `call` ends with, or an empty text; the input counts as refused."""
        try:
            call()
        except DetectuneError as error:
            self.refused = self.count
            return checked(str(error))
        return ""


def checked(message: str) -> str:
    """`message`, which has three parts at least and commands no terminal."""
    lines = message.split("\n")
    assert len(lines) >= 3, f"fewer than three parts: {message}"
    assert all(line.strip() for line in (*lines[:2], lines[-1])), f"an empty part: {message}"
    assert "\x1b" not in message, "an escape in the message"
    return message


@dataclass
class Answers:
    """The answers to all inputs of one kind."""

    kind: str
    inputs: int = 0
    well: int = 0
    listed: int = 0
    refused: int = 0
    tracebacks: int = 0
    lost: int = 0
    """Inputs after which a file was missing, or was no longer what it had been."""
    seconds: float = 0.0
    """CPU of the slowest input."""
    bytes: int = 0
    """Memory above the start, of the input that took most."""
    failures: list[str] = field(default_factory=list[str])

    @contextmanager
    def input(self, what: str, keeps: Sequence[Path] = (), count: int = 1) -> Iterator[Answer]:
        """Tries an input inside.

        Args:
            what: its name in a failure, from which it can be made again.
            keeps: files, and folders in which nothing may be lost or changed.
            count: how many inputs these are together.
        """
        answer, meter, before = Answer(count), Meter(), contents(keeps)
        try:
            with meter.running():
                yield answer
        except DetectuneError as error:
            answer.refused = count
            self._check(what, lambda message=str(error): checked(message))
        except AssertionError:
            self._failed(what, traceback.format_exc(limit=-3))
        except TooLong:
            self._failed(what, f"interrupted: {traceback.format_exc(limit=-6)}")
        except Exception:
            self.tracebacks += 1
            self._failed(what, traceback.format_exc(limit=-6))
        self._count(answer)
        self._spent(what, meter)
        self._check(what, lambda: self._kept(before, contents(keeps)))

    def figures(self) -> dict[str, Any]:
        """All but the failures, as plain values."""
        values = asdict(self)
        del values["failures"]
        return values

    def check(self) -> None:
        """Fails if an input failed."""
        number = len(self.failures)
        assert not self.failures, f"{number} of {self.inputs} failed\n" + "\n".join(
            self.failures[:_SHOWN]
        )

    def _count(self, answer: Answer) -> None:
        self.inputs += answer.count
        self.refused += answer.refused
        self.listed += min(answer.listed, answer.count - answer.refused)
        self.well = self.inputs - self.refused - self.listed

    def _spent(self, what: str, meter: Meter) -> None:
        spent = meter.spent
        self.seconds, self.bytes = max(self.seconds, spent.seconds), max(self.bytes, spent.bytes)
        if spent.seconds > limits.MOST_CPU_SECONDS:
            self._failed(what, f"it took {spent.seconds:.1f} s of CPU")
        if spent.bytes > limits.MOST_BYTES:
            self._failed(what, f"memory was {spent.bytes:,} bytes above the start")

    def _kept(self, before: dict[str, str], after: dict[str, str]) -> None:
        gone = [name for name, content in before.items() if after.get(name) != content]
        self.lost += bool(gone)
        assert not gone, f"lost or changed: {gone}"

    def _check(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
        except AssertionError as error:
            self._failed(what, str(error))

    def _failed(self, what: str, why: str) -> None:
        self.failures.append(f"{self.kind}: {what}: {why}")


def contents(places: Sequence[Path]) -> dict[str, str]:
    """Path → kind and digest of the `places` and of everything below them.

    Pipes and links to nothing hold nothing that could be lost.
    """
    paths = [os.fspath(place) for place in places if os.path.exists(place)]
    for place in places:
        for here, folders, names in os.walk(place):
            paths += [os.path.join(here, name) for name in (*folders, *names)]
    return {path: content for path in paths if (content := _content(path))}


def _content(path: str) -> str:
    if os.path.isdir(path):
        return f"folder, {os.readlink(path) if os.path.islink(path) else 'no link'}"
    if not os.path.isfile(path):
        return ""
    if not os.access(path, os.R_OK):
        return f"{os.stat(path).st_mode:o}"
    return hashlib.blake2b(Path(path).read_bytes()).hexdigest()
