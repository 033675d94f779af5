import pytest
from shared import shared_folder

from detectune.config.label_map import (
    LabelMap,
    LabelMapItem,
    label_map_text,
    read_label_map,
    write_label_map,
)
from detectune.errors import ConfigError


def written(folder, text):
    path = folder / "label_map.pbtxt"
    path.write_text(text)
    return path


def error_of(call, *arguments):
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    return lines


def test_names_get_ids_from_one_and_indices_from_zero():
    label_map = LabelMap.from_names(["nut", "bolt"])
    assert [(item.id, item.index, item.name) for item in label_map.items] == [
        (1, 0, "nut"),
        (2, 1, "bolt"),
    ]
    assert label_map.id_of("bolt") == 2
    assert label_map.index_of("bolt") == 1
    assert label_map.name_of_index(0) == "nut"
    assert "nut" in label_map
    assert "screw" not in label_map


def test_ids_may_have_gaps_and_any_order(tmp_path):
    path = written(tmp_path, 'item { id: 90 name: "z" } item { id: 3 name: "a" }')
    label_map = read_label_map(path)
    assert label_map.names == ("a", "z")
    assert label_map.num_classes == 90
    assert label_map.has_gaps
    assert label_map.name_of_id(7) == "class 7"


def test_everything_the_original_reads_is_kept(tmp_path):
    text = """item {
      name: '/m/01g317'  id: 1, display_name: "person"
      keypoints { id: 0 label: 'nose' } keypoints: { id: 1 label: "eye" }
      ancestor_ids: [2, 3] descendant_ids: 4 frequency: RARE instance_count: 9
    }"""
    (item,) = read_label_map(written(tmp_path, text)).items
    assert item == LabelMapItem(
        id=1,
        name="/m/01g317",
        display_name="person",
        keypoints=((0, "nose"), (1, "eye")),
        ancestor_ids=(2, 3),
        descendant_ids=(4,),
        frequency="RARE",
        instance_count=9,
    )
    assert item.label == "person"


def test_what_is_written_is_read_again(tmp_path):
    item = LabelMapItem(2, "nut", "Mutter", ((0, "edge"),), (5,), (6,), "COMMON", 3)
    label_map = LabelMap((LabelMapItem(1, 'a "quoted" name'), item))
    write_label_map(label_map, tmp_path / "a.pbtxt")
    assert read_label_map(tmp_path / "a.pbtxt") == label_map


def test_names_with_accents_stay_readable():
    assert 'name: "Schraubenschlüssel"' in label_map_text(
        LabelMap.from_names(["Schraubenschlüssel"])
    )


def test_a_class_is_found_by_its_display_name(tmp_path):
    path = written(tmp_path, 'item { id: 1 name: "/m/01" display_name: "car" }')
    assert read_label_map(path).id_of("car") == 1


def test_a_display_name_alone_is_the_name(tmp_path):
    path = written(tmp_path, 'item { id: 1 display_name: "car" }')
    assert read_label_map(path).items == (LabelMapItem(1, "car"),)


def test_the_background_of_old_maps_is_no_class(tmp_path):
    path = written(tmp_path, 'item { id: 0 name: "background" } item { id: 1 name: "car" }')
    assert read_label_map(path).names == ("car",)


def test_the_shared_label_map_is_read():
    folder = shared_folder() / "checkpoints" / "handtrack_ssd_mobilenet_v2_fpnlite_320x320"
    assert read_label_map(folder / "label_map.pbtxt").num_classes == 7


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ":1:1: the label map has no item."),
        ('item { id: 0 name: "a" }', ':1:1: the id of "a" is 0.'),
        ('\n item { id: -2 name: "a" }', ':2:2: the id of "a" is -2.'),
        ('item { name: "a" }', ':1:1: the id of "a" is 0.'),
        ("item { id: 4 }", ":1:1: the item with id 4 has no name."),
        (
            'item { id: 1 name: "a" }\nitem { id: 1 name: "b" }',
            ':2:1: "b" and "a" both have the id 1.',
        ),
        (
            'item { id: 1 name: "a" }\nitem { id: 2 name: "a" }',
            ':2:1: the name "a" has the ids 1 and 2.',
        ),
        ('item { id: 2000000000 name: "a" }', ':1:1: the id of "a" is 2000000000.'),
        (
            'item { id: 1 klass: "a" }',
            ":1:14: item[0].klass: StringIntLabelMapItem has no field called klass.",
        ),
        ("hammer\npliers\n", ':2:1: found "pliers".'),
        ('{"1": "hammer"}', ":1:1: this is a JSON file."),
        (
            'item { id: 1 name: "a"\nitem { id: 2 name: "b" } }',
            ":2:1: item[0].item: item stands inside of item: one is not closed before the next.",
        ),
        (f'item {{ id: {"9" * 5000} name: "a" }}', f":1:12: item[0].id: the value is {'9' * 59}…."),
        ('item { id: 0 name: "a\\nb" }', r':1:1: the id of "a\nb" is 0.'),
        ("item { id: 1 name: \u201ca\u201d }", ":1:20: found the typographic quote \u201c."),
    ],
)
def test_a_wrong_label_map_says_what_and_where(tmp_path, text, found):
    path = written(tmp_path, text)
    lines = error_of(read_label_map, path)
    assert lines[0] == f"{path}{found}"


def test_a_missing_label_map_is_called_one(tmp_path):
    lines = error_of(read_label_map, tmp_path / "no.pbtxt")
    assert lines[1] == "A label map is a text file."


def test_names_must_be_there_and_differ():
    assert error_of(LabelMap.from_names, [])[0] == "label map: there is no class."
    assert error_of(LabelMap.from_names, ["a", "a"])[0] == 'label map: the name "a" comes twice.'
    assert error_of(LabelMap.from_names, ["a", ""])[0] == (
        "label map: the item with id 2 has no name."
    )
