"""Images of many sizes: the first sizes are compiled, the others computed as they come."""

import numpy as np
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config

from detectune.detectors.build import build_detector
from detectune.detectors.inference import DetectionModel


def test_images_of_any_size_are_detected_on_as_when_they_are_alone(monkeypatch):
    register_small_backbone(monkeypatch)
    config = tiny_config(extractor=EXTRACTOR).model
    config.ssd.feature_extractor.fpn.min_level = 4
    config.ssd.anchor_generator.multiscale_anchor_generator.min_level = 4
    detector = build_detector(config)
    model = DetectionModel(detector)
    random = np.random.default_rng(0)
    for size in ((64, 64), (64, 96), (96, 64), (128, 64), (64, 96), (64, 128)):
        images = random.uniform(0, 255, (1, *size, 3)).astype(np.float32)
        found = model.detect(images, np.array([size]))
        alone = detector.detect(images, np.array([size], np.float32))
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-5)
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=1e-2)
