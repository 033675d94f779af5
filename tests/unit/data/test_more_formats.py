"""labelme, CVAT, VIA, Label Studio, Open Images, KITTI, odd CSV, plain images, archives."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from data_sets import picture, voc_xml, write_csv, write_voc
from three_parts import three_parts

from detectune.data.inspect import inspect_source
from detectune.data.sources.recognise import open_source, recognise
from detectune.errors import DataError

# cat at x 6–30, y 4–20 of a 60 x 40 picture, dog in its lower right quarter; yxyx fractions.
CAT, DOG = [0.1, 0.1, 0.5, 0.5], [0.5, 0.5, 1, 1]


def labelme(folder):
    shapes = [
        {"label": "cat", "shape_type": "rectangle", "points": [[30, 20], [6, 4]]},
        {"label": "dog", "shape_type": "polygon", "points": [[30, 20], [60, 20], [45, 40]]},
        {"label": "dog", "shape_type": "point", "points": [[1, 1]]},
    ]
    content = {"imagePath": "..\\images\\a.png", "imageHeight": 40, "imageWidth": 60}
    (folder / "a.json").write_text(json.dumps({**content, "shapes": shapes}))


def cvat(folder):
    (folder / "annotations.xml").write_text(
        '<annotations><version>1.1</version><image id="0" name="a.png" width="60" height="40">'
        '<box label="cat" xtl="6" ytl="4" xbr="30" ybr="20"/>'
        '<polygon label="dog" points="30,20;60,20;45,40"/><points label="dog" points="1,1"/>'
        "</image></annotations>"
    )


def via(folder):
    shapes = [
        ({"name": "rect", "x": 6, "y": 4, "width": 24, "height": 16}, {"type": "cat"}),
        (
            {
                "name": "polygon",
                "all_points_x": [30, 60, 45],
                "all_points_y": [20, 20, 40],
            },
            {"type": {"dog": True, "cat": False}},
        ),
        ({"name": "point", "cx": 1, "cy": 1}, {"type": "dog"}),
    ]
    regions = [{"shape_attributes": s, "region_attributes": a} for s, a in shapes]
    images = {"a.png99": {"filename": "a.png", "size": 99, "regions": regions}}
    (folder / "via.json").write_text(json.dumps({"_via_img_metadata": images}))


def label_studio(folder):
    sizes = {"original_width": 60, "original_height": 40}
    values = [
        (
            "rectanglelabels",
            {"x": 10, "y": 10, "width": 40, "height": 40, "rectanglelabels": ["cat"]},
        ),
        (
            "polygonlabels",
            {"points": [[50, 50], [100, 50], [75, 100]], "polygonlabels": ["dog"]},
        ),
        ("keypointlabels", {"x": 1, "y": 1, "width": 1, "keypointlabels": ["dog"]}),
    ]
    result = [{"type": kind, "value": value, **sizes} for kind, value in values]
    task = {"id": 1, "data": {"image": "/data/upload/1/0123abcd-a.png"}}
    tasks = [{**task, "annotations": [{"result": result}]}]
    (folder / "export.json").write_text(json.dumps(tasks))


FORMATS = {"labelme": labelme, "cvat": cvat, "via": via, "label_studio": label_studio}


@pytest.mark.parametrize("kind", FORMATS)
def test_boxes_are_read_outlines_named_and_points_left_out(tmp_path, kind):
    FORMATS[kind](tmp_path)
    (tmp_path / "a.png").write_bytes(picture())
    assert recognise(str(tmp_path)) == kind
    source = open_source(str(tmp_path))
    assert source.label_map.names == ("cat", "dog")
    np.testing.assert_allclose(source[0].boxes, [CAT, DOG], atol=1e-6)
    assert source[0].class_ids.tolist() == [1, 2]
    found = {defect.kind for defect in inspect_source(source).defects} - {"mask cannot be used"}
    assert found == {"outline read as a box", "not read"}


@pytest.mark.parametrize("kind", ["labelme", "cvat", "via"])
def test_polygons_are_masks(tmp_path, kind):
    FORMATS[kind](tmp_path)
    (tmp_path / "a.png").write_bytes(picture())
    masks = open_source(str(tmp_path), columns=("masks",))[0].masks
    assert masks[0] is None
    assert 250 < masks[1].pixels().sum() < 350  # a triangle of 30 x 20


def test_a_turned_box_of_label_studio_is_bounded_in_pixels(tmp_path):
    value = {"x": 50, "y": 10, "width": 10, "height": 30, "rotation": 90, "labels": ["cat"]}
    value |= {"original_width": 60, "original_height": 40}
    (tmp_path / "min.json").write_text(json.dumps([{"image": "a.png", "label": [value]}]))
    (tmp_path / "a.png").write_bytes(picture())
    # 6 x 12 pixels at (30, 4), turned about that corner: 12 to the left and 6 down.
    (item,) = open_source(str(tmp_path))
    np.testing.assert_allclose(item.boxes, [[4 / 40, 18 / 60, 10 / 40, 30 / 60]], atol=1e-6)


@pytest.mark.parametrize(("width", "found"), [(0, "missing"), (None, "missing"), (-60, "-60")])
def test_a_turned_box_of_an_image_without_a_size_is_a_defect(tmp_path, width, found):
    value = {"x": 50, "y": 10, "width": 10, "height": 30, "rotation": 90, "labels": ["cat"]}
    value |= {"original_width": width, "original_height": 40}
    (tmp_path / "min.json").write_text(json.dumps([{"image": "a.png", "label": [value]}]))
    (tmp_path / "a.png").write_bytes(picture())
    (defect,) = inspect_source(open_source(str(tmp_path))).defects
    assert defect.kind == "wrong annotation"
    assert found in defect.detail


def test_a_turned_box_of_cvat_is_bounded(tmp_path):
    (tmp_path / "a.xml").write_text(
        '<annotations><image name="a.png" width="60" height="40">'
        '<box label="cat" xtl="10" ytl="10" xbr="30" ybr="14" rotation="90"/></image></annotations>'
    )
    (tmp_path / "a.png").write_bytes(picture())
    (item,) = open_source(str(tmp_path))
    np.testing.assert_allclose(item.boxes, [[2 / 40, 18 / 60, 22 / 40, 22 / 60]], atol=1e-6)


def test_tracks_of_a_video_are_refused_with_the_export_to_choose(tmp_path):
    (tmp_path / "a.xml").write_text('<annotations><track id="0" label="cat"/></annotations>')
    with pytest.raises(DataError, match="CVAT for images"):
        open_source(str(tmp_path))


def test_via_csv(tmp_path):
    shape = json.dumps({"name": "rect", "x": 6, "y": 4, "width": 24, "height": 16})
    head = (
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,"
        "region_attributes"
    )
    quoted, attributes = shape.replace('"', '""'), json.dumps({"kind": "cat"}).replace('"', '""')
    lines = [head, f'a.png,9,"{{}}",1,0,"{quoted}","{attributes}"', 'b.png,9,"{}",0,0,"{}","{}"']
    (tmp_path / "via.csv").write_text("\n".join(lines))
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(picture())
    assert recognise(str(tmp_path)) == "via"
    first, second = open_source(str(tmp_path))
    np.testing.assert_allclose(first.boxes, [CAT])
    assert second.boxes.shape == (0, 4)


def test_open_images_has_fractions_groups_and_names(tmp_path):
    (tmp_path / "train.csv").write_text(
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
        "0a1,xclick,/m/01yrx,1,0.1,0.5,0.1,0.5,0,0,0\n0a1,xclick,/m/0bt9lr,1,0.5,1,0.5,1,0,0,1\n"
    )
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/01yrx,Cat\n/m/0bt9lr,Dog\n")
    (tmp_path / "0a1.png").write_bytes(picture())
    assert recognise(str(tmp_path)) == "open_images"
    source = open_source(str(tmp_path))
    assert [(i.id, i.name, i.label) for i in source.label_map.items] == [
        (1, "/m/01yrx", "Cat"),
        (2, "/m/0bt9lr", "Dog"),
    ]
    np.testing.assert_allclose(source[0].boxes, [CAT, DOG])
    assert source[0].group_of.tolist() == [False, True]


def test_kitti_leaves_dont_care_out_and_says_so(tmp_path):
    for name in ("image_2", "label_2"):
        (tmp_path / "training" / name).mkdir(parents=True)
    (tmp_path / "training/image_2/000001.png").write_bytes(picture())
    rest = "1.6 1.8 3.6 -16 2 58 1.5"
    (tmp_path / "training/label_2/000001.txt").write_text(
        f"Car 0.00 0 1.85 6.00 4.00 30.00 20.00 {rest}\n"
        "DontCare -1 -1 -10 0 0 9 9 -1 -1 -1 -1000 -1000 -1000 -10\n"
    )
    assert recognise(str(tmp_path)) == "kitti"
    source = open_source(str(tmp_path))
    np.testing.assert_allclose(source[0].boxes, [CAT])
    assert source.label_map.names == ("Car",)
    assert [d.detail for d in source.defects] == ["DontCare: 1"]


def test_a_folder_of_images_has_no_objects(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/a.png").write_bytes(picture())
    (tmp_path / "README.md").write_text("hello")
    assert recognise(str(tmp_path)) == "images"
    (item,) = open_source(str(tmp_path))
    assert item.boxes.shape == (0, 4)
    (tmp_path / "more/a.mat").write_text("annotations of another kind")
    with pytest.raises(DataError, match=r"1 \.png in more/"):
        open_source(str(tmp_path))


CSV_SPELLINGS = {
    "semicolons": "filename;class;xmin;ymin;xmax;ymax\na.png;cat;6;4,0;30;20\n",
    "tabs": "filename\tclass\txmin\tymin\txmax\tymax\na.png\tcat\t6\t4\t30\t20\n",
    "excel": "sep=;\nfilename;class;xmin;ymin;xmax;ymax\na.png;cat;6;4;30;20\n",
    "no header, class last": "a.png,6,4,30,20,cat\n",
    "no header, as TFOD": "a.png,60,40,cat,6,4,30,20\n",
    "x y w h": "image,label,x,y,w,h\na.png,cat,6,4,24,16\n",
    "x y width height": "image,label,x,y,width,height\na.png,cat,6,4,24,16\n",
    "sizes of the image, too": (
        "image,label,image_width,image_height,x,y,width,height\na.png,cat,60,40,6,4,24,16\n"
    ),
    "centres": "image,label,x_center,y_center,w,h\na.png,cat,18,12,24,16\n",
    "one bbox": 'image_id,class,bbox\na,cat,"[6.0, 4.0, 24.0, 16.0]"\n',
    "byte order mark": "\ufefffilename,class,xmin,ymin,xmax,ymax\na.png,cat,6,4,30,20\n",
}


@pytest.mark.parametrize("kind", CSV_SPELLINGS)
def test_every_spelling_of_csv(tmp_path, kind):
    (tmp_path / "labels.csv").write_text(CSV_SPELLINGS[kind], "utf-8")
    (tmp_path / "a.png").write_bytes(picture())
    source = open_source(str(tmp_path))
    np.testing.assert_allclose(source[0].boxes, [CAT], atol=1e-6)
    assert source.label_map.names == ("cat",)
    assumed = [d for d in source.defects if d.kind == "layout assumed"]
    assert bool(assumed) == kind.startswith("no header")


def test_csv_in_utf_16(tmp_path):
    (tmp_path / "labels.csv").write_text(CSV_SPELLINGS["tabs"], "utf-16")
    (tmp_path / "a.png").write_bytes(picture())
    np.testing.assert_allclose(open_source(str(tmp_path))[0].boxes, [CAT])


def test_a_line_with_a_cell_too_many_is_wrong(tmp_path):
    lines = ["a.png,60,40,cat, large,6,4,30,20", "a.png,60,40,cat,6,4,30,20"]
    source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
    (defect,) = source.defects
    assert defect.kind == "wrong annotation"
    assert "the line has 9 cells, the first line 8" in defect.detail


@pytest.mark.parametrize("names", [("annots", "pictures"), ("deep/er/xml", "deep/img")])
def test_voc_in_folders_of_any_name_and_capital_suffixes(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / names[0] / "a.XML").write_text(voc_xml("a.png", [("cat", 6, 4, 30, 20)]))
    (tmp_path / names[1] / "a.PNG").write_bytes(picture())
    assert recognise(str(tmp_path)) == "voc"
    np.testing.assert_allclose(open_source(str(tmp_path))[0].boxes, [CAT])


def test_an_archive_is_unpacked_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = write_voc(tmp_path / "v")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in root.rglob("*"):
            archive.write(file, file.relative_to(tmp_path))
    source = open_source(str(tmp_path / "set.zip"))
    assert len(source) == 3
    np.testing.assert_allclose(source[0].boxes[0], CAT)
    assert len(list((tmp_path / "cache/detectune/data").iterdir())) == 1
    assert len(open_source(f"voc:{tmp_path / 'set.zip'}")) == 3


def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("../evil.xml", "x")
    with pytest.raises(DataError, match=r"evil\.xml"):
        open_source(str(tmp_path / "set.zip"))
    assert not (tmp_path / "evil.xml").exists()


BYTES = np.random.default_rng(1).bytes(200)


def packed(tmp_path, monkeypatch, entries, how=zipfile.ZIP_STORED, name="set"):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / f"{name}.zip"
    with zipfile.ZipFile(file, "w", how) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return file


def test_backslashes_in_an_archive_separate_folders(tmp_path, monkeypatch):
    xml = voc_xml("a.png", [("cat", 6, 4, 30, 20)])
    entries = [("Annotations\\a.xml", xml), ("JPEGImages\\a.png", picture())]
    file = packed(tmp_path, monkeypatch, entries)
    np.testing.assert_allclose(open_source(str(file))[0].boxes, [CAT])


def test_an_archive_may_have_a_name_as_long_as_a_name_can_be(tmp_path, monkeypatch):
    xml = voc_xml("a.png", [("cat", 6, 4, 30, 20)])
    file = packed(tmp_path, monkeypatch, [("a.xml", xml), ("a.png", picture())], name="ж" * 120)
    assert len(open_source(str(file))) == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("names", "how", "damage", "found"),
    [
        (["a.png", "./a.png"], zipfile.ZIP_STORED, (0, b""), "it has './a.png' twice"),
        (["a\\b.png", "a/b.png"], zipfile.ZIP_STORED, (0, b""), "it has 'a/b.png' twice"),
        (["a.png"], zipfile.ZIP_LZMA, (60, b"\xff" * 20), "Corrupt input data"),
        (["a.png"], zipfile.ZIP_DEFLATED, (40, b"\xff" * 20), "Error -3 while decompressing data"),
        (["a.png"], zipfile.ZIP_BZIP2, (40, b"\xff" * 20), "Invalid data stream"),
        (["a.png"], zipfile.ZIP_STORED, (40, b"\xff" * 20), "Bad CRC-32"),
    ],
)
def test_a_damaged_or_doubtful_archive_is_refused(tmp_path, monkeypatch, names, how, damage, found):
    file = packed(tmp_path, monkeypatch, [(name, b"%r" % (BYTES,)) for name in names], how)
    data, (place, wrong) = file.read_bytes(), damage
    file.write_bytes(data[:place] + wrong + data[place + len(wrong) :])
    with pytest.raises(DataError) as caught:
        open_source(str(file))
    assert three_parts(caught.value)[0].startswith(f"{file}: cannot be unpacked: {found}")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_what_was_seen_is_said(tmp_path):
    (tmp_path / "marks").mkdir()
    for n in range(3):
        (tmp_path / f"marks/{n}.mat").write_text("x")
        (tmp_path / f"{n}.jpg").write_bytes(picture(kind="JPEG"))
    with pytest.raises(DataError, match=r"3 \.jpg, 3 \.mat in marks/"):
        open_source(str(tmp_path))


def createml(folder):
    boxes = [
        {"label": "cat", "coordinates": {"x": 18, "y": 12, "width": 24, "height": 16}},
        {"label": "dog", "coordinates": {"x": 45, "y": 30, "width": 30, "height": 20}},
    ]
    (folder / "_annotations.createml.json").write_text(
        json.dumps(
            [{"image": "b.png", "annotations": []}, {"image": "a.png", "annotations": boxes}]
        )
    )


def darknet(folder):
    (folder / "_darknet.labels").write_text("cat\ndog\n")
    (folder / "a.txt").write_text("0 0.3 0.3 0.4 0.4\n1 0.75 0.75 0.5 0.5\n")
    (folder / "b.txt").write_text("")


def retinanet(folder):
    (folder / "_annotations.csv").write_text(
        "a.png,6,4,30,20,cat\na.png,30,20,60,40,dog\nb.png,,,,,\n"
    )
    (folder / "_classes.csv").write_text("cat,0\ndog,1\n")


def keras_yolo(folder):
    (folder / "_annotations.txt").write_text("a.png 6,4,30,20,0 30,20,60,40,1\nb.png\n")
    (folder / "_classes.txt").write_text("cat\ndog\n")


DIVIDED = {
    "createml": (createml, "createml"),
    "Darknet": (darknet, "yolo"),
    "RetinaNet": (retinanet, "csv"),
    "YOLO on Keras": (keras_yolo, "keras_yolo"),
}


@pytest.mark.parametrize("folders", [("train", "valid"), ("train",)])
@pytest.mark.parametrize("form", DIVIDED)
def test_folders_of_splits_in_every_form(tmp_path, form, folders):
    write, kind = DIVIDED[form]
    for folder in folders:
        (tmp_path / folder).mkdir()
        write(tmp_path / folder)
        for name in ("a", "b"):
            (tmp_path / folder / f"{name}.png").write_bytes(picture())
    assert recognise(str(tmp_path)) == kind
    source = open_source(str(tmp_path), split="train")
    assert source.label_map.names == ("cat", "dog")
    found = {record.file_name: record for record in source}
    np.testing.assert_allclose(found["a.png"].boxes, [CAT, DOG], atol=1e-6)
    assert found["a.png"].class_ids.tolist() == [1, 2]
    assert found["b.png"].boxes.shape == (0, 4)
    kinds = {defect.kind for defect in inspect_source(source).defects}
    assert kinds == {"duplicate image"} | ({"layout assumed"} if kind == "csv" else set())
    assert len(open_source(str(tmp_path))) == 2 * len(folders)


def test_what_only_resembles_label_studio_is_not_read_as_its_tasks(tmp_path):
    (tmp_path / "a.png").write_bytes(picture())
    tasks = [{"data": {"image": "a.png"}, "annotations": [{"label": "cat"}]}]
    (tmp_path / "x.json").write_text(json.dumps(tasks))
    with pytest.raises(DataError, match="an annotation has no list called result"):
        open_source(f"label_studio:{tmp_path / 'x.json'}")
    createml(tmp_path)
    assert recognise(str(tmp_path / "_annotations.createml.json")) == "createml"


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ({"label": "", "coordinates": {}}, "the label of a box is"),
        ({"label": "cat", "coordinates": {"x": 1, "y": "?"}}, "a box of cat: '?' is no number"),
        ({"label": "cat"}, "a box of cat: null is no number"),
    ],
)
def test_a_wrong_box_of_create_ml_is_named(tmp_path, box, said):
    (tmp_path / "a.png").write_bytes(picture())
    whole = {"label": "cat", "coordinates": {"x": 18, "y": 12, "width": 24, "height": 16}}
    file = tmp_path / "a.json"
    file.write_text(json.dumps([{"image": "a.png", "annotations": [whole, box]}]))
    inspection = inspect_source(open_source(f"createml:{file}"))
    assert [d.kind for d in inspection.defects] == ["wrong annotation"]
    assert said in inspection.defects[0].detail
    assert inspection.boxes == 1


@pytest.mark.parametrize("box", ["1,2,3,4,7", "1,2,3,x,0", "1,2,3,4,0.5", "1,2,3,4,0,9"])
def test_a_wrong_box_of_a_list_is_named(tmp_path, box):
    (tmp_path / "a b.png").write_bytes(picture())
    (tmp_path / "classes.txt").write_text("cat\n")
    (tmp_path / "list.txt").write_text(f"a b.png 6,4,30,20,0 {box}\n")
    inspection = inspect_source(open_source(f"keras_yolo:{tmp_path / 'list.txt'}"))
    assert [d.kind for d in inspection.defects] == ["wrong annotation"]
    assert f'list.txt:1: a box is "{box}"' in str(inspection.defects[0].file) + ": " + (
        inspection.defects[0].detail
    )
    assert inspection.boxes == 1
