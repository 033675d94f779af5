"""The TensorFlow 2 model zoo: 43 detection and 14 classification archives.

Published times are milliseconds per image on hardware that the zoo does not name; published mAP is
in percent on COCO val2017. The zoo publishes neither sizes nor checksums.
Source: g3doc/tf2_detection_zoo.md and tf2_classification_zoo.md of the original.
"""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass
from typing import Any

from detectune.errors import ZooError, did_you_mean, three_part

# The zoo's pages say http://. There are no checksums, so the encrypted address is the better one.
BASE_URL = "https://download.tensorflow.org/models/object_detection"


@dataclass(frozen=True)
class Archive:
    """One archive of the zoo."""

    name: str
    """What detectune calls it, and its folder after unpacking."""
    title: str
    task: str
    """`detection` or `classification`."""
    date: str
    """The folder of the zoo it lies in, YYYYMMDD."""
    file: str
    """Name of the archive without `.tar.gz`."""
    config: str = ""
    """Name of its config in the original's repository; empty if it has none there."""
    outputs: tuple[str, ...] = ()
    """`Boxes`, `Keypoints`, `Masks`."""
    milliseconds: float | None = None
    box_map: float | None = None
    keypoint_map: float | None = None
    mask_map: float | None = None
    deprecated: bool = False

    @property
    def url(self) -> str:
        """Where the zoo has it."""
        folder = "tf2" if self.task == "detection" else "classification/tf2"
        return f"{BASE_URL}/{folder}/{self.date}/{self.file}.tar.gz"

    @property
    def supported(self) -> bool:
        """Whether detectune can fine-tune and run this model."""
        return self.name in SUPPORTED

    def to_json(self) -> dict[str, Any]:
        """All that is known about it, as plain values."""
        return {**asdict(self), "url": self.url, "supported": self.supported}


SUPPORTED = frozenset(
    {
        "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8",
        "ssd_mobilenet_v2_320x320_coco17_tpu-8",
        "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8",
        "ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8",
        *(f"efficientdet_d{size}_coco17_tpu-32" for size in range(8)),
        *(
            f"ssd_resnet{depth}_v1_fpn_{size}x{size}_coco17_tpu-8"
            for depth in (50, 101, 152)
            for size in (640, 1024)
        ),
        *(
            f"faster_rcnn_resnet{depth}_v1_{size}"
            for depth in (50, 101, 152)
            for size in ("640x640_coco17_tpu-8", "1024x1024_coco17_tpu-8", "800x1333_coco17_gpu-8")
        ),
        "faster_rcnn_inception_resnet_v2_640x640_coco17_tpu-8",
        "faster_rcnn_inception_resnet_v2_1024x1024_coco17_tpu-8",
        "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8",
        "mobilnet_v1",
        "mobilnet_v2",
        *(f"resnet{depth}_v1" for depth in (50, 101, 152)),
        *(f"efficientnet_b{size}" for size in range(8)),
        "inception_resnet_v2",
    }
)
"""The models whose architecture detectune builds; the others can be downloaded all the same."""

