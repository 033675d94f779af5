"""The exceptions of detectune.

    DetectuneError
    ├── ConfigError      (ValueError)  what a pipeline.config, label map or option says is wrong
    ├── DataError        (ValueError)  a data set, annotation or image is wrong
    │   ├── AnnotationError            parts of one annotation, each by itself; see data.defects
    │   ├── ImageError                 the file of an image cannot be read; see data.defects
    │   └── PredictionError            some of several images cannot be read; has the others' boxes
    ├── CheckpointError  (ValueError)  a checkpoint is missing, damaged or does not fit the model
    ├── ZooError         (OSError)     an archive could not be fetched or unpacked
    │   └── NotFoundError              the server has no such archive; see zoo.transfer_errors
    ├── WriteError       (OSError)     a file could not be written: a full disk, no permission
    ├── TrainingError    (ValueError)  training had to stop: a loss is not finite
    └── ExportError      (ValueError)  an export could not be written or does not equal the model

Every message has three parts: the place and the value found there, what is allowed, and the next
step. `three_part` puts them together; the command line prints the message without a traceback and
leaves with `exit_code`: 2 for what the user wrote, 1 for what failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detectune.wording import visible


class DetectuneError(Exception):
    """Base of all errors that detectune raises on purpose."""

    exit_code = 2


class ConfigError(DetectuneError, ValueError):
    """A pipeline.config, label map or command-line option is wrong."""


class DataError(DetectuneError, ValueError):
    """A data set, an annotation or an image is wrong."""


class PredictionError(DataError):
    """Some of several images cannot be read; all others were looked at, and nothing is lost.

    Args:
        detections: what was found, one for each image in the order in which they were given; None
            for those that cannot be read.
        problems: the position of each image that cannot be read → what is wrong with it.
    """

    def __init__(
        self, message: str, detections: Sequence[Any], problems: Mapping[int, DataError]
    ) -> None:
        super().__init__(message)
        self.detections, self.problems = list(detections), dict(problems)


class CheckpointError(DetectuneError, ValueError):
    """A checkpoint is missing, damaged, or does not fit the model."""


class ZooError(DetectuneError, OSError):
    """A zoo archive could not be fetched or unpacked."""

    exit_code = 1


class WriteError(DetectuneError, OSError):
    """A file could not be written: no space, no permission, no such folder."""

    exit_code = 1


class TrainingError(DetectuneError, ValueError):
    """Training had to stop."""

    exit_code = 1


class ExportError(DetectuneError, ValueError):
    """An export could not be written, or its answers differ from the model's."""

    exit_code = 1


def three_part(found: str, allowed: str, next_step: str) -> str:
    """The text of an error: where and what was found, what is allowed, and what to do next.

    Names in it come from files: what would command a terminal is shown as its code, since Python
    prints messages as they are.
    """
    return visible(f"{found}\n{allowed}\n{next_step}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean "x"? `, or an empty string if nothing among `known` is close to `name`.

    A name that lacks its last words is closest to what it is the beginning of.
    """
    known = list(known)
    close = [longer for longer in known if longer.startswith(f"{name}_")][:1]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"? ' if close else ""
