"""Registries: a part that cannot be imported is told of, and does not stop the others."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from detectune import registry
from detectune.errors import ConfigError
from detectune.registry import ClassRegistry, Modules, Registry


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes the modules of a package called `shelf`, and its registry."""

    def make(modules: dict[str, str], entries: tuple[EntryPoint, ...] = (), **options):
        folder = tmp_path / "shelf"
        folder.mkdir()
        (folder / "__init__.py").write_text("", "utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(registry, "entry_points", lambda group: entries)
        parts = Registry("thing", "shelf", **options)
        (folder / "kept.py").write_text("", "utf-8")
        sys.modules.pop("shelf", None)
        import shelf  # pyright: ignore[reportMissingImports]

        shelf.parts = parts
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text, "utf-8")
        return parts

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        del sys.modules[name]


GOOD = "from shelf import parts\n\n@parts.register('good')\ndef good(): return 1\n"


def test_a_missing_library_of_one_part_leaves_the_others(package):
    parts = package({"good": GOOD, "onnx_like": "import no_such_library_for_detectune\n"})
    assert list(parts) == ["good"]
    assert parts["good"]() == 1
    with pytest.raises(ConfigError, match="No module named 'no_such_library") as caught:
        parts["onnx_like"]
    assert 'the thing "onnx_like" could not be imported' in str(caught.value)
    with pytest.raises(ConfigError, match='no thing is called "other"') as caught:
        parts["other"]
    assert "Could not be imported: onnx_like (ModuleNotFoundError" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_an_entry_point_that_fails_is_remembered_and_named(package):
    broken = EntryPoint("foo", "shelf.broken:nothing", "shelf")
    parts = package({"good": GOOD}, (broken,))
    assert "good" in parts
    with pytest.raises(ConfigError, match='the thing "foo" could not be imported'):
        parts["foo"]


def test_of_two_parts_with_one_name_the_second_is_left_out_with_a_warning(package, caplog):
    entry = EntryPoint("good", "shelf_plugin", "shelf")
    parts = package({"good": GOOD}, (entry,))
    (Path(sys.path[0]) / "shelf_plugin.py").write_text(GOOD)
    assert parts["good"].__module__ == "shelf.good"
    (record,) = caplog.records
    assert record.getMessage().startswith("shelf_plugin is left out: two things are called 'good'")


def test_modules_that_only_add_messages_say_what_was_lost(monkeypatch):
    entries = (EntryPoint("foo", "no_such_package_for_detectune:toys_pb2", "unused"),)
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    modules = Modules("detectune.zoo")
    assert modules.lost == ""
    modules.import_all()
    assert modules.lost == (
        "Could not be imported: foo (ModuleNotFoundError: No module named "
        "'no_such_package_for_detectune')."
    )


def test_a_name_map_that_cannot_be_imported_is_told_of_once(monkeypatch, caplog):
    broken = EntryPoint("foo", "no_such_package_for_detectune:maps", "unused")
    monkeypatch.setattr(registry, "entry_points", lambda group: (broken,))
    maps = ClassRegistry("name map", "detectune.zoo")
    maps.register(dict)("of dict")
    assert maps[dict] == maps[dict] == "of dict"
    assert [record.getMessage() for record in caplog.records] == [
        "the name map foo could not be imported: "
        "ModuleNotFoundError: No module named 'no_such_package_for_detectune'"
    ]


def test_a_defect_in_a_module_of_ours_is_raised_every_time(package):
    parts = package({"good": GOOD, "wrong": "1 / 0\n"})
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            list(parts)


def test_a_module_of_ours_that_is_missing_is_a_defect_too(package):
    parts = package({"wrong": "import shelf.nothing\n"})
    with pytest.raises(ModuleNotFoundError, match=r"shelf\.nothing"):
        list(parts)


def test_a_class_may_stand_for_its_instance(package):
    text = "from shelf import parts\n\n@parts.register('one')\nclass One: value = 3\n"
    parts = package({"one": text}, as_instances=True)
    assert parts["one"].value == 3
    assert not isinstance(parts["one"], type)
    with pytest.raises(ValueError, match="two things are called 'one'"):
        parts.register("one")(object())
