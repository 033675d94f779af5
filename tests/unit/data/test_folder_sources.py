"""VOC, CSV, COCO and YOLO folders give records, and refuse what is wrong with its place."""

from __future__ import annotations

import json

import numpy as np
import pytest
from data_sets import files_in, picture, voc_xml, write_coco, write_csv, write_voc
from shared import shared_folder

from detectune.config.label_map import LabelMap
from detectune.data.check import refuse_damaged
from detectune.data.sources.recognise import open_source, recognise
from detectune.data.sources.record import repair
from detectune.errors import DataError

# cat at x 6–30, y 4–20 of a 60 x 40 picture, as yxyx fractions.
CAT = [0.1, 0.1, 0.5, 0.5]


def names_of(source):
    return [(item.id, item.name) for item in source.label_map.items]


def refuses(spec, *parts, label_map=None):
    with pytest.raises(DataError) as caught:
        refuse_damaged(open_source(str(spec), label_map))
    assert str(caught.value).count("\n") >= 2, "an error has three parts"
    for part in parts:
        assert part in str(caught.value)


class TestVoc:
    def test_boxes_are_pixels_over_the_annotated_size(self, tmp_path):
        source = open_source(str(write_voc(tmp_path / "v")))
        assert names_of(source) == [(1, "cat"), (2, "dog")]
        np.testing.assert_allclose(source[0].boxes[0], CAT)
        assert source[0].class_ids.tolist() == [1, 1, 2]
        assert [len(r.class_ids) for r in source] == [3, 1, 0]
        assert (source[0].height, source[0].width) == (40, 60)

    def test_a_list_of_image_sets_chooses_images(self, tmp_path):
        root = write_voc(tmp_path / "v")
        lists = root / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("b\nc -1\n")
        assert [r.file_name for r in open_source(str(lists / "train.txt"))] == ["b.jpg", "c.jpg"]

    def test_images_and_annotations_may_be_mixed(self, tmp_path):
        (tmp_path / "a.xml").write_text(voc_xml("a.png", [("cat", 6, 4, 30, 20)]))
        (tmp_path / "a.png").write_bytes(picture())
        np.testing.assert_allclose(open_source(str(tmp_path))[0].boxes, [CAT])

    def test_an_image_without_annotation_and_the_reverse_are_told(self, tmp_path):
        root = write_voc(tmp_path / "v")
        (root / "JPEGImages" / "lonely.jpg").write_bytes(picture())
        (root / "Annotations" / "orphan.xml").write_text(voc_xml("orphan.jpg", []))
        source = open_source(str(root))
        assert len(source) == 3
        assert [d.file for d in source.defects] == ["orphan.xml", "lonely.jpg"]

    def test_the_size_comes_from_the_image_if_the_annotation_has_none(self, tmp_path):
        xml = voc_xml("a.png", [("cat", 6, 4, 30, 20)], size=(0, 0))
        (tmp_path / "a.xml").write_text(xml)
        (tmp_path / "a.png").write_bytes(picture())
        np.testing.assert_allclose(open_source(str(tmp_path))[0].boxes, [CAT])

    def test_invalid_xml_is_refused(self, tmp_path):
        root = write_voc(tmp_path / "v")
        (root / "Annotations" / "b.xml").write_text("<annotation><object></annotation>")
        refuses(root, "b.xml", "not readable as XML", "line 1")

    def test_another_xml_is_refused(self, tmp_path):
        (tmp_path / "a.xml").write_text("<svg/>")
        refuses(f"voc:{tmp_path}", "a.xml", "<svg>", "<annotation>")

    def test_a_coordinate_that_is_no_number_is_refused(self, tmp_path):
        root = write_voc(tmp_path / "v")
        (root / "Annotations" / "b.xml").write_text(voc_xml("b.jpg", [("cat", "x", 1, 2, 3)]))
        refuses(root, "b.xml", "bndbox/xmin", "'x'")

    def test_an_object_without_name_is_refused(self, tmp_path):
        root = write_voc(tmp_path / "v")
        (root / "Annotations" / "b.xml").write_text(voc_xml("b.jpg", [("", 1, 1, 2, 3)]))
        refuses(root, "b.xml", "<name>")

    def test_an_unknown_class_is_refused_with_its_file(self, tmp_path):
        root = write_voc(tmp_path / "v")
        refuses(root, "a.xml", 'class "dog"', label_map=LabelMap.from_names(["cat", "dogs"]))

    def test_a_listed_annotation_that_is_missing_is_refused(self, tmp_path):
        root = write_voc(tmp_path / "v")
        (root / "train.txt").write_text("a\nnothing\n")
        refuses(f"voc:{root / 'train.txt'}", "1 of 2", "nothing.xml")

    def test_annotations_without_any_image_are_refused(self, tmp_path):
        (tmp_path / "a.xml").write_text(voc_xml("a.png", []))
        refuses(tmp_path, "its image was not found", str(tmp_path))


