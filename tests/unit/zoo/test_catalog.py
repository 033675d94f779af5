import pytest

from detectune.errors import ZooError
from detectune.recipes.templates import begins_with_classifier, models, template
from detectune.zoo.catalog import CATALOG, CLASSIFICATION, DETECTION, SUPPORTED, find_archive
from detectune.zoo.table import archive_text, catalog_table

FPNLITE = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


DETECTORS = [name for name in models() if not begins_with_classifier(template(name))]


def test_the_catalogue_is_complete():
    assert (len(DETECTION), len(CLASSIFICATION), len(CATALOG)) == (43, 14, 57)


def test_an_archive_has_the_published_figures():
    archive = CATALOG[FPNLITE]
    assert (archive.milliseconds, archive.box_map, archive.outputs) == (22, 22.2, ("Boxes",))
    assert archive.url == (
        "https://download.tensorflow.org/models/object_detection/tf2/20200711/"
        "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8.tar.gz"
    )


def test_second_figures_are_keypoints_or_masks():
    mask = CATALOG["mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8"]
    assert (mask.box_map, mask.mask_map, mask.keypoint_map) == (39.0, 34.6, None)
    points = CATALOG["centernet_mobilenetv2fpn_512x512_coco17_kpts"]
    assert (points.box_map, points.mask_map, points.keypoint_map) == (None, None, 41.7)


def test_classification_networks_lie_in_a_folder_of_their_own():
    assert CATALOG["mobilnet_v2"].url == (
        "https://download.tensorflow.org/models/object_detection/classification/tf2/20200710/"
        "mobilnet_v2.tar.gz"
    )


def test_an_archive_is_found_by_the_name_of_its_config():
    archive = find_archive("ssd_efficientdet_d0_512x512_coco17_tpu-8")
    assert archive.name == "efficientdet_d0_coco17_tpu-32"


def test_both_extremenets_can_be_named():
    assert (find_archive("extremenet").date, find_archive("extremenet_20200711").date) == (
        "20210507",
        "20200711",
    )


def test_every_supported_detector_has_a_config_template():
    assert {name for name in SUPPORTED if CATALOG[name].task == "detection"} == set(DETECTORS)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ssd_mobilnet_v2_fpnlite_320x320_coco17_tpu-8", FPNLITE),
        ("ssd_mobilenet_v2_fpnlite_320", FPNLITE),
        ("mobilenet_v2", "mobilnet_v2"),
    ],
)
def test_a_wrong_name_gets_a_suggestion_and_exit_status_2(wrong, right):
    with pytest.raises(ZooError) as caught:
        find_archive(wrong)
    lines = str(caught.value).split("\n")
    assert lines[0] == f'zoo: there is no archive called "{wrong}".'
    assert lines[2] == f'Did you mean "{right}"? `detectune zoo list` shows all.'
    assert caught.value.exit_code == 2


def test_the_table_marks_what_can_be_fine_tuned():
    lines = catalog_table(DETECTION).splitlines()
    assert len(lines) == 1 + 43 + 2
    marked = [line.split()[0] for line in lines[1:44] if line.endswith("*")]
    assert sorted(marked) == sorted(DETECTORS)
    assert archive_text(CATALOG[FPNLITE]).splitlines()[4] == "COCO mAP:  22.2"
