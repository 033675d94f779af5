"""Cut the recordings of the original down to what the tests of a clean clone need.

    python tools/make_goldens.py ORACLE_FOLDER

Reads `components/*.npz` and `.json` of the recordings and writes `tests/parity/goldens/*.npz`: the
cases of the parts that detectors use, each file at most 50 kB, the arguments of every case as proto
text beside its arrays. Files begin with the family that first needed them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

GOLDENS = Path(__file__).resolve().parent.parent / "tests" / "parity" / "goldens"
LIMIT = 50_000

CASES = {
    "box_coders": [
        "faster_rcnn_default",
        "faster_rcnn_scales",
        "mean_stddev",
        "mean_stddev_0.1",
        "square",
        "square_default",
        "keypoint",
    ],
    "region_similarity": ["iou", "ioa", "neg_sq_dist", "thresholded_iou"],
    "balanced_sampler": [
        f"static{static}_{kind}" for static in (0, 1) for kind in ("pos0.25", "pos0.50", "few_pos")
    ],
    "target_assigner": ["FasterRCNN_proposal", "FasterRCNN_detection", "FastRCNN_None"],
    "anchor_generators": [
        "ssd_mobilenet_default",
        "ssd_no_reduce_lowest",
        "ssd_explicit_scales_strides",
        "ssd_base_anchor_nonsquare_image",
        "multiscale_unnormalized",
        "multiscale_normalized_odd",
        "grid_faster_rcnn",
        "grid_defaults",
        "grid_offset",
        "flexible",
        "flexible_unnormalized",
    ],
    "matchers": [
        f"{matcher}/{data}"
        for matcher in (
            "argmax_default",
            "argmax_force",
            "argmax_two_thresholds",
            "argmax_neg_between",
            "argmax_ignore_thresholds",
        )
        for data in ("rand", "sparse", "ties", "low")
    ],
    "loss_functions": [
        "l2",
        "smooth_l1",
        "huber_0.1",
        "sigmoid",
        "focal",
        "focal_g1.5_a0.25",
        "focal_no_alpha",
        "focal_gamma0",
        "softmax",
        "softmax_scale2",
        "l1",
        "iou",
        "giou",
        "softmax_logits",
        "bootstrapped_soft",
        "bootstrapped_hard",
        "dice",
        "dice_sq",
        "penalty_reduced_focal",
        "penalty_reduced_focal_a1_b2",
        "hem_both",
        "hem_ssd",
    ],
    "post_processing": [
        "inputs",
        "per_class/q1",
        "ssd_style/q1_extra",
        "class_agnostic/q1",
        "class_agnostic/q4",
        "high_threshold/q1",
        "frcnn_style/q4",
        "partitioned/q1",
        "cpu_nms/q1",
        "soft_nms/q1",
        "soft_nms/q4",
        "soft_nms_iou0.5/q1",
        "combined/q1",
        "combined/q4",
        *(
            f"score_converter/{kind}_{scale}"
            for kind in ("IDENTITY", "SIGMOID", "SOFTMAX")
            for scale in ("1", "0.5")
        ),
    ],
    "spatial_ops": [
        "matmul_crop_and_resize",
        "native_crop_and_resize",
        "multilevel_roi_align",
        "multilevel_native_crop_and_resize",
        "reframe_box_masks_bilinear",
        "reframe_box_masks_nearest",
        "fpn_feature_levels",
    ],
}
FAMILIES = {"spatial_ops": "rcnn"}
# Inputs that no test reads, or that another case has too.
UNUSED = {
    "post_processing": ("masks", "add."),
    "spatial_ops": (
        "multilevel_native_crop_and_resize/in/",
        "matmul_crop_and_resize/in/",
        "reframe_box_masks_nearest/in/",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("oracle", type=Path)
    folder = parser.parse_args().oracle / "components"
    for part, names in CASES.items():
        arrays = np.load(folder / f"{part}.npz")
        known = json.loads((folder / f"{part}.json").read_text())["cases"]
        chosen = {
            key: arrays[key]
            for key in arrays.files
            for name in names
            if key.startswith((f"{name}/in/", f"{name}/out/"))
            and not any(word in key for word in UNUSED.get(part, ()))
        }
        arguments = {name: known.get(name, {}).get("args", {}) for name in names}
        chosen["arguments"] = np.frombuffer(json.dumps(arguments).encode(), np.uint8)
        path = GOLDENS / f"{FAMILIES.get(part, 'ssd')}_{part}.npz"
        np.savez_compressed(path, **chosen)
        size = path.stat().st_size
        print(f"{path.name}: {len(chosen) - 1} arrays, {size} bytes")
        assert size <= LIMIT, f"{path.name} is larger than {LIMIT} bytes"


if __name__ == "__main__":
    main()
