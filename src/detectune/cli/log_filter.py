"""A program that passes its input on to standard error, but for log lines of native libraries.

`cli.quiet` starts it by its path, so it imports nothing of detectune.
"""

from __future__ import annotations

import os
import re

_LOG_LINE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:\d"  # I0000 00:00:1795212448.038594   12219 port.cc:153] …
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "  # 2026-11-28 02:00:00.123456: I tensorflow/…
    rb"|WARNING: All log messages before absl"
    rb"|(WARNING|INFO):(absl|tensorflow):"
    rb"|INFO: (Created|Initialized) TensorFlow"
    rb"|To enable (the following|them in)"
    rb"|\*{20,}\s*$|\[Compiling module "  # a slow compilation
    rb"|ptxas (info|warning)"
    # Of a picture that it does not name; whoever reads the picture does.
    rb"|(Corrupt JPEG data|Premature end of JPEG|Bogus \w+ table|Invalid SOS)"
    rb"|libpng (warning|error)"
)


def is_log_line(line: bytes) -> bool:
    """Whether `line` tells of the inside of a library, and of no crash: those begin with F."""
    return _LOG_LINE.match(line) is not None


def main() -> None:
    """Pass on until everybody who writes has gone."""
    held = b""
    while chunk := os.read(0, 65536):
        *lines, held = (held + chunk).split(b"\n")
        _write(b"".join(line + b"\n" for line in lines if not is_log_line(line)))
    if held and not is_log_line(held):
        _write(held)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(2, data) :]


if __name__ == "__main__":
    main()