class TestCsv:
    def test_lines_of_an_image_are_put_together(self, tmp_path):
        lines = [
            "a.png,60,40,cat,6,4,30,20",
            "b.png,60,40,dog,0,0,60,40",
            "a.png,60,40,dog,0,0,6,4",
        ]
        images = {"a.png": picture(), "b.png": picture()}
        source = open_source(str(write_csv(tmp_path, lines, images)))
        assert [r.file_name for r in source] == ["a.png", "b.png"]
        np.testing.assert_allclose(source[0].boxes, [CAT, [0, 0, 0.1, 0.1]], atol=1e-6)
        assert source[0].class_ids.tolist() == [1, 2]

    def test_an_image_without_objects_is_a_line_without_class(self, tmp_path):
        file = write_csv(tmp_path, ["a.png,60,40,,,,,"], {"a.png": picture()})
        assert open_source(str(file))[0].boxes.shape == (0, 4)

    def test_other_column_names_and_order_and_no_size(self, tmp_path):
        header = "image,cell_type,xmin,xmax,ymin,ymax\n"
        file = write_csv(tmp_path, ["a.png,cat,6,30,4,20"], {"a.png": picture()}, header)
        np.testing.assert_allclose(open_source(str(file))[0].boxes, [CAT])

    def test_a_byte_order_mark_and_crlf_do_not_matter(self, tmp_path):
        file = write_csv(tmp_path, ["a.png,60,40,cat,6,4,30,20"], {"a.png": picture()})
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
        np.testing.assert_allclose(open_source(str(file))[0].boxes, [CAT])

    def test_a_missing_column_is_refused(self, tmp_path):
        header = "filename,width,height,class,xmin,ymin,xmax\n"
        file = write_csv(tmp_path, ["a.png,60,40,cat,6,4,30"], {"a.png": picture()}, header)
        refuses(file, "labels.csv:1", "no column ymax", "filename, width")

    def test_a_number_that_is_none_is_refused_with_its_line(self, tmp_path):
        lines = ["a.png,60,40,cat,6,4,30,20", "a.png,60,40,cat,6,four,30,20"]
        file = write_csv(tmp_path, lines, {"a.png": picture()})
        refuses(file, "labels.csv:3", 'ymin is "four"')

    def test_a_box_without_class_is_refused(self, tmp_path):
        file = write_csv(tmp_path, ["a.png,60,40,,6,4,30,20"], {"a.png": picture()})
        refuses(file, "labels.csv:2", 'class is ""')

    def test_a_file_with_a_header_only_is_refused(self, tmp_path):
        refuses(write_csv(tmp_path, [], {}), "no line below the header")

    def test_a_file_that_is_no_text_is_refused(self, tmp_path):
        (tmp_path / "labels.csv").write_bytes(b"file\xff\x80\x81")
        refuses(tmp_path / "labels.csv", "not UTF-8 text", "byte 4")

    def test_two_files_in_a_folder_ask_for_one(self, tmp_path):
        for name in ("a.csv", "b.csv"):
            (tmp_path / name).write_text("filename\n")
        refuses(f"csv:{tmp_path}", "2 .csv files", "a.csv, b.csv")


def coco(**changes):
    content = {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 60, "height": 40},
            {"id": 8, "file_name": "b.png", "width": 60, "height": 40},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [6, 4, 24, 16], "area": 9.5},
            {"id": 2, "image_id": 7, "category_id": 5, "bbox": [0, 0, 60, 40], "iscrowd": 1},
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
    }
    return {**content, **changes}


