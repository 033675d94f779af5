"""Masks of every format are those of pycocotools, and a mask that cannot be used is named."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from data_sets import ListSource, picture, record, write_coco, write_voc
from google.protobuf import text_format
from PIL import Image
from pycocotools import mask as reference

from detectune.config import schema
from detectune.data.convert import convert
from detectune.data.decoded_masks import check_masks, record_pixels, record_rles
from detectune.data.inspect import inspect_source
from detectune.data.inspect_report import inspection_page
from detectune.data.masks import (
    BrokenMask,
    PngMask,
    PolygonMask,
    RleMask,
    coco_mask,
    mask_problem,
    png_of,
    resized,
)
from detectune.data.pictures import draw_record
from detectune.data.pipeline import train_batches
from detectune.data.preview import write_previews
from detectune.data.resizers import build_resizer
from detectune.data.run_lengths import MaskError, compressed, encode_rle, rle_text, run_lengths
from detectune.data.sources.recognise import open_source
from detectune.data.tfrecord_writer import tf_example
from detectune.errors import DataError
from detectune.structures import GroundTruth

TRIANGLE = [5.0, 4.0, 25.5, 8.0, 9.0, 30.0]
SQUARE = [40.0, 10.0, 50.0, 10.0, 50.0, 20.0, 40.0, 20.0]
CROWD_RUNS = [3, 37, 40, 5, 40 * 60 - 85]


def blob(seed: int = 0) -> np.ndarray:
    """A mask of 40 x 60 with ragged edges."""
    random = np.random.default_rng(seed)
    mask = np.zeros((40, 60), np.uint8)
    mask[8:30, 10:44] = random.random((22, 34)) < 0.8
    return mask


def coco_content() -> dict:
    """Two images: polygons and a crowd in one, a compressed RLE in the other."""
    counts = rle_text(encode_rle(blob()))
    rows = [
        (1, [TRIANGLE, SQUARE], 0, [5, 4, 45, 26]),
        (1, {"size": [40, 60], "counts": CROWD_RUNS}, 1, [0, 0, 20, 40]),
        (2, counts, 0, [10, 8, 34, 22]),
    ]
    return {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 40, "width": 60} for n in (1, 2)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": 1,
                "bbox": box,
                "area": float(box[2] * box[3]) / 2,
                "iscrowd": crowd,
                "segmentation": segmentation,
            }
            for number, (image, segmentation, crowd, box) in enumerate(rows, 1)
        ],
    }


def coco_folder(folder, content: dict | None = None):
    images = {"1.png": picture(shade=10), "2.png": picture(shade=20)}
    return write_coco(folder, content or coco_content(), images)


def test_polygons_are_filled_as_pycocotools_fills_them():
    mask = coco_mask([TRIANGLE, SQUARE])
    assert mask is not None
    mask = mask.on(40, 60)
    expected = reference.merge(reference.frPyObjects([TRIANGLE, SQUARE], 40, 60))
    assert mask.rle()["counts"] == expected["counts"]
    assert mask.pixels()[15, 45] == 1
    assert mask.pixels().sum() == reference.area(expected) > 300


@pytest.mark.parametrize("seed", range(4))
def test_run_lengths_are_those_of_pycocotools(seed):
    theirs = reference.encode(np.asfortranarray(blob(seed)))
    ours = encode_rle(blob(seed))
    assert ours["counts"] == theirs["counts"]
    runs = run_lengths(ours["counts"])
    assert sum(runs) == 40 * 60
    assert compressed(runs) == theirs["counts"]
    mask = coco_mask(rle_text(ours))
    assert mask is not None
    np.testing.assert_array_equal(mask.pixels(), blob(seed))


def test_uncompressed_run_lengths_are_read():
    mask = coco_mask({"size": [40, 60], "counts": CROWD_RUNS})
    assert mask is not None
    expected = np.zeros(40 * 60, np.uint8)
    expected[3:40] = 1
    expected[80:85] = 1
    np.testing.assert_array_equal(mask.pixels(), expected.reshape(60, 40).T)


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([[1, 2, 3, 4, 5]], "and not x, y, x, y"),
        ([[1, 2, 3, 4, 5, float("nan")]], "and not x, y, x, y"),
        ([["a", "b"]], "and not x, y, x, y"),
        ("abc", "segmentation is abc"),
        ({"size": None, "counts": [1]}, "the size of its run lengths is None"),
        ({"size": [4, 4], "counts": None}, "its run lengths are None"),
    ],
)
def test_what_is_no_segmentation_says_why(segmentation, reason):
    mask = coco_mask(segmentation)
    assert isinstance(mask, BrokenMask)
    assert reason in mask_problem(mask, 40, 60)


@pytest.mark.parametrize("segmentation", [None, [], {}, [[]], [[1, 2, 3, 4]]])
def test_nothing_is_no_mask(segmentation):
    assert coco_mask(segmentation) is None
    assert mask_problem(None, 40, 60) == "it has no mask"


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (RleMask(4, 4, compressed([3, 5])), "add up to 8 pixels, not to 4 x 4"),
        (RleMask(4, 4, b"\xff"), "not in COCO's compressed form"),
        (RleMask(4, 4, b"o"), "end in the middle of one"),
        (PngMask(b"no image"), "its data are no image"),
        (PngMask(png_of(blob())[:-30]), "cannot be decoded"),
    ],
)
def test_damaged_masks_are_told_not_shown(mask, reason):
    with pytest.raises(MaskError, match=reason):
        mask.pixels()


def test_a_polygon_that_leaves_its_image_is_seen():
    inside = PolygonMask((np.array(TRIANGLE),), 40, 60)
    assert not inside.leaves_image()
    assert PolygonMask((np.array(TRIANGLE),), 28, 60).leaves_image()


def test_a_mask_is_made_larger_around_the_same_centres():
    small = np.array([[1, 0], [0, 0]], np.uint8)
    np.testing.assert_array_equal(resized(small, 4, 4)[:2, :2], np.ones((2, 2)))
    assert resized(small, 4, 4).sum() == 4


@pytest.mark.parametrize("to", ["tfrecord", "coco"])
def test_masks_survive_a_conversion(tmp_path, to):
    source = open_source(str(coco_folder(tmp_path / "coco")))
    dest = tmp_path / ("a.record" if to == "tfrecord" else "again")
    assert convert(source, dest, to=to).lost_masks == 0
    again = open_source(str(dest), source.label_map)
    assert [row.is_crowd.tolist() for row in again] == [[False, True], [False]]
    for before, after in zip(source, again, strict=True):
        np.testing.assert_array_equal(after.boxes, before.boxes)
        np.testing.assert_array_equal(after.areas, before.areas)
        assert record_rles(after, 40, 60) == record_rles(before, 40, 60)


@pytest.mark.parametrize("to", ["voc", "csv", "yolo"])
def test_masks_that_a_format_cannot_keep_are_counted(tmp_path, to):
    source = open_source(str(coco_folder(tmp_path / "coco")))
    assert convert(source, tmp_path / "out", to=to).lost_masks == 3


def test_an_object_without_a_mask_keeps_its_place_in_a_record(tmp_path):
    content = coco_content()
    del content["annotations"][0]["segmentation"]
    source = open_source(str(coco_folder(tmp_path / "coco", content)))
    convert(source, tmp_path / "a.record", to="tfrecord")
    again = open_source(str(tmp_path / "a.record"))[0]
    assert again.masks is not None
    assert again.masks[0] is None
    np.testing.assert_array_equal(again.masks[1].pixels(), source[0].masks[1].pixels())


def floats(values) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values)))


def texts(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def write_record(path, mask: tf.train.Feature, boxes: int = 2) -> str:
    message = tf_example(record(boxes=[[0.1, 0.1, 0.5, 0.5]] * boxes, ids=[1] * boxes), {1: "cat"})
    message.features.feature["image/object/mask"].CopyFrom(mask)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(message.SerializeToString())
    return str(path)


def test_numerical_masks_are_read(tmp_path):
    # Parity: data_decoders/tf_example_decoder.py: [N, H, W] of floats, row by row.
    masks = np.stack([blob(1), blob(2)])
    path = write_record(tmp_path / "a.record", floats(masks))
    np.testing.assert_array_equal(record_pixels(open_source(path)[0]), masks)


def test_png_masks_of_any_kind_are_read(tmp_path):
    # Parity: every value above 0 belongs to the object.
    buffer = io.BytesIO()
    Image.fromarray(blob(2) > 0).save(buffer, "PNG")
    path = write_record(tmp_path / "a.record", texts(png_of(blob(1) * 7), buffer.getvalue()))
    np.testing.assert_array_equal(record_pixels(open_source(path)[0]), np.stack([blob(1), blob(2)]))


@pytest.mark.parametrize(
    ("feature", "found"),
    [
        (texts(png_of(blob())), r"1 masks for 2 boxes\."),
        (floats(blob()), r"masks of 2400 pixels for 2 boxes of 40 x 60\."),
    ],
)
def test_more_or_fewer_masks_than_boxes_are_refused(tmp_path, feature, found):
    with pytest.raises(DataError, match=found):
        open_source(write_record(tmp_path / "a.record", feature))[0]


def test_masks_of_voc_are_the_numbers_of_its_palette_pictures(tmp_path):
    root = write_voc(tmp_path / "voc")
    (root / "SegmentationObject").mkdir()
    numbers = np.zeros((40, 60), np.uint8)
    numbers[4:20, 6:30], numbers[30:, 40:], numbers[8:12, 12:18] = 1, 2, 3
    numbers[0] = 255  # the border that VOC leaves undecided
    image = Image.fromarray(numbers).convert("P")
    image.putpalette(list(range(256)) * 3)
    Image.fromarray(numbers, "L").save(root / "SegmentationObject" / "a.png")
    first = open_source(str(root))[0]
    np.testing.assert_array_equal(
        record_pixels(first), np.stack([numbers == 1, numbers == 2, numbers == 3])
    )
    assert open_source(str(root))[1].masks is None  # VOC has masks of some images only


RESIZER = "keep_aspect_ratio_resizer { min_dimension: 20 max_dimension: 30 "


def batch_of(source, resizer: str, reader: str = "load_instance_masks: true"):
    config = text_format.Parse(
        f"train_config {{ batch_size: 2 }} train_input_reader {{ shuffle: false {reader} }}",
        schema.TrainEvalPipelineConfig(),
    )
    built = build_resizer(text_format.Parse(resizer, schema.ImageResizer()))
    inputs, truth = next(iter(train_batches(config, source, built, seed=0, steps=1)))
    return inputs["images"], GroundTruth.from_batch(truth)


@pytest.mark.parametrize(
    ("resizer", "shape"),
    [(RESIZER + "}", (20, 30)), (RESIZER + "pad_to_max_dimension: true }", (30, 30))],
)
def test_a_batch_has_masks_in_pixels_of_the_input(tmp_path, resizer, shape):
    source = open_source(str(coco_folder(tmp_path / "coco")))
    _, truth = batch_of(source, resizer)
    masks = truth.column("masks").numpy()
    assert masks.shape == (2, 8, *shape)
    assert masks.dtype == np.uint8
    assert not masks[0, 2:].any()
    assert not masks[:, :, 20:].any()
    # Parity: nearest neighbours of the v1 resizing, which takes every second pixel from (0, 0).
    np.testing.assert_array_equal(masks[1, 0, :20, :30], blob()[::2, ::2])
    assert truth.weights[0, :2].numpy().tolist() == [1, 0]  # the crowd weighs nothing


def test_masks_of_images_of_different_size_are_padded_to_the_largest():
    upright = record(image=picture(40, 60), height=60, width=40, masks=[PngMask(png_of(blob().T))])
    source = ListSource([record(masks=[PngMask(png_of(blob()))]), upright])
    images, truth = batch_of(source, RESIZER + "}")
    assert images.shape == (2, 30, 30, 3)
    assert truth.column("masks").shape == (2, 8, 30, 30)
    np.testing.assert_array_equal(truth.column("masks")[0, 0, :20], blob()[::2, ::2])
    np.testing.assert_array_equal(truth.column("masks")[1, 0, :, :20], blob().T[::2, ::2])
    assert truth.sizes.numpy().tolist() == [[20, 30], [30, 20]]


def test_a_mask_fits_an_image_stored_at_another_size_than_annotated():
    source = ListSource([record(image=picture(120, 80), masks=[PngMask(png_of(blob()))])])
    _, truth = batch_of(source, "identity_resizer { }")
    np.testing.assert_array_equal(truth.column("masks")[0, 0], resized(blob(), 80, 120))


def test_without_load_instance_masks_none_are_read(tmp_path):
    source = open_source(str(coco_folder(tmp_path / "coco")))
    assert "masks" not in batch_of(source, RESIZER + "}", "")[1].columns


def test_an_image_without_objects_has_no_masks_and_is_trained_on(tmp_path):
    source = ListSource([record(boxes=[], ids=[])])
    assert not batch_of(source, "identity_resizer { }")[1].column("masks").numpy().any()


def test_objects_whose_masks_cannot_be_used_are_all_named_before_training():
    source = ListSource(
        [
            record("fine.png", masks=[PngMask(png_of(blob()))]),
            record("small.png", masks=[PngMask(png_of(blob()[:20]))]),
            record("none.png"),
            record("text.png", masks=[BrokenMask("segmentation is abc")]),
        ]
    )
    with pytest.raises(DataError) as caught:
        batch_of(source, "identity_resizer { }")
    message = str(caught.value)
    assert "memory: the masks of 3 objects cannot be used" in message
    assert "small.png: object 1: its mask is 60x20, the image 60x40" in message
    assert "none.png: object 1: it has no mask" in message
    assert "text.png: object 1: segmentation is abc" in message
    assert "fine.png" not in message
    with pytest.raises(DataError, match="masks of 3 objects"):
        check_masks(source)


def test_a_mask_that_turns_out_damaged_is_named():
    broken = record("bad.png", masks=[RleMask(40, 60, compressed([5, 6]))])
    with pytest.raises(DataError, match=r"bad\.png: object 1: its run lengths add up to 11"):
        record_pixels(broken)


def test_an_inspection_counts_masks_and_names_those_that_cannot_be_used(tmp_path):
    content = coco_content()
    content["annotations"][0]["segmentation"] = [[*TRIANGLE, 70.0, 4.0]]
    content["annotations"][1]["segmentation"]["counts"] = [5]
    content["annotations"][2]["segmentation"] = {"size": [40, 60], "counts": [2400]}
    extra = {**content["annotations"][2], "id": 9}
    del extra["segmentation"]
    content["annotations"].append(extra)
    source = open_source(str(coco_folder(tmp_path / "coco", content)))
    inspection = inspect_source(source)
    assert inspection.masks == 3
    defects = {(d.kind, d.file, d.detail) for d in inspection.defects if "mask" in d.kind}
    assert defects == {
        ("mask leaves the image", "1.png", "object 1: its polygon does"),
        (
            "mask cannot be used",
            "1.png",
            "object 2: its run lengths add up to 5 pixels, not to 40 x 60",
        ),
        ("empty mask", "2.png", "object 1"),
        ("mask cannot be used", "2.png", "object 2: it has no mask"),
    }
    assert "<figure>" in inspection_page(inspection, source)


def test_drawn_samples_show_masks():
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 10:30] = 1
    sample = record(boxes=[[0.1, 0.1, 0.9, 0.9]], masks=[PngMask(png_of(mask))])
    classes = ListSource([sample]).label_map
    drawn = np.asarray(draw_record(sample, classes, longest=60)).astype(int)
    plain = np.asarray(draw_record(sample._replace(masks=None), classes, longest=60)).astype(int)
    changed = (drawn != plain).any(axis=-1)
    np.testing.assert_array_equal(changed[13:], (mask > 0)[13:])  # above stands the name


def test_previews_show_masks(tmp_path):
    file = coco_folder(tmp_path / "coco")
    sides = []
    for reader in ("", "load_instance_masks: true"):
        config = text_format.Parse(
            "model { ssd { image_resizer { identity_resizer { } } } } "
            f'train_config {{ batch_size: 1 }} train_input_reader {{ source: "{file}" {reader} }}',
            schema.TrainEvalPipelineConfig(),
        )
        files, _ = write_previews(config, tmp_path / f"out{len(sides)}", count=2, seed=0)
        sides.append([np.asarray(Image.open(f)).astype(int) for f in files])
    for plain, masked in zip(*sides, strict=True):
        assert plain.shape == masked.shape
        assert np.abs(plain - masked).max() > 40
