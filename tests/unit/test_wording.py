"""What a file brings is shown so that people see every letter and no terminal or page obeys it."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest

from detectune.errors import three_part
from detectune.wording import in_html, one_line, plural, visible


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("cube [/5]", "cube [/5]"),
        ("straße, 警察, 🦝, e\u0301, a\u200db", "straße, 警察, 🦝, e\u0301, a\u200db"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\tc\0", r"a\rb\tc\x00"),
        ("\ufeffcat", r"\ufeffcat"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028", r"\u2028"),
        ("\U000e0041", r"\U000e0041"),
        (os.fsdecode(b"\xff.jpg"), r"\xff.jpg"),
        ("\ud800", r"\ud800"),
    ],
)
def test_controls_and_what_nobody_sees_are_shown_as_codes(name, shown):
    assert visible(name) == one_line(name) == shown
    assert shown.encode("utf-8")


def test_line_breaks_are_kept_in_texts_and_shown_in_names():
    assert visible("a\nb") == "a\nb"
    assert one_line("a\nb") == r"a\nb"


def test_a_page_shows_a_name_and_does_not_obey_it():
    assert in_html('<script>"x"\n\x1b') == r"&lt;script&gt;&quot;x&quot;\n\x1b"
    assert in_html("a\n<b>", lines=True) == "a\n&lt;b&gt;"
    assert in_html(7) == "7"


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", os.fsdecode(b"\xff"), 'a,"b"', "<b>"])
def test_files_for_programs_keep_names_as_they_are(name):
    assert json.loads(json.dumps(name)) == name
    file = io.StringIO(newline="")
    csv.writer(file).writerow([name])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [name]


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (0, "image", "0 images"), (1, "image", "1 image"), (2, "image", "2 images"),
        (2, "box", "2 boxes"), (1, "box", "1 box"), (3, "class", "3 classes"),
        (2, "micro-batch", "2 micro-batches"), (2, "category", "2 categories"),
        (2, "day", "2 days"), (12000, "box", "12,000 boxes"), (1, "time", "1 time"),
    ],
)  # fmt: skip
def test_things_are_counted_in_english(count, noun, said):
    assert plural(count, noun) == said


def test_an_odd_plural_can_be_given():
    assert plural(2, "index", "indices") == "2 indices"


def test_a_message_of_an_error_commands_no_terminal():
    message = three_part("\x1b[2J.csv: no \udcff.", "Allowed: a\tb.", "Rename it.")
    assert message == "\\x1b[2J.csv: no \\xff.\nAllowed: a\\tb.\nRename it."
