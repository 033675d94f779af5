"""One training of a study in a process of its own, which ends when this one does.

The process reads from a pipe that nobody writes to. It is closed when this process stops it, and by
the operating system when this process is gone, however it ended; the training then ends at once. A
run directory is whole at every moment, so nothing has to be tidied up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from detectune.study.outcomes import CellFiles

_STOPPED = 130


def run_in_process(module: str, files: CellFiles) -> str:
    """Run `python -m module CONFIG RUN OUTCOME`, and wait until it ends.

    Returns:
        How it ended, for the case that it could not write so itself.
    """
    # -P: modules are not looked for in the current folder, which is the user's.
    words = [sys.executable, "-P", "-m", module, *map(str, files)]
    # A session of its own: Ctrl-C is for this process, which then closes the pipe.
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as process:
        pipe = process.stdin
        assert pipe is not None
        try:
            status = process.wait()
        finally:
            pipe.close()
    return how_it_ended(status)


def how_it_ended(status: int) -> str:
    """What the exit status of a process says."""
    if status >= 0:
        return f"its process ended with status {status} and without a result"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    often = ", as an operating system does that runs out of memory" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{often}"


def end_with(pipe: int) -> None:
    """End this process when the other side of the file descriptor `pipe` is closed."""

    def watch() -> None:
        # Not through a file object of Python: its lock would be missed when the process ends.
        while os.read(pipe, 1024):
            continue
        os._exit(_STOPPED)

    threading.Thread(target=watch, daemon=True).start()
