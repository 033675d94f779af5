"""Runs commands in a process of its own, which scans the registries anew.

    python run_commands.py COMMANDS.json OUTCOMES.json

COMMANDS is a list of lists of words. A command whose first word is "python" is code, run as it
stands. OUTCOMES gets status, output and error output of each.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from command import Outcome, detectune


def outcome(words: list[str]) -> Outcome:
    if words[0] != "python":
        return detectune(*words)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(words[1], "command", "exec"), {})
    return Outcome(0, out.getvalue(), "")


if __name__ == "__main__":
    commands = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps({name: outcome(c) for name, c in commands.items()}))
