"""The public names: each works, is documented, and stands in the reference."""

from __future__ import annotations

import inspect
import operator
import re
import subprocess
import sys
from pathlib import Path

import pytest

import detectune
from detectune import errors

NAMES = [name for name in detectune.__all__ if name != "__version__"]
FUNCTIONS = [name for name in NAMES if name.islower()]
ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "python.md"
SOURCE = ROOT / "src" / "detectune"
# Names of Python and NumPy, and the message that protobuf makes of a pipeline.config.
KNOWN = {"Any", "None", "TrainEvalPipelineConfig", "Image"}


def test_names_for_type_checkers_and_names_that_are_looked_up_are_the_same():
    assert sorted(NAMES) == sorted(detectune._HOMES)


@pytest.mark.parametrize("name", [*FUNCTIONS, "Predictor.load", "Predictor.predict"])
def test_what_a_public_function_returns_and_raises_is_public(name):
    thing = operator.attrgetter(name)(detectune)
    returned = set(re.findall(r"[A-Z]\w+", inspect.signature(thing).return_annotation))
    raises = re.search(r"Raises:\n(.*?)(?:\n\n|$)", inspect.getdoc(thing), re.DOTALL)
    raised = set(re.findall(r"\b[A-Z]\w+Error\b", raises[1] if raises else ""))
    assert (returned | raised) - KNOWN <= set(NAMES)
    assert returned, name


def test_the_drawing_of_exceptions_is_complete():
    texts = [path.read_text("utf-8") for path in SOURCE.rglob("*.py")]
    classes = [name for text in texts for name in re.findall(r"^class (\w+Error)\(", text, re.M)]
    # These are caught where they are raised, and told of as one of ours.
    own = set(classes) - {"TextSyntaxError", "MaskError", "TakenNameError"}
    drawn = re.findall(r"─ (\w+Error)", errors.__doc__)
    assert sorted(drawn) == sorted(own - {"DetectuneError"})
    assert all(
        issubclass(getattr(errors, name), detectune.DetectuneError)
        for name in drawn
        if name not in ("NotFoundError", "AnnotationError", "ImageError")
    )


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
