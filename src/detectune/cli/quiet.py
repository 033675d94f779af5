"""Loading TensorFlow without the log lines it prints before it can be told not to."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager

# `I0000 00:00:1795212448.038594   12219 port.cc:153] …`, and what announces such lines.
_NATIVE_LOG = re.compile(
    rb"^([IWE]\d{4} \d\d:\d\d:\d|WARNING: All log messages before absl|To enable)"
)


def load_tensorflow() -> None:
    """Import TensorFlow and look for devices; only log lines are swallowed, and only meanwhile."""
    if "tensorflow" in sys.modules:
        return
    with without_native_log():
        import tensorflow as tf

        tf.config.list_logical_devices()


@contextmanager
def without_native_log() -> Generator[None, None, None]:
    """What the block writes to the file descriptor of standard error appears after it, except
    for log lines. Nothing is lost if the block fails."""
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            held.seek(0)
            kept = [line for line in held if not _NATIVE_LOG.match(line)]
            os.write(2, b"".join(kept))
