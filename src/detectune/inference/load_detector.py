"""A run, a zoo archive or the name of one → its detector."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from detectune.checkpoints.run_directory import Run, open_run
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, ZooError, three_part
from detectune.zoo.catalog import Archive, find_archive

PRE_TRAINED = "pre-trained"
"""Where `detectune zoo download` puts archives, in the current folder."""


def load_detector(
    run: Run | str | os.PathLike[str],
    checkpoint: str | None = None,
    *,
    pre_trained: str | os.PathLike[str] = PRE_TRAINED,
) -> Detector:
    """The detector of a run directory, an unpacked zoo archive or a model of the zoo, with weights.

    Args:
        run: a run, the path of one or of an archive, or a name that `detectune zoo list` shows.
            Nothing is downloaded: the archive of that name has to lie in `pre_trained`.
        checkpoint: "best", "last" or a path; the best there is if None.
        pre_trained: the folder that `detectune zoo download --into` was given.

    Raises:
        CheckpointError: there is no such folder, or the model of the zoo is not there, or its
            checkpoint is damaged or does not fit.
        ConfigError: its config names what cannot be built.
    """
    opened = run if isinstance(run, Run) else open_run(folder_of(run, Path(pre_trained)))
    return opened.detector(checkpoint)


def folder_of(run: str | os.PathLike[str], pre_trained: Path = Path(PRE_TRAINED)) -> Path:
    """The folder of a run or an archive: `run` itself, or what the model of this name was unpacked
    to.

    Raises:
        CheckpointError: it is not there.
    """
    if Path(run).exists():
        return Path(run)
    try:
        archive = find_archive(os.fspath(run))
    except ZooError as error:
        raise CheckpointError(
            three_part(
                f"{run}: there is no such folder, and no model of the zoo is called so.",
                "Needed is a run directory, an unpacked zoo archive, or the name of a model.",
                str(error).splitlines()[-1],
            )
        ) from error
    folder = pre_trained / archive.name
    if not archive.supported or archive.task != "detection":
        raise _no_detector(archive)
    if not folder.is_dir():
        place = shlex.quote(os.fspath(pre_trained))
        into = "" if pre_trained == Path(PRE_TRAINED) else f" --into {place}"
        raise CheckpointError(
            three_part(
                f"{folder}: it is not there.",
                f"A model of the zoo is loaded from {pre_trained}; nothing is downloaded for it.",
                f"Run `detectune zoo download {archive.name}{into}`.",
            )
        )
    return folder


def _no_detector(archive: Archive) -> CheckpointError:
    kind = "a classifier" if archive.task != "detection" else "a detector that cannot be built yet"
    return CheckpointError(
        three_part(
            f"{archive.name}: it is {kind}.",
            "A detector is loaded of an archive with a pipeline.config whose model is supported.",
            "Choose a model that `detectune zoo list` marks with *.",
        )
    )
