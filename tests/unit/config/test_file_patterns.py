"""Which files a pattern means: as `glob` says, `**` too, and never without an end."""

import glob
import os
from pathlib import Path

import pytest
from config_samples import good_config
from three_parts import three_parts

from detectune.config import file_patterns
from detectune.config.file_patterns import matching_files
from detectune.config.named_files import file_problems
from detectune.data.sources.tfrecord_index import find_files
from detectune.errors import DataError

FILES = (
    *("a.record", "b.record", "note.txt", ".hidden.record", "x/a.record", "x/y/c.record"),
    *("x/.git/d.record", "[1]/e.record", "n-00000-of-00002", "n-00001-of-00002"),
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "x" / "back").symlink_to(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "*.record",
            "?.record",
            "[ab].record",
            "[!a].record",
            "x/*",
            "*/*.record",
            "*/*/*.record",
        ),
        *("**/c.record", "x/**", "**", "**/*.txt", ".*.record", "./*.record", "x/../*.record"),
        *("nothing*", "nothing/*", "a.record/*", "*/nothing", "[[]1]/*", "", "/*", "loop/*", "*[*"),
    ],
)
def test_a_pattern_means_what_glob_says(folder, pattern):
    # `glob` follows links for `**`, here back to where they lead from, again and again.
    (folder / "x" / "back").unlink()
    expected = glob.glob(pattern, recursive=True)
    assert matching_files(pattern) == sorted({path.rstrip("/") or "/" for path in expected} - {""})


def test_all_folders_below_are_looked_into_once_and_links_are_not_followed(folder):
    assert matching_files("**/*.record") == [
        *("[1]/e.record", "a.record", "b.record", "x/a.record", "x/y/c.record")
    ]
    assert matching_files(f"{folder}/**/y/**/*.record") == [f"{folder}/x/y/c.record"]


def test_what_exists_is_meant_whatever_it_is_called(folder):
    assert matching_files("[1]/e.record") == ["[1]/e.record"]
    assert matching_files("[1]") == ["[1]"]


@pytest.mark.parametrize("pattern", ["n@2", "n@*", "n-?????-of-00002"])
def test_shards_are_found_by_their_number_by_the_check_and_by_the_reader(folder, pattern):
    shards = ["n-00000-of-00002", "n-00001-of-00002"]
    assert matching_files(pattern) == shards
    assert find_files(pattern) == shards


def test_a_nul_or_thousands_of_digits_match_nothing():
    assert matching_files("a\0*") == []
    assert matching_files(f"train@{'9' * 5000}") == []


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """How many folders deep a.record lies; nothing else could remove them."""
    depth = 1900
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("a.record").write_text("")
    os.chdir(tmp_path)
    yield depth
    for _ in range(depth):
        os.chdir("d")
    os.unlink("a.record")
    for _ in range(depth):
        os.chdir("..")
        os.rmdir("d")


def test_folders_nested_as_deep_as_they_can_be_are_looked_into(deep):
    (found,) = matching_files("**/*.record")
    assert found == f"{'d/' * deep}a.record"


@pytest.mark.parametrize("pattern", ["**/*.record", "*/*/*/*", "x/**/**", "*.nothing"])
def test_a_pattern_over_too_many_files_is_refused_where_it_stands(folder, monkeypatch, pattern):
    monkeypatch.setattr(file_patterns, "_MOST_ENTRIES", 2)
    with pytest.raises(DataError) as caught:
        find_files(pattern)
    found, allowed, next_step = three_parts(caught.value)
    assert found.startswith(f"{pattern}: 2 files and folders were looked at, the last in ")
    assert found.endswith("and there are more.")
    assert "** for any number of folders" in allowed
    assert next_step.startswith("Begin it with the folder of the data")

    config = good_config()
    config.train_input_reader.tf_record_input_reader.input_path[:] = [pattern]
    config.eval_input_reader[0].source = f"tfrecord:{pattern}"
    fields = {p.field: p.found for p in file_problems(config) if "looked at" in p.found}
    assert fields == {
        "train_input_reader.tf_record_input_reader.input_path[0]": found,
        "eval_input_reader[0].source": found,
    }
