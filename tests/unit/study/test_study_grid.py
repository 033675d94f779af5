"""Which trainings a study has, and which images each of them sees."""

from __future__ import annotations

from collections import Counter

import pytest
from three_parts import three_parts

from detectune.errors import ConfigError
from detectune.study.expected import expected_seconds
from detectune.study.grid import Cell, make_grid
from detectune.study.options import read_options
from detectune.study.subsets import stratified_order


def grid(starts: str, freezing: str, counts=(4, 6), seeds="2"):
    options = read_options(",".join(map(str, counts)), seeds, starts, freezing)
    return make_grid(options, counts)


def test_every_combination_is_a_training_with_few_images_first():
    cells = grid("scratch,detection", "none").cells
    assert cells[:3] == (
        Cell(4, 0, "scratch", "none"),
        Cell(4, 0, "detection", "none"),
        Cell(4, 1, "scratch", "none"),
    )
    assert len(cells) == 8


def test_freezing_what_is_random_is_left_out_with_a_line():
    found = grid("scratch,classification,detection", "none,backbone,all-but-heads")
    curves = {(cell.start, cell.freeze) for cell in found.cells}
    assert curves == {
        ("scratch", "none"),
        ("classification", "none"),
        ("classification", "backbone"),
        ("detection", "none"),
        ("detection", "backbone"),
        ("detection", "all-but-heads"),
    }
    assert found.left_out == (
        "left out: scratch, backbone frozen: what is frozen would stay random",
        "left out: scratch, all-but-heads frozen: what is frozen would stay random",
        "left out: classification, all-but-heads frozen: a classifier has no neck, so a frozen one "
        "would stay random",
    )


def test_a_grid_of_which_nothing_is_left_is_refused():
    with pytest.raises(ConfigError) as caught:
        grid("scratch", "backbone")
    found, _, next_step = three_parts(caught.value)
    assert found == "--start scratch --freeze backbone: what is frozen would stay random."
    assert next_step == "Add none to --freeze, or detection to --start."


def test_names_of_files_differ_where_trainings_do():
    words = ("none", "backbone", "backbone:1", "backbone:a/b", "backbone:a_b", "backbone:a-b")
    names = {Cell(4, 0, "detection", word).name for word in words}
    assert len(names) == len(words)
    assert not any("/" in name or ":" in name for name in names)


A, B, C = 1, 2, 3


def sets(*kinds: str) -> list[frozenset[int]]:
    numbers = {"a": A, "b": B, "c": C}
    return [frozenset(numbers[letter] for letter in kind) for kind in kinds]


@pytest.mark.parametrize("seed", range(8))
def test_the_order_has_every_image_once_and_depends_on_the_seed_alone(seed):
    images = sets(*"aaaabbcc", "", "ab")
    order = stratified_order(images, seed)
    assert sorted(order) == list(range(10))
    assert order == stratified_order(images, seed)


def test_other_seeds_choose_other_images():
    images = sets(*"a" * 50)
    chosen = {tuple(stratified_order(images, seed)[:5]) for seed in range(5)}
    assert len(chosen) == 5


@pytest.mark.parametrize("seed", range(8))
def test_every_class_is_there_as_early_as_there_is_room(seed):
    images = sets(*"a" * 40, "b", "c", *[""] * 20)
    order = stratified_order(images, seed)
    assert set().union(*(images[place] for place in order[:3])) == {A, B, C}


@pytest.mark.parametrize("seed", range(8))
def test_one_image_shows_several_classes_where_there_is_room_for_one(seed):
    images = sets(*"a" * 20, *"b" * 20, *"c" * 5, "abc")
    assert images[stratified_order(images, seed)[0]] == {A, B, C}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [10, 25, 50])
def test_classes_have_their_share_of_every_number(seed, count):
    images = sets(*"a" * 60, *"b" * 30, *[""] * 10)
    chosen = Counter(images[place] for place in stratified_order(images, seed)[:count])
    for kind, total in Counter(images).items():
        assert abs(chosen[kind] - total * count / 100) <= 2, kind


def test_thousands_of_images_are_ordered_in_a_moment():
    images = sets(*"abc" * 7000)
    assert len(stratified_order(images, 0)) == 21000


def test_the_time_for_the_rest_is_that_of_trainings_that_freeze_the_same():
    slow, fast = Cell(4, 0, "detection", "none"), Cell(4, 0, "detection", "backbone")
    left = [Cell(6, 0, "scratch", "none"), Cell(6, 0, "detection", "backbone")]
    assert expected_seconds(left, {slow: 100.0, fast: 40.0}, None) == 140.0
    assert expected_seconds(left, {slow: 100.0}, None) == 200.0
    assert expected_seconds(left, {}, None) is None
    assert expected_seconds(left, {slow: 100.0}, 3.0) == 360.0
