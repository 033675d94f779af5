"""What docs/guides/config.md shows works as shown."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
from config_samples import good_config, write_good_config

from detectune.config.overrides import apply_overrides

DOCS = Path(__file__).resolve().parents[3] / "docs"
GUIDE = (DOCS / "guides" / "config.md").read_text("utf-8")
SETS = re.findall(r"^\| `(--set .*?)` \|", GUIDE, re.MULTILINE)


def test_the_guide_has_its_table():
    assert len(SETS) == 11


@pytest.mark.parametrize("line", SETS)
def test_every_override_of_the_guide_changes_the_config(line):
    config = good_config(checkpoint="another")
    option, override = shlex.split(line)
    config.train_config.batch_size = 7
    before = config.SerializeToString(deterministic=True)
    apply_overrides(config, [override])
    assert option == "--set"
    assert config.SerializeToString(deterministic=True) != before


def test_the_snippet_of_the_guide_runs(tmp_path, monkeypatch, capsys):
    snippet = DOCS / "snippets" / "config_in_python.py"
    assert snippet.read_text("utf-8") in GUIDE
    write_good_config(tmp_path).rename(tmp_path / "tools.config")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(snippet))
    assert capsys.readouterr().out == ""  # no problems
    assert "num_steps: 500" in (tmp_path / "shorter.config").read_text()