TWO_IMAGES = {"a.png": picture(), "b.png": picture()}


class TestCoco:
    def test_boxes_crowds_areas_and_ids(self, tmp_path):
        source = open_source(str(write_coco(tmp_path, coco(), TWO_IMAGES)))
        first, second = source
        np.testing.assert_allclose(first.boxes, [CAT, [0, 0, 1, 1]])
        assert first.class_ids.tolist() == [3, 5]
        assert first.is_crowd.tolist() == [False, True]
        assert first.areas.tolist() == [9.5, 2400.0]
        assert (first.source_id, second.source_id) == ("7", "8")
        assert second.boxes.shape == (0, 4)

    def test_categories_from_zero_are_numbered_from_one(self, tmp_path):
        categories = [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}, {"id": 0, "name": "all"}]
        source = open_source(str(write_coco(tmp_path, coco(categories=categories), TWO_IMAGES)))
        assert names_of(source) == [(1, "all"), (2, "cat"), (3, "dog")]
        assert source[0].class_ids.tolist() == [2, 3]

    def test_a_label_map_goes_by_name(self, tmp_path):
        file = write_coco(tmp_path, coco(), TWO_IMAGES)
        source = open_source(f"coco:{file}", LabelMap.from_names(["dog", "cat"]))
        assert source[0].class_ids.tolist() == [2, 1]

    def test_json_that_is_not_coco_is_refused(self, tmp_path):
        (tmp_path / "a.json").write_text('{"figures": []}')
        refuses(tmp_path / "a.json", "not a COCO file", "images, annotations, categories")

    def test_broken_json_is_refused(self, tmp_path):
        (tmp_path / "a.json").write_text('{"images": [')
        refuses(tmp_path / "a.json", "cannot be read as JSON")

    def test_an_unknown_category_is_refused(self, tmp_path):
        annotation = {"id": 1, "image_id": 7, "category_id": 99, "bbox": [6, 4, 24, 16]}
        file = write_coco(tmp_path, coco(annotations=[annotation]), TWO_IMAGES)
        refuses(file, "category_id 99", "a.png", "3, 5")

    def test_a_box_of_three_numbers_is_refused(self, tmp_path):
        annotation = {"id": 41, "image_id": 7, "category_id": 3, "bbox": [6, 4, 24]}
        refuses(
            write_coco(tmp_path, coco(annotations=[annotation]), TWO_IMAGES),
            "annotation 41",
            "four",
        )

    def test_an_annotation_without_image_id_is_refused(self, tmp_path):
        file = write_coco(tmp_path, coco(annotations=[{"id": 1, "bbox": [0, 0, 1, 1]}]), TWO_IMAGES)
        refuses(file, '"annotations" has no "image_id"')

    def test_missing_images_are_told_and_all_missing_is_refused(self, tmp_path):
        file = write_coco(tmp_path / "one", coco(), {"a.png": picture()})
        assert open_source(str(file)).defects[0].file == "b.png"
        refuses(write_coco(tmp_path / "none", coco(), {}), "none of its 2 images")


def write_yolo(folder, label="0 0.3 0.3 0.4 0.4\n"):
    for name in ("images", "labels"):
        (folder / name / "train").mkdir(parents=True)
    (folder / "images/train/a.png").write_bytes(picture())
    (folder / "images/train/b.png").write_bytes(picture())
    (folder / "labels/train/a.txt").write_text(label)
    (folder / "data.yaml").write_text("path: .\nnames:\n  0: cat\n  1: 'dog'\nnc: 2\n")
    return folder


