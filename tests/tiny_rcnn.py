"""An R-CNN small enough to train in a test: five convolutions, and crops of 32 pixels."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from google.protobuf import text_format
from own_networks import small_network

from detectune.config import schema
from detectune.data.proposals import compute_proposals
from detectune.data.sources.proposed import ProposalFile, proposal_file
from detectune.data.sources.recognise import open_source

CONFIG = """
model { rcnn {
  num_classes: 2
  image_resizer { fixed_shape_resizer { height: 80 width: 100 } }
  max_proposals: 40 crop_size: 32 crops_at_once: 8
  svm { cost: 0.01 }
} }
train_config { batch_size: 1 seed: 3 }
eval_config { metrics_set: "coco_detection_metrics" }
"""


def write_network(folder: Path) -> str:
    """A network of your own, `.keras`, in `folder`; the same each time."""
    keras.utils.set_random_seed(7)
    network, path = small_network(), folder / "network.keras"
    network.save(path)
    return str(path)


def rcnn_config(network: str, labels: Path | None = None) -> schema.TrainEvalPipelineConfig:
    """The config of the detector on `network`, with `labels` as its data."""
    config = text_format.Parse(CONFIG, schema.TrainEvalPipelineConfig())
    config.model.rcnn.feature_extractor.backbone.saved = network
    config.model.rcnn.feature_extractor.backbone.preprocessing = schema.BackboneNetwork.TF
    if labels is not None:
        config.train_input_reader.source = f"csv:{labels}"
        config.eval_input_reader.add().source = f"csv:{labels}"
    return config


def coloured(image: np.ndarray) -> np.ndarray:
    """Proposals `[20, 4]` of an image of `tiny.write_squares`: around what is coloured, and not."""
    pixels = image.astype(int)
    rows, columns = np.nonzero(np.abs(pixels[..., 0] - pixels[..., 2]) > 100)
    box = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1], float)
    box /= np.tile(image.shape[:2], 2)
    random = np.random.default_rng(int(pixels.sum()) % 1000)
    near = np.clip(box + random.normal(0, 0.03, (8, 4)), 0, 1)
    corners = random.uniform(0, 0.6, (12, 2))
    far = np.concatenate([corners, corners + random.uniform(0.1, 0.4, (12, 2))], axis=1)
    return np.concatenate([near, far]).astype(np.float32)


def write_proposals(labels: Path) -> None:
    """Put proposals beside the data."""
    compute_proposals(open_source(str(labels)), ProposalFile(proposal_file(str(labels))), coloured)
