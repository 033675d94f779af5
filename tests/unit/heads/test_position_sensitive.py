import numpy as np
from keras import ops

from detectune.checkpoints.name_maps.rfcn_head import rfcn_head_layers
from detectune.heads.position_sensitive import PositionSensitiveHead
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.layers.regions import crop_and_resize

RANDOM = np.random.default_rng(3)
FEATURES = RANDOM.normal(size=(2, 6, 8, 5)).astype(np.float32)
BOXES = np.array(
    [[[0.1, 0.0, 0.7, 0.9], [0.0, 0.0, 1.0, 1.0], [0, 0, 0, 0]]] * 2, np.float32
)  # fmt: skip


def _head(norm: BatchNormSettings | None = None) -> PositionSensitiveHead:
    head = PositionSensitiveHead(
        num_classes=2,
        hyperparams=ConvHyperparams(batch_norm=norm),
        bins=(2, 2),
        crop_size=(4, 4),
        depth=7,
    )
    head.build(FEATURES.shape)
    return head


def test_codes_and_logits_are_means_over_parts_of_their_own_maps():
    head = _head()
    out = head(FEATURES, boxes=BOXES)
    assert (out.box_codes.shape, out.class_logits.shape) == ((6, 2, 4), (6, 3))
    maps = np.asarray(head.class_maps(ops.relu(head.reduction(FEATURES)))).reshape(2, 6, 8, 4, 3)
    low, half = BOXES[..., :2], (BOXES[..., 2:] - BOXES[..., :2]) / 2
    wanted = np.zeros((2, 3, 3))
    for part, corner in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        begin = low + half * corner
        crops = crop_and_resize(
            maps[..., part, :], np.concatenate([begin, begin + half], axis=-1), (2, 2)
        )
        wanted += np.asarray(crops).mean(axis=(2, 3)) / 4
    np.testing.assert_allclose(out.class_logits, wanted.reshape(6, 3), atol=1e-5)


def test_a_class_has_codes_of_its_own():
    head = _head()
    bias = np.tile(np.arange(8.0), 4)
    head.box_maps.kernel.assign(np.zeros(head.box_maps.kernel.shape))
    head.box_maps.bias.assign(bias)
    codes = np.asarray(head(FEATURES, boxes=BOXES).box_codes)
    np.testing.assert_allclose(codes[0], np.arange(8.0).reshape(2, 4), atol=1e-5)


def test_a_batch_norm_follows_every_convolution():
    rows = [row for row in rfcn_head_layers(_head(BatchNormSettings())) if row.layer.weights]
    assert [row.key.removeprefix("_rfcn_box_predictor/") for row in rows] == [
        "_shared_conv_layers/0",
        "_shared_conv_layers/1",
        "_box_encoder_layers/0",
        "_box_encoder_layers/1",
        "_class_predictor_layers/0",
        "_class_predictor_layers/1",
    ]