class TestYolo:
    @pytest.mark.parametrize("place", ["", "images/train", "data.yaml"])
    def test_boxes_from_centres(self, tmp_path, place):
        first, second = open_source(f"yolo:{write_yolo(tmp_path / 'y') / place}")
        np.testing.assert_allclose(first.boxes, [CAT], atol=1e-6)
        assert first.class_ids.tolist() == [1]
        assert second.boxes.shape == (0, 4)

    def test_a_polygon_gives_its_box(self, tmp_path):
        line = "1 0.1 0.1 0.5 0.2 0.3 0.5\n"
        source = open_source(str(write_yolo(tmp_path / "y", line)))
        np.testing.assert_allclose(source[0].boxes, [CAT], atol=1e-6)
        assert source[0].class_ids.tolist() == [2]

    @pytest.mark.parametrize("line", ["2 0.3 0.3 0.4 0.4", "0 0.3 0.3", "cat 0.3 0.3 0.4 0.4"])
    def test_a_wrong_line_is_refused_with_its_place(self, tmp_path, line):
        refuses(write_yolo(tmp_path / "y", line), "a.txt:1", line, "class 0 to 1")

    def test_no_names_is_refused(self, tmp_path):
        (write_yolo(tmp_path / "y") / "data.yaml").unlink()
        refuses(tmp_path / "y", "names of the classes", "classes.txt")


class TestRecognise:
    def test_each_format(self, tmp_path):
        assert recognise(str(write_voc(tmp_path / "v"))) == "voc"
        assert recognise(str(write_csv(tmp_path / "c", [], {}))) == "csv"
        assert recognise(str(write_coco(tmp_path / "j", coco(), TWO_IMAGES))) == "coco"
        assert recognise(str(tmp_path / "j")) == "coco"
        assert recognise(str(write_yolo(tmp_path / "y"))) == "yolo"
        assert recognise(str(tmp_path / "a.record-?????-of-00002")) == "tfrecord"

    def test_a_missing_path_is_refused(self, tmp_path):
        refuses(tmp_path / "nothing", "no such file or folder", "current folder")

    def test_an_empty_folder_is_refused(self, tmp_path):
        refuses(tmp_path, "there is no file in it", "images, and annotations", "check the path")
        assert files_in(tmp_path) == set()

    def test_an_unknown_format_is_refused(self, tmp_path):
        refuses("kiti:/data", '"kiti"', "voc, labelme", 'Did you mean "kitti"?')

    def test_a_windows_path_is_a_path(self, tmp_path):
        refuses(r"C:\data\train", r"C:\data\train: there is no such file or folder")


class TestRepair:
    def test_boxes_are_clipped_and_those_without_area_left_out(self, tmp_path):
        lines = [
            "a.png,60,40,cat,-6,4,30,44",
            "a.png,60,40,cat,10,10,10,20",
            "a.png,60,40,cat,30,10,10,20",
            "a.png,60,40,cat,70,10,80,20",
            "a.png,60,40,dog,0,0,60,40",
        ]
        source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
        np.testing.assert_allclose(source[0].boxes, [[0.1, 0, 1, 0.5], [0, 0, 1, 1]])
        assert source[0].class_ids.tolist() == [1, 2]
        assert source.survey[:3] == (2, 2, 3)

    def test_nan_is_left_out(self, tmp_path):
        lines = ["a.png,60,40,cat,nan,4,30,20", "a.png,60,40,cat,6,4,30,20"]
        source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
        np.testing.assert_allclose(source[0].boxes, [CAT])

    def test_a_whole_record_is_not_copied(self, tmp_path):
        source = open_source(str(write_voc(tmp_path / "v")))
        record = source.annotation(0)
        assert repair(record) is record


@pytest.mark.parametrize(
    ("spec", "images", "boxes", "classes"),
    [
        ("raccoon/data/train_labels.csv", 160, None, 1),
        ("raccoon", 200, 217, 1),
        ("bccd/BCCD", 364, 4886, 3),  # 4888 annotated, two of them points
        ("fruits_nuts/data/images/train", 16, None, 3),
        ("coco_tiny/annotations/instances_val2017.json", 80, 815, 80),
    ],
)
def test_counts_of_public_data_sets(spec, images, boxes, classes):
    source = open_source(str(shared_folder() / "datasets" / spec))
    assert (len(source), len(source.label_map.items)) == (images, classes)
    found = sum(len(repair(source.annotation(i)).class_ids) for i in range(images))
    assert boxes in (None, found)


def test_coco_ids_are_those_of_coco():
    file = shared_folder() / "datasets/coco_tiny/annotations/instances_val2017.json"
    source = open_source(str(file))
    categories = {c["id"]: c["name"] for c in json.loads(file.read_text())["categories"]}
    assert dict(names_of(source)) == categories
    assert sum(int(source.annotation(i).is_crowd.sum()) for i in range(80)) == 11
