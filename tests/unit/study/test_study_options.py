"""What a study is asked for is read from words, or refused with what is allowed."""

from __future__ import annotations

import pytest
from three_parts import three_parts

from detectune.errors import ConfigError
from detectune.study.options import ALL, check_counts, read_options


def options(**changed):
    words = {"images": "10,all", "seeds": "2", "starts": "scratch", "freezing": "none"}
    return read_options(**(words | changed))


def test_words_become_numbers_in_order():
    found = options(images="50, all,10", seeds="3", starts="detection,scratch", freezing="none")
    assert found.images == (10, 50, ALL)
    assert found.seeds == (0, 1, 2)
    assert found.starts == ("detection", "scratch")


def test_several_seeds_are_those_seeds():
    assert options(seeds="7,0").seeds == (7, 0)


def test_words_of_freezing_are_those_of_the_config():
    assert options(freezing="none, backbone:10 ,batch-norm").freezing == (
        "none",
        "backbone:10",
        "batch-norm",
    )


@pytest.mark.parametrize(
    ("changed", "found", "next_step"),
    [
        ({"images": "0"}, '--images: "0" is no number', "10,25,50,all"),
        ({"images": "-5"}, '--images: "-5" is no number', "10,25,50,all"),
        ({"images": "ten"}, '--images: "ten" is no number', "10,25,50,all"),
        ({"images": "10,10"}, "--images: 10 is there twice", "once"),
        ({"images": "010,10"}, "--images: 10 is there twice", "once"),
        ({"images": "all,all"}, "--images: all is there twice", "once"),
        ({"images": "10,,25"}, "nothing between two commas", "Correct"),
        ({"images": " "}, "it says nothing", "Correct"),
        ({"images": "9" * 30}, "is no number", "10,25,50,all"),
        ({"seeds": "0"}, '--seeds: "0" is no number', "0, 1 and 2"),
        ({"seeds": "2000"}, "--seeds 2000: that is too many", "0, 1 and 2"),
        ({"seeds": "1,1"}, "--seeds: 1 is there twice", "once"),
        ({"seeds": "1,x"}, '--seeds: "x" is no number', "0, 1 and 2"),
        ({"starts": "detecton"}, '--start: "detecton" is no start', 'mean "detection"'),
        ({"starts": "scratch,scratch"}, "--start: scratch is there twice", "once"),
        ({"freezing": "heads"}, '"heads" names no part', "freeze_variables"),
        ({"freezing": "none,none"}, "--freeze: none is there twice", "once"),
        ({"detection": "x/ckpt"}, "--detection-checkpoint x/ckpt: no training", "Add detection"),
        ({"steps": 5, "minutes": 3.0}, "--steps 5 and --minutes 3", "Leave one"),
    ],
)
def test_what_cannot_be_meant_is_refused(changed, found, next_step):
    with pytest.raises(ConfigError) as caught:
        options(**changed)
    first, _, last = three_parts(caught.value)
    assert found in first
    assert next_step in last


def test_all_is_the_number_of_images():
    assert check_counts((10, ALL), 160, "voc:train") == [10, 160]


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ((10, 161), "--images: 161 of voc:train, which has 160 images"),
        ((160, ALL), "--images: 160 and all are the same images"),
    ],
)
def test_more_images_than_there_are_and_all_of_them_twice_are_refused(counts, found):
    with pytest.raises(ConfigError) as caught:
        check_counts(counts, 160, "voc:train")
    assert three_parts(caught.value)[0].startswith(found)