# title | date/file | ms | box mAP, or box/keypoint or box/mask mAP | outputs | config if not = file
_DETECTION = """
CenterNet HourGlass104 512x512 | 20200713/centernet_hg104_512x512_coco17_tpu-8 | 70 | 41.9 | Boxes | centernet_hourglass104_512x512_coco17_tpu-8
CenterNet HourGlass104 Keypoints 512x512 | 20200711/centernet_hg104_512x512_kpts_coco17_tpu-32 | 76 | 40.0/61.4 | Boxes/Keypoints | centernet_hourglass104_512x512_kpts_coco17_tpu-32
CenterNet HourGlass104 1024x1024 | 20200713/centernet_hg104_1024x1024_coco17_tpu-32 | 197 | 44.5 | Boxes | centernet_hourglass104_1024x1024_coco17_tpu-32
CenterNet HourGlass104 Keypoints 1024x1024 | 20200711/centernet_hg104_1024x1024_kpts_coco17_tpu-32 | 211 | 42.8/64.5 | Boxes/Keypoints | centernet_hourglass104_1024x1024_kpts_coco17_tpu-32
CenterNet Resnet50 V1 FPN 512x512 | 20200711/centernet_resnet50_v1_fpn_512x512_coco17_tpu-8 | 27 | 31.2 | Boxes
CenterNet Resnet50 V1 FPN Keypoints 512x512 | 20200711/centernet_resnet50_v1_fpn_512x512_kpts_coco17_tpu-8 | 30 | 29.3/50.7 | Boxes/Keypoints
CenterNet Resnet101 V1 FPN 512x512 | 20200711/centernet_resnet101_v1_fpn_512x512_coco17_tpu-8 | 34 | 34.2 | Boxes
CenterNet Resnet50 V2 512x512 | 20200711/centernet_resnet50_v2_512x512_coco17_tpu-8 | 27 | 29.5 | Boxes
CenterNet Resnet50 V2 Keypoints 512x512 | 20200711/centernet_resnet50_v2_512x512_kpts_coco17_tpu-8 | 30 | 27.6/48.2 | Boxes/Keypoints
CenterNet MobileNetV2 FPN 512x512 | 20210210/centernet_mobilenetv2fpn_512x512_coco17_od | 6 | 23.4 | Boxes | -
CenterNet MobileNetV2 FPN Keypoints 512x512 | 20210210/centernet_mobilenetv2fpn_512x512_coco17_kpts | 6 | -/41.7 | Keypoints | -
EfficientDet D0 512x512 | 20200711/efficientdet_d0_coco17_tpu-32 | 39 | 33.6 | Boxes | ssd_efficientdet_d0_512x512_coco17_tpu-8
EfficientDet D1 640x640 | 20200711/efficientdet_d1_coco17_tpu-32 | 54 | 38.4 | Boxes | ssd_efficientdet_d1_640x640_coco17_tpu-8
EfficientDet D2 768x768 | 20200711/efficientdet_d2_coco17_tpu-32 | 67 | 41.8 | Boxes | ssd_efficientdet_d2_768x768_coco17_tpu-8
EfficientDet D3 896x896 | 20200711/efficientdet_d3_coco17_tpu-32 | 95 | 45.4 | Boxes | ssd_efficientdet_d3_896x896_coco17_tpu-32
EfficientDet D4 1024x1024 | 20200711/efficientdet_d4_coco17_tpu-32 | 133 | 48.5 | Boxes | ssd_efficientdet_d4_1024x1024_coco17_tpu-32
EfficientDet D5 1280x1280 | 20200711/efficientdet_d5_coco17_tpu-32 | 222 | 49.7 | Boxes | ssd_efficientdet_d5_1280x1280_coco17_tpu-32
EfficientDet D6 1280x1280 | 20200711/efficientdet_d6_coco17_tpu-32 | 268 | 50.5 | Boxes | ssd_efficientdet_d6_1408x1408_coco17_tpu-32
EfficientDet D7 1536x1536 | 20200711/efficientdet_d7_coco17_tpu-32 | 325 | 51.2 | Boxes | ssd_efficientdet_d7_1536x1536_coco17_tpu-32
SSD MobileNet v2 320x320 | 20200711/ssd_mobilenet_v2_320x320_coco17_tpu-8 | 19 | 20.2 | Boxes
SSD MobileNet V1 FPN 640x640 | 20200711/ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8 | 48 | 29.1 | Boxes
SSD MobileNet V2 FPNLite 320x320 | 20200711/ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8 | 22 | 22.2 | Boxes
SSD MobileNet V2 FPNLite 640x640 | 20200711/ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8 | 39 | 28.2 | Boxes
SSD ResNet50 V1 FPN 640x640 (RetinaNet50) | 20200711/ssd_resnet50_v1_fpn_640x640_coco17_tpu-8 | 46 | 34.3 | Boxes
SSD ResNet50 V1 FPN 1024x1024 (RetinaNet50) | 20200711/ssd_resnet50_v1_fpn_1024x1024_coco17_tpu-8 | 87 | 38.3 | Boxes
SSD ResNet101 V1 FPN 640x640 (RetinaNet101) | 20200711/ssd_resnet101_v1_fpn_640x640_coco17_tpu-8 | 57 | 35.6 | Boxes
SSD ResNet101 V1 FPN 1024x1024 (RetinaNet101) | 20200711/ssd_resnet101_v1_fpn_1024x1024_coco17_tpu-8 | 104 | 39.5 | Boxes
SSD ResNet152 V1 FPN 640x640 (RetinaNet152) | 20200711/ssd_resnet152_v1_fpn_640x640_coco17_tpu-8 | 80 | 35.4 | Boxes
SSD ResNet152 V1 FPN 1024x1024 (RetinaNet152) | 20200711/ssd_resnet152_v1_fpn_1024x1024_coco17_tpu-8 | 111 | 39.6 | Boxes
Faster R-CNN ResNet50 V1 640x640 | 20200711/faster_rcnn_resnet50_v1_640x640_coco17_tpu-8 | 53 | 29.3 | Boxes
Faster R-CNN ResNet50 V1 1024x1024 | 20200711/faster_rcnn_resnet50_v1_1024x1024_coco17_tpu-8 | 65 | 31.0 | Boxes
Faster R-CNN ResNet50 V1 800x1333 | 20200711/faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8 | 65 | 31.6 | Boxes
Faster R-CNN ResNet101 V1 640x640 | 20200711/faster_rcnn_resnet101_v1_640x640_coco17_tpu-8 | 55 | 31.8 | Boxes
Faster R-CNN ResNet101 V1 1024x1024 | 20200711/faster_rcnn_resnet101_v1_1024x1024_coco17_tpu-8 | 72 | 37.1 | Boxes
Faster R-CNN ResNet101 V1 800x1333 | 20200711/faster_rcnn_resnet101_v1_800x1333_coco17_gpu-8 | 77 | 36.6 | Boxes
Faster R-CNN ResNet152 V1 640x640 | 20200711/faster_rcnn_resnet152_v1_640x640_coco17_tpu-8 | 64 | 32.4 | Boxes
Faster R-CNN ResNet152 V1 1024x1024 | 20200711/faster_rcnn_resnet152_v1_1024x1024_coco17_tpu-8 | 85 | 37.6 | Boxes
Faster R-CNN ResNet152 V1 800x1333 | 20200711/faster_rcnn_resnet152_v1_800x1333_coco17_gpu-8 | 101 | 37.4 | Boxes
Faster R-CNN Inception ResNet V2 640x640 | 20200711/faster_rcnn_inception_resnet_v2_640x640_coco17_tpu-8 | 206 | 37.7 | Boxes
Faster R-CNN Inception ResNet V2 1024x1024 | 20200711/faster_rcnn_inception_resnet_v2_1024x1024_coco17_tpu-8 | 236 | 38.7 | Boxes
Mask R-CNN Inception ResNet V2 1024x1024 | 20200711/mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8 | 301 | 39.0/34.6 | Boxes/Masks
ExtremeNet (deprecated) | 20200711/extremenet | - | - | Boxes | -
ExtremeNet | 20210507/extremenet | - | - | Boxes | -
"""  # noqa: E501 - one row, one line

