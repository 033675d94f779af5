"""Each way to a wrong box, class or image without a word: the right value, or a defect by name."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest
from data_sets import ListSource, picture, record, voc_xml, write_coco, write_csv, write_voc
from PIL import Image

from detectune.config.label_map import LabelMap
from detectune.data.check import refuse_damaged
from detectune.data.convert import convert
from detectune.data.inspect import inspect_source
from detectune.data.shared_images import shared_images
from detectune.data.sources.coordinates import Coordinates
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError

CAT = [0.1, 0.1, 0.5, 0.5]


def kinds(source):
    return {defect.kind for defect in inspect_source(source).defects}


def details(source, kind):
    return [defect.detail for defect in inspect_source(source).defects if defect.kind == kind]


class TestTheImageThatIsMeant:
    def test_the_image_beside_a_voc_annotation_comes_first_and_its_sibling_is_named(self, tmp_path):
        for folder, shade in (("train", 40), ("images", 200)):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "IMG_1.png").write_bytes(picture(shade=shade))
        (tmp_path / "train/IMG_1.xml").write_text(voc_xml("IMG_1.png", [("cat", 6, 4, 30, 20)]))
        source = open_source(str(tmp_path / "train"))
        assert source[0].image == picture(shade=40)
        (detail,) = details(source, "several images of one name")
        assert "images/IMG_1.png (another image)" in detail

    def test_the_whole_path_of_a_coco_image_counts_before_its_last_part(self, tmp_path):
        images = [{"id": n, "file_name": f"{f}/1.png"} for n, f in enumerate(("a", "b"), 1)]
        content = {
            "images": images,
            "annotations": [{"id": 1, "image_id": 2, "category_id": 1, "bbox": [6, 4, 24, 16]}],
            "categories": [{"id": 1, "name": "cat"}],
        }
        for folder, shade in (("a", 40), ("b", 200)):
            (tmp_path / "images" / folder).mkdir(parents=True)
            (tmp_path / "images" / folder / "1.png").write_bytes(picture(shade=shade))
        (tmp_path / "images" / "1.png").write_bytes(picture(shade=90))
        (tmp_path / "set.json").write_text(json.dumps(content))
        first, second = open_source(str(tmp_path / "set.json"))
        assert (first.image, second.image) == (picture(shade=40), picture(shade=200))

    def test_two_annotations_of_one_image_are_named(self, tmp_path):
        lines = ["one/a.png,60,40,cat,6,4,30,20", "two/a.png,60,40,cat,0,0,60,40"]
        source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
        assert "one image, several annotations" in kinds(source)

    def test_capital_letters_and_another_suffix_lead_to_the_image(self, tmp_path):
        lines = ["A.PNG,60,40,cat,6,4,30,20", "b.jpg,60,40,cat,6,4,30,20"]
        images = {"a.png": picture(), "b.png": picture(shade=9)}
        source = open_source(str(write_csv(tmp_path, lines, images)))
        assert [item.image for item in source] == [picture(), picture(shade=9)]


YAML_NAMES = [
    ("names: {2: washer, 0: bolt, 1: nut}", ["bolt", "nut", "washer"], "nut"),
    ("names:\n  1: bolt\n  2: nut\n", ["bolt", "nut"], "bolt"),
    ("names: {0: bolt, 5: nut, 1: pin}", ["bolt", "pin", "nut"], "pin"),
    ("names: ['a, b', \"c: d\", e]  # three", ["a, b", "c: d", "e"], "c: d"),
    ("names:\n- bolt # the first\n- nut", ["bolt", "nut"], "nut"),
    ("\ufeffnames: [bolt, nut]", ["bolt", "nut"], "nut"),
    ("names: [no, yes, 1.0, 2024-01-01]", ["no", "yes", "1.0", "2024-01-01"], "yes"),
    ("nc: 2\nnames: [\n  bolt,\n  nut\n]\n", ["bolt", "nut"], "nut"),
]


class TestYoloNames:
    @pytest.mark.parametrize(("text", "names", "of_class_one"), YAML_NAMES)
    def test_every_spelling_gives_each_number_its_name(self, tmp_path, text, names, of_class_one):
        (tmp_path / "a.png").write_bytes(picture())
        (tmp_path / "a.txt").write_text("1 0.3 0.3 0.4 0.4\n")
        (tmp_path / "data.yaml").write_text(text, "utf-8")
        source = open_source(str(tmp_path))
        assert [item.name for item in source.label_map.items] == names
        assert source.label_map.name_of_id(int(source[0].class_ids[0])) == of_class_one

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("names: {a: bolt}", "no class number"),
            ("names: {0: [x]}", "no text"),
            ("names: &a [b]\nc: *a", "alias"),
            ("names: " + "[" * 50, "YAML"),
            ("names: [a", "YAML"),
            ("names: [a]\nkpt_shape: [17, 9]", "kpt_shape"),
        ],
    )
    def test_what_is_no_list_of_names_is_refused(self, tmp_path, text, word):
        (tmp_path / "a.png").write_bytes(picture())
        (tmp_path / "data.yaml").write_text(text)
        with pytest.raises(DataError, match=word):
            open_source(str(tmp_path))

    def test_a_pose_row_keeps_its_box(self, tmp_path):
        (tmp_path / "a.png").write_bytes(picture())
        points = " ".join(["0.2 0.2 2"] * 4)
        (tmp_path / "a.txt").write_text(f"0 0.3 0.3 0.4 0.4 {points}\n")
        (tmp_path / "data.yaml").write_text("names: [cat]\nkpt_shape: [4, 3]\n")
        source = open_source(str(tmp_path))
        np.testing.assert_allclose(source[0].boxes, [CAT], atol=1e-6)
        assert details(source, "not read") == ["keypoints of 1"]


def write_splits(folder):
    for split, shade in (("train", 40), ("val", 90), ("test", 200)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        (folder / f"images/{split}/{split}.png").write_bytes(picture(shade=shade))
        (folder / f"labels/{split}/{split}.txt").write_text("0 0.3 0.3 0.4 0.4\n")
    lines = "train: images/train\nval: images/val\ntest: [images/test]\nnames: [cat]\n"
    (folder / "data.yaml").write_text(lines)
    return folder / "data.yaml"


class TestSplits:
    @pytest.mark.parametrize(
        ("wanted", "split", "files"),
        [
            ("#train", "", ["train.png"]),
            ("#valid", "train", ["val.png"]),
            ("#test", "", ["test.png"]),
            ("", "train", ["train.png"]),
            ("", "val", ["val.png"]),
            ("", "", ["train.png", "val.png", "test.png"]),
        ],
    )
    def test_a_data_yaml_has_parts(self, tmp_path, wanted, split, files):
        file = write_splits(tmp_path / "d")
        for place in (file, file.parent):
            source = open_source(f"yolo:{place}{wanted}", split=split)
            found = [item.file_name for item in source]
            assert sorted(found) == sorted(files)

    def test_a_part_that_is_not_there_is_refused_with_those_that_are(self, tmp_path):
        file = write_splits(tmp_path / "d")
        with pytest.raises(DataError, match=r'no split "holdout"(.|\n)*train, val, test'):
            open_source(f"{file}#holdout")

    def test_a_list_of_images_is_a_part(self, tmp_path):
        file = write_splits(tmp_path / "d")
        (file.parent / "train.txt").write_text("./images/test/test.png\nimages/val/val.png\n")
        file.write_text("train: train.txt\nval: images/val\nnames: [cat]\n")
        found = [item.file_name for item in open_source(f"{file}#train")]
        assert found == ["test.png", "val.png"]

    def test_folders_of_an_export_are_parts_with_the_classes_of_all(self, tmp_path):
        for split, name in (("train", "dog"), ("valid", "cat")):
            (tmp_path / split).mkdir()
            (tmp_path / split / f"{split}.png").write_bytes(picture())
            xml = voc_xml(f"{split}.png", [(name, 6, 4, 30, 20)])
            (tmp_path / split / f"{split}.xml").write_text(xml)
        train = open_source(str(tmp_path), split="train")
        assert [item.file_name for item in train] == ["train.png"]
        assert train.label_map.names == ("cat", "dog")
        assert train[0].class_ids.tolist() == [2]
        assert [r.file_name for r in open_source(str(tmp_path))] == ["train.png", "valid.png"]
        assert len(open_source(f"voc:{tmp_path}#val")) == 1

    def test_images_on_both_sides_are_found_by_content(self, tmp_path):
        file = write_splits(tmp_path / "d")
        (file.parent / "images/val/copy.png").write_bytes(picture(shade=40))
        train, val = (open_source(f"{file}#{split}") for split in ("train", "val"))
        assert shared_images(train, val) == [("train.png", "copy.png")]
        assert shared_images(train, open_source(f"{file}#test")) == []

    def test_equal_ends_are_not_equal_images(self):
        middle = bytes(200_000)
        one, other = (
            ListSource([record(image=picture() + middle[:n] + b"x" + middle[n:])])
            for n in (80_000, 90_000)
        )
        assert one.survey.digests == other.survey.digests
        assert shared_images(one, other) == []


class TestUnits:
    def test_fractions_in_csv_are_named_and_refused(self, tmp_path):
        lines = ["a.png,60,40,cat,0.1,0.1,0.5,0.5"]
        source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
        (detail,) = details(source, "fractions instead of pixels")
        assert "no coordinate is larger than 0.5" in detail
        with pytest.raises(DataError, match="look like fractions"):
            refuse_damaged(source)
        with pytest.raises(DataError, match="look like fractions"):
            convert(source, tmp_path / "out", to="voc")

    def test_pixels_in_records_are_named_and_refused(self, tmp_path):
        wrong = ListSource([record(boxes=[[4, 6, 20, 30]])])
        assert "pixels instead of fractions" not in kinds(wrong)  # a source in pixels
        wrong.coordinates = Coordinates("fractions")
        (detail,) = details(wrong, "pixels instead of fractions")
        assert "coordinates up to 30" in detail
        with pytest.raises(DataError, match="look like pixels"):
            refuse_damaged(wrong)

    def test_a_box_that_reaches_out_is_no_other_unit(self):
        source = ListSource([record(boxes=[[-0.1, 0, 1.2, 0.5]])])
        source.coordinates = Coordinates("fractions")
        assert kinds(source) == {"box outside the image"}

    CORNERS = ([30, 20, 50, 36], [10, 12, 55, 30], [40, 25, 58, 39])

    @pytest.mark.parametrize("to", ["coco", "yolo", "csv"])
    def test_corners_where_sizes_belong_are_named_and_refused(self, to, tmp_path):
        """Of pictures of 60 x 40 pixels."""
        boxes, image = self.CORNERS, {"a.png": picture()}
        if to == "coco":
            content = {
                "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
                "categories": [{"id": 1, "name": "cat"}],
                "annotations": [
                    {"id": number, "image_id": 1, "category_id": 1, "bbox": box}
                    for number, box in enumerate(boxes)
                ],
            }
            path = write_coco(tmp_path / "data", content, image)
        elif to == "csv":
            lines = [",".join(map(str, ("a.png", "cat", *box))) for box in boxes]
            path = write_csv(tmp_path / "data", lines, image, "filename,class,x,y,w,h\n")
        else:
            (tmp_path / "a.png").write_bytes(picture())
            rows = [f"0 {a / 60} {b / 40} {c / 60} {d / 40}\n" for a, b, c, d in boxes]
            (tmp_path / "a.txt").write_text("".join(rows))
            path = tmp_path / "data.yaml"
            path.write_text("train: .\nval: .\nnames: [cat]\n")
        source = open_source(f"{to}:{path}")
        (detail,) = details(source, "corners instead of sizes")
        assert "look like two corners" in detail
        with pytest.raises(DataError, match="look like two corners"):
            refuse_damaged(source)
        with pytest.raises(DataError, match="look like two corners"):
            convert(source, tmp_path / "out", to="voc")

    def test_sizes_where_corners_belong_are_named_and_refused(self, tmp_path):
        sizes = [("cat", x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in self.CORNERS]
        (tmp_path / "a.png").write_bytes(picture())
        (tmp_path / "a.xml").write_text(voc_xml("a.png", sizes))
        source = open_source(f"voc:{tmp_path}")
        (detail,) = details(source, "sizes instead of corners")
        assert "in 2 of 3 boxes the second corner lies before the first" in detail
        with pytest.raises(DataError, match="look like x, y, width, height"):
            refuse_damaged(source)

    def test_boxes_that_reach_out_or_are_turned_round_are_read_as_they_stand(self):
        large = ListSource(
            [record(boxes=[[0.1, 0.1, 1.2, 1.3], [0.6, 0.7, 0.9, 1.1], CAT], ids=[1] * 3)]
        )
        large.coordinates = Coordinates("pixels", "corner and size")
        assert kinds(large) == {"box outside the image"}
        turned = ListSource(
            [record(boxes=[[0.9, 0.8, 0.5, 0.6], [0.2, 0.3, 0.1, 0.2], CAT], ids=[1] * 3)]
        )
        assert kinds(turned) == {"inverted box"}

    def test_a_count_of_classes_that_differs_from_the_names_is_listed(self, tmp_path):
        (tmp_path / "a.png").write_bytes(picture())
        (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
        for count, expected in (("1", []), ("80", ["nc is 80, and 1 are named"])):
            (tmp_path / "data.yaml").write_text(f"train: .\nval: .\nnc: {count}\nnames: [cat]\n")
            assert details(open_source(f"{tmp_path}/data.yaml"), "number of classes") == expected

    def test_a_box_below_a_pixel_is_named(self):
        tiny = [0.1, 0.1, 0.1 + 0.5 / 40, 0.5]
        assert kinds(ListSource([record(boxes=[tiny, CAT], ids=[1, 1])])) == {"box below one pixel"}
        one = [0.1, 0.1, 0.1 + 1 / 40, 0.5]
        assert kinds(ListSource([record(boxes=[one])])) == set()

    @pytest.mark.parametrize("weight", [float("nan"), float("inf"), -1.0])
    def test_a_weight_that_is_none_is_refused(self, weight):
        source = ListSource([record(weights=[weight])])
        assert kinds(source) == {"weight that is no weight"}
        with pytest.raises(DataError, match="weight of object 1"):
            refuse_damaged(source)

    @pytest.mark.parametrize("area", [float("nan"), float("-inf"), -4.0])
    def test_an_area_that_is_none_becomes_that_of_the_box(self, area):
        source = ListSource([record(areas=[area])])
        assert kinds(source) == {"area that is no area"}
        assert source[0].areas == pytest.approx([16 * 24])

    def test_an_infinite_corner_is_left_out(self):
        source = ListSource([record(boxes=[[0, 0, np.inf, 1], CAT], ids=[1, 1])])
        np.testing.assert_allclose(source[0].boxes, [CAT])
        assert kinds(source) == {"box with NaN"}

    @pytest.mark.parametrize("size", ["-60", "1e9", "12.5", "sixty"])
    def test_an_image_size_that_is_none_is_named(self, tmp_path, size):
        lines = [f"a.png,{size},40,cat,6,4,30,20"]
        source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
        (detail,) = details(source, "wrong annotation")
        assert f'width is "{size}"' in detail


def coco(**changes):
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [6, 4, 24, 16]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    return {**content, **changes}


def open_coco(folder, **changes):
    return open_source(str(write_coco(folder, coco(**changes), {"a.png": picture()})))


class TestCoco:
    @pytest.mark.parametrize("identity", ["1", 1, 1.0, " 1 "])
    def test_an_id_is_the_same_as_text_and_as_number(self, tmp_path, identity):
        entry = {"id": 9, "image_id": identity, "category_id": identity, "bbox": [6, 4, 24, 16]}
        (item,) = open_coco(tmp_path, annotations=[entry])
        np.testing.assert_allclose(item.boxes, [CAT])

    def test_ids_may_be_words(self, tmp_path):
        source = open_coco(
            tmp_path,
            images=[{"id": "x-1", "file_name": "a.png"}],
            annotations=[{"image_id": "x-1", "category_id": "c", "bbox": [6, 4, 24, 16]}],
            categories=[{"id": "d", "name": "ant"}, {"id": "c", "name": "cat"}],
        )
        assert source.label_map.name_of_id(int(source[0].class_ids[0])) == "cat"

    def test_categories_of_equal_name_are_one_class_and_named(self, tmp_path):
        categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}, {"id": 3, "name": "dog"}]
        entries = [
            {"image_id": 1, "category_id": number, "bbox": [6, 4, 24, 10 + number]}
            for number in (1, 2, 3)
        ]
        source = open_coco(tmp_path, categories=categories, annotations=entries)
        assert source.label_map.names == ("cat", "dog")
        assert source[0].class_ids.tolist() == [1, 1, 2]
        assert details(source, "classes of equal name") == ['2 categories are called "cat"']

    def test_two_images_or_categories_of_one_id_are_wrong(self, tmp_path):
        twice = [{"id": 1, "file_name": "a.png"}, {"id": "1", "file_name": "b.png"}]
        (detail,) = details(open_coco(tmp_path, images=twice), "wrong annotation")
        assert 'two images have the id 1, the second is "b.png"' in detail

    def test_keypoints_and_captions_are_said(self, tmp_path):
        entries = [
            {"image_id": 1, "category_id": 1, "bbox": [6, 4, 24, 16], "keypoints": [1, 1, 2]},
            {"image_id": 1, "caption": "a cat"},
        ]
        source = open_coco(tmp_path, annotations=entries)
        assert source[0].boxes.shape == (1, 4)
        assert details(source, "not read") == ["keypoints: 1", "captions: 1"]

    def test_an_object_without_box_has_that_of_its_polygon(self, tmp_path):
        entry = {"image_id": 1, "category_id": 1, "segmentation": [[6, 4, 30, 4, 30, 20]]}
        source = open_coco(tmp_path, annotations=[entry])
        np.testing.assert_allclose(source[0].boxes, [CAT])
        assert "outline read as a box" in kinds(source)


def sixteen_bits(values, kind):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


class TestDeepImages:
    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_sixteen_bits_are_read_by_the_upper_eight(self, kind):
        from detectune.data.decode import decode
        from detectune.data.image_files import decodable

        data = sixteen_bits(np.full((4, 4), 0x8040, np.uint16), kind)
        assert np.unique(decode(decodable(data))).tolist() == [0x80]

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_twelve_bits_in_sixteen_are_named(self, kind):
        data = sixteen_bits(np.full((40, 60), 4000, np.uint16), kind)
        assert "dark image" in kinds(ListSource([record(image=data)]))

    def test_float_pixels_are_refused(self):
        data = sixteen_bits(np.full((40, 60), 0.5, np.float32), "TIFF")
        source = ListSource([record("a.tif", image=data)])
        (detail,) = details(source, "unreadable image")
        assert "32-bit floating-point" in detail
        with pytest.raises(DataError, match="floating-point"):
            refuse_damaged(source)


class TestRecords:
    def test_a_record_with_a_flipped_bit_is_never_trained_on_or_converted(self, tmp_path):
        records = [record("a.png"), record("b.png", image=picture(shade=9))]
        (file, _) = convert(ListSource(records), tmp_path / "a.record", to="tfrecord").files
        data = bytearray(file.read_bytes())
        data[200] ^= 1
        file.write_bytes(data)
        source = open_source(str(file), LabelMap.from_names(["cat", "dog"]))
        with pytest.raises(DataError, match="checksum of its data is wrong"):
            refuse_damaged(source)
        result = convert(source, tmp_path / "out", to="voc")
        assert (result.images, len(result.skipped)) == (1, 1)
        assert "checksum" in result.skipped[0][1]

    def test_the_records_before_a_damaged_length_are_read(self, tmp_path):
        (file, _) = convert(
            ListSource([record("a.png"), record("b.png")]), tmp_path / "a.record", to="tfrecord"
        ).files
        data = bytearray(file.read_bytes())
        (length,) = struct.unpack("<Q", data[:8])
        data[length + 16] ^= 1
        file.write_bytes(data)
        source = open_source(str(file), LabelMap.from_names(["cat", "dog"]))
        result = inspect_source(source)
        assert result.images == 1
        assert [defect.kind for defect in result.defects] == ["wrong annotation"]
        with pytest.raises(DataError, match="length is wrong"):
            refuse_damaged(source)


def test_classes_that_look_alike_are_named(tmp_path):
    names = ["Cat", "cat ", "ca\u200bt", "cafe\u0301", "caf\u00e9", "dog"]
    lines = [f'a.png,60,40,"{name}",6,4,30,{20 + n}' for n, name in enumerate(names)]
    source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
    found = details(source, "class names alike")
    assert len(found) == 2
    assert any('"Cat"' in text and "\\u200b" in text for text in found)
    assert any("caf" in text for text in found)


def test_one_bad_annotation_hides_no_other(tmp_path):
    root = write_voc(tmp_path / "v")
    bad = voc_xml("b.jpg", [("dog", "x", 1, 20, 30), ("dog", 1, 1, 20, "y"), ("cat", 6, 4, 30, 20)])
    (root / "Annotations/b.xml").write_text(bad)
    (root / "Annotations/d.xml").write_text("<annotation>")
    (root / "JPEGImages/d.jpg").write_bytes(picture())
    source = open_source(str(root))
    result = inspect_source(source)
    wrong = [d for d in result.defects if d.kind == "wrong annotation"]
    assert [d.file.rsplit("/")[-1] for d in wrong] == ["b.xml", "b.xml", "d.xml"]
    assert result.boxes_per_class == {"cat": 3, "dog": 1}
    with pytest.raises(DataError) as caught:
        refuse_damaged(source)
    assert str(caught.value).count("wrong annotation") == 3
    conversion = convert(source, tmp_path / "out", to="coco")
    assert conversion.images == 2
    assert len(conversion.skipped) == 2


def test_an_empty_difficult_is_no(tmp_path):
    root = write_voc(tmp_path / "v")
    xml = voc_xml("b.jpg", [("dog", 15, 10, 45, 30)]).replace("</name>", "</name><difficult/>")
    (root / "Annotations/b.xml").write_text(xml)
    assert open_source(str(root))[1].difficult.tolist() == [False]


def test_a_rotated_box_is_read_as_its_bounds_and_named(tmp_path):
    root = write_voc(tmp_path / "v")
    shape = (
        "<robndbox><cx>18</cx><cy>12</cy><w>16</w><h>24</h><angle>1.5707963267948966</angle>"
        "</robndbox>"
    )
    xml = voc_xml("b.jpg", [("dog", 0, 0, 0, 0)])
    begin, end = xml.index("<bndbox>"), xml.index("</bndbox>") + len("</bndbox>")
    (root / "Annotations/b.xml").write_text(xml[:begin] + shape + xml[end:])
    source = open_source(str(root))
    np.testing.assert_allclose(source[1].boxes, [CAT], atol=1e-6)
    assert details(source, "outline read as a box") == ["dog: a rotated box"]
