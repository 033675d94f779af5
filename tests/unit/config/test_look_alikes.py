"""Names of classes that look alike are found, and how they differ is said."""

from __future__ import annotations

import unicodedata

import pytest
from config_samples import write_good_config

from detectune.config.check import check_config
from detectune.config.look_alikes import look_alikes, shown_name


@pytest.mark.parametrize(
    ("names", "difference"),
    [
        (("Raccoon", "raccoon", "RACCOON"), "upper and lower case"),
        (("Straße", "STRASSE"), "upper and lower case"),
        (("cat", " cat", "cat "), "spaces at the ends"),
        (("cat", "\ufeffcat"), "invisible characters"),
        (("cat", "c\u200bat"), "invisible characters"),
        (
            (unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")),
            "the way in which Unicode writes them",
        ),
        (("ｃａｔ", "cat"), "the way in which Unicode writes them"),
        (("traffic light", "traffic_light", "traffic  light"), "spaces, hyphens and underscores"),
        (("traffic light", "traffic\u00a0light"), "the way in which Unicode writes them"),
        (("Traffic Light", "traffic_light"), "case, spaces and the like"),
    ],
)
def test_names_that_differ_by_little_are_one_group(names, difference):
    (group,) = look_alikes(["dog", *names, "bird"])
    assert (group.names, group.difference) == (names, difference)


def test_different_names_and_repeated_ones_are_no_look_alikes():
    assert look_alikes(["cat", "cats", "cat", "bolt M3", "bolt M4", "", "1", "2"]) == []


def test_what_is_invisible_is_shown():
    assert shown_name("red cat") == '"red cat"'
    assert shown_name("\ufeffcat\n\u00a0é") == r'"\ufeffcat\n\xa0é"'
    (group,) = look_alikes(["cat", "\ufeffcat", "Cat"])
    assert group.text == r'"cat", "\ufeffcat" and "Cat" differ by case, spaces and the like only'


def test_the_check_of_a_config_lists_them(tmp_path, monkeypatch):
    path = write_good_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "label_map.pbtxt").write_text(
        'item { id: 1 name: "hammer" }\nitem { id: 2 name: "Hammer" }\n'
    )
    (problem,) = check_config(path)
    assert (problem.severity, problem.field) == ("warning", "train_input_reader.label_map_path")
    assert problem.text == (
        'the classes "hammer" and "Hammer" differ by upper and lower case only. They are learned '
        "and measured as different classes. If they mean one, give them one name in all "
        "annotations and one item in the label map."
    )