_CLASSIFICATION = (
    *((f"efficientnet_b{size}", f"EfficientNet B{size}") for size in range(8)),
    ("resnet50_v1", "ResNet50 V1"),
    ("resnet101_v1", "ResNet101 V1"),
    ("resnet152_v1", "ResNet152 V1"),
    ("inception_resnet_v2", "Inception ResNet V2"),
    ("mobilnet_v1", "MobileNet V1"),  # the zoo's own spelling
    ("mobilnet_v2", "MobileNet V2"),
)


def _detection(row: str) -> Archive:
    title, address, milliseconds, scores, outputs, *rest = (cell.strip() for cell in row.split("|"))
    date, file = address.split("/")
    config = rest[0].lstrip("-") if rest else file
    kinds = tuple(outputs.split("/"))
    first, _, second = scores.partition("/")
    deprecated = "(deprecated)" in title
    return Archive(
        name=f"{file}_{date}" if deprecated else file,
        title=title,
        task="detection",
        date=date,
        file=file,
        config=config,
        outputs=kinds,
        milliseconds=_number(milliseconds),
        box_map=_number(first),
        keypoint_map=_number(second) if "Keypoints" in kinds else None,
        mask_map=_number(second) if "Masks" in kinds else None,
        deprecated=deprecated,
    )


def _number(cell: str) -> float | None:
    return None if cell in ("", "-") else float(cell)


DETECTION = tuple(_detection(row) for row in _DETECTION.strip().splitlines())
CLASSIFICATION = tuple(
    Archive(name, title, "classification", "20200710", name) for name, title in _CLASSIFICATION
)
CATALOG = {archive.name: archive for archive in DETECTION + CLASSIFICATION}


def find_archive(name: str) -> Archive:
    """The archive called `name`, by its own name or by the name of its config.

    Raises:
        ZooError: the zoo has no such archive.
    """
    by_config = {archive.config: archive for archive in DETECTION if archive.config}
    wanted = name.strip().removesuffix(".tar.gz")
    found = CATALOG.get(wanted) or by_config.get(wanted)
    if found is None:
        error = ZooError(
            three_part(
                f'zoo: there is no archive called "{name}".',
                f"The zoo has {len(DETECTION)} detection and {len(CLASSIFICATION)} classification "
                "archives.",
                f"{_guess(wanted, [*CATALOG, *by_config])}`detectune zoo list` shows all.",
            )
        )
        error.exit_code = 2
        raise error
    return found


def _guess(wanted: str, names: list[str]) -> str:
    """`Did you mean …`: names are long, so their beginnings are compared, too."""
    beginnings = {name[: len(wanted)]: name for name in reversed(names)}
    close = difflib.get_close_matches(wanted, beginnings, n=1, cutoff=0.8)
    return f'Did you mean "{beginnings[close[0]]}"? ' if close else did_you_mean(wanted, names)
