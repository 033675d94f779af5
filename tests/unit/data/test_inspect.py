"""Every defect is found, named with its file, and said with what will happen to it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from data_sets import ListSource, picture, record, write_csv, write_voc
from shared import shared_folder

from detectune.cli.data import data
from detectune.config.label_map import LabelMap
from detectune.data.convert import convert
from detectune.data.inspect import inspect_source
from detectune.data.inspect_report import inspection_page
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError

OK = [0.1, 0.1, 0.5, 0.5]


def hurt() -> bytes:
    image = bytearray(picture(200, 200))
    image[60:90] = bytes(30)
    return bytes(image)


def found(*records) -> set[tuple[str, str]]:
    return {(d.kind, d.file) for d in inspect_source(ListSource(list(records))).defects}


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("unreadable image", record("x.png", image=b"")),
        ("unreadable image", record("x.png", image=b"<html>")),
        ("truncated image", record("x.jpg", image=picture(kind="JPEG")[:-30])),
        ("truncated image", record("x.png", image=picture(90, 90)[:-40], height=90, width=90)),
        ("mislabelled image", record("x.jpg", image=picture(kind="PNG"))),
        ("EXIF rotation, ignored", record("x.jpg", image=picture(kind="JPEG", orientation=6))),
        (
            "EXIF rotation, applied",
            record("x.jpg", image=picture(kind="JPEG", orientation=8), height=60, width=40),
        ),
        ("colour mode", record("x.png", image=picture(mode="RGBA"))),
        ("colour mode", record("x.png", image=picture(mode="L"))),
        ("colour mode", record("x.jpg", image=picture(kind="JPEG", mode="CMYK"))),
        ("size differs from annotation", record("x.png", height=41, width=60)),
        ("box outside the image", record("x.png", boxes=[[-0.1, 0, 0.5, 0.5]])),
        ("box without area", record("x.png", boxes=[[0.1, 0.1, 0.1, 0.5]])),
        ("box without area", record("x.png", boxes=[[0.1, 1.2, 0.3, 1.5]])),
        ("inverted box", record("x.png", boxes=[[0.5, 0.1, 0.1, 0.5]])),
        ("box with NaN", record("x.png", boxes=[[float("nan"), 0.1, 0.1, 0.5]])),
        ("duplicate box", record("x.png", boxes=[OK, OK], ids=[1, 1])),
    ],
)
def test_a_defect_is_found_and_nothing_else(kind, broken):
    other = record("fine.png", image=picture(shade=99))
    assert found(broken, other) == {(kind, broken.file_name)}


def test_damage_inside_an_image_is_found():
    assert [kind for kind, _ in found(record("x.png", image=hurt(), height=200, width=200))] in (
        ["unreadable image"],
        ["truncated image"],
    )


def test_a_duplicate_image_names_its_twin():
    result = inspect_source(ListSource([record("a.png"), record("b.png")]))
    assert [(d.kind, d.file, d.detail) for d in result.defects] == [
        ("duplicate image", "b.png", "the same bytes as a.png")
    ]


def test_two_boxes_of_different_class_are_no_duplicates():
    assert found(record(boxes=[OK, OK], ids=[1, 2])) == set()


def test_an_unknown_class_is_a_defect_not_an_end(tmp_path):
    lines = ["a.png,60,40,cat,6,4,30,20", "b.png,60,40,cow,6,4,30,20"]
    images = {"a.png": picture(), "b.png": picture(shade=9)}
    source = open_source(str(write_csv(tmp_path, lines, images)), LabelMap.from_names(["cat"]))
    result = inspect_source(source)
    assert [(d.kind, d.detail) for d in result.defects] == [
        ("wrong annotation", 'class "cow" is not in the label map. Known classes: cat.')
    ]
    assert "b.png" in result.defects[0].file
    assert (result.images, result.boxes) == (2, 1)


def test_unused_files_are_defects(tmp_path):
    root = write_voc(tmp_path / "v")
    (root / "JPEGImages" / "lonely.jpg").write_bytes(picture())
    defects = inspect_source(open_source(str(root))).defects
    assert [(d.kind, d.file) for d in defects] == [("unused file", "lonely.jpg")]


def test_a_record_whose_checksum_is_wrong_is_found(tmp_path):
    (file, _) = convert(ListSource([record()]), tmp_path / "a.record", to="tfrecord").files
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    file.write_bytes(data)
    source = open_source(str(file), LabelMap.from_names(["cat", "dog"]))
    (defect,) = inspect_source(source).defects
    assert (defect.kind, defect.file) == ("wrong annotation", str(file))
    assert "record at byte 0: the checksum of its data is wrong" in defect.detail


def test_counts():
    source = ListSource(
        [
            record("a.png", boxes=[OK, [0, 0, 1, 1]], ids=[1, 2]),
            record("b.png", boxes=[], ids=[], image=picture(300, 200), height=200, width=300),
            record("c.png", boxes=[[0, 0, 1, 1]], image=picture(300, 201), height=201, width=300),
        ],
        names=("cat", "dog", "cow"),
    )
    result = inspect_source(source)
    assert (result.images, result.boxes, result.images_without_boxes) == (3, 3, 1)
    assert result.most_boxes == 2
    assert result.boxes_per_class == {"cat": 2, "dog": 1, "cow": 0}
    assert result.box_sizes == {"small": 1, "medium": 1, "large": 1}
    assert result.image_sizes == {
        "smallest": [40, 60],
        "median": [200, 300],
        "largest": [201, 300],
    }
    assert result.defects == []


def test_json_and_page_hold_everything(tmp_path):
    source = ListSource(
        [record("<a>.png", boxes=[[0.1, 0.1, 0.1, 0.5]]), record("b.png", image=b"")]
    )
    result = inspect_source(source)
    content = json.loads(result.to_json())
    assert content["images"] == 2
    assert content["defects"][0] == {
        "kind": "box without area",
        "file": "<a>.png",
        "detail": "cat: ymin, xmin, ymax, xmax = 4, 6, 4, 30",
        "consequence": "left out",
    }
    page = inspection_page(result, source)
    assert "&lt;a&gt;.png" in page
    assert "<a>" not in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert "http" not in page, "the page needs no other file"


def test_bccd_has_two_points_instead_of_boxes():
    result = inspect_source(
        open_source(str(shared_folder() / "datasets/bccd/BCCD/ImageSets/Main/test.txt"))
    )
    assert result.images == 72
    assert set(result.defect_counts()) <= {"box without area"}


def test_raccoons_have_grey_and_repeated_pictures():
    result = inspect_source(open_source(str(shared_folder() / "datasets/raccoon")))
    assert result.defect_counts() == {"colour mode": 3, "duplicate image": 4}
    assert result.boxes_per_class == {"raccoon": 217}


class TestCommands:
    def run(self, *words):
        return CliRunner().invoke(data, [str(word) for word in words])

    def test_inspect_lists_defects_and_is_no_failure(self, tmp_path):
        lines = ["a.png,60,40,cat,6,4,30,20", "a.png,60,40,cat,6,4,6,20"]
        file = write_csv(tmp_path, lines, {"a.png": picture()})
        files = ["--json", tmp_path / "o" / "i.json", "--report", tmp_path / "o" / "i.html"]
        result = self.run("inspect", file, *files)
        assert result.exit_code == 0
        assert "1 image, with boxes; 1 box (" in result.output
        assert "box without area" in result.output
        assert json.loads((tmp_path / "o" / "i.json").read_text())["boxes"] == 1
        assert (tmp_path / "o" / "i.html").read_text().startswith("<!doctype html>")

    def test_inspect_of_nothing_is_the_users_mistake(self, tmp_path):
        result = self.run("inspect", tmp_path / "none")
        assert isinstance(result.exception, DataError)
        assert result.exception.exit_code == 2

    def test_convert_lists_what_is_left_out(self, tmp_path):
        lines = ["a.png,60,40,cat,6,4,30,20", "b.png,60,40,cat,6,4,30,20"]
        file = write_csv(tmp_path / "c", lines, {"a.png": picture(), "b.png": picture()[:-20]})
        result = self.run("convert", file, tmp_path / "t.record", "--to", "tfrecord")
        assert result.exit_code == 0
        assert "1 damaged image or annotation left out" in result.output
        assert "b.png" in result.output

    def test_split_writes_three_parts(self, tmp_path):
        source = write_voc(tmp_path / "v")
        assert self.run("split", source, tmp_path / "s", "--to", "coco").exit_code == 0
        parts = [open_source(str(tmp_path / "s" / name)) for name in ("train", "val", "test")]
        assert [len(part) for part in parts] == [1, 1, 1]

    def test_ratios_that_are_no_numbers_are_refused(self, tmp_path):
        result = self.run("split", write_voc(tmp_path / "v"), tmp_path / "s", "--ratios", "a,b")
        assert isinstance(result.exception, ConfigError)
        assert not (tmp_path / "s").exists()

    def test_preview_draws_what_is_trained_on(self, tmp_path):
        source = write_voc(tmp_path / "v")
        file = tmp_path / "pipeline.config"
        file.write_text(
            "model { ssd { image_resizer { fixed_shape_resizer { height: 64 width: 64 } } } }\n"
            "train_config { batch_size: 2 "
            "data_augmentation_options { random_horizontal_flip {} } }\n"
            f'train_input_reader {{ source: "{source}" }}\n'
        )
        result = self.run("preview", file, tmp_path / "p", "--count", 3)
        assert result.exit_code == 0, result.exception
        assert len(list((tmp_path / "p").glob("*.jpg"))) == 3
