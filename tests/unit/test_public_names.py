"""The public names: each works, is documented, and stands in the reference."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import detectune

NAMES = [name for name in detectune.__all__ if name != "__version__"]
REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "python.md"


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name):
    thing = getattr(detectune, name)
    assert len(inspect.getdoc(thing) or "") > 20
    home = detectune._HOMES[name]
    assert f"## {name}\n\n::: {home}.{name}\n" in REFERENCE.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_methods_of_a_public_class_are_documented(name):
    thing = getattr(detectune, name)
    own = vars(thing).items() if inspect.isclass(thing) else ()
    bare = [
        method
        for method, value in own
        if not method.startswith("_") and inspect.isroutine(value) and not inspect.getdoc(value)
    ]
    assert bare == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'detect'"):
        detectune.detect  # noqa: B018


def test_importing_the_package_imports_neither_keras_nor_tensorflow():
    code = "import detectune, sys; print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_export_can_be_called_whatever_was_imported_before(tmp_path):
    import detectune.exporters.contract  # makes detectune.exporters the package

    with pytest.raises(detectune.CheckpointError, match=r"no pipeline\.config|is no folder"):
        detectune.export(tmp_path / "nothing", path=tmp_path / "out")
