"""How tests of the command line run it."""

from __future__ import annotations

import pytest

from detectune.cli.main import main


@pytest.fixture
def run(capsys):
    """Runs a command line; (exit status, stdout, stderr)."""

    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(list(words))
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run
