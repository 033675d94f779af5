"""Where the layers of a mask head stand in a checkpoint."""

import pytest

from detectune.checkpoints.name_maps.mask_head import mask_head_layers
from detectune.heads.masks import MaskHead
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams


@pytest.mark.parametrize(
    ("convolve_first", "places"),
    [(False, ["0", "1", "3", "4", "6"]), (True, ["0", "1", "3", "4", "7", "8", "10"])],
)
def test_layers_are_counted_with_those_that_have_no_variables(convolve_first, places):
    head = MaskHead(
        num_classes=2,
        size=(4, 4),
        hyperparams=ConvHyperparams(batch_norm=BatchNormSettings()),
        depth=8,
        num_convolutions=3,
        convolve_first=convolve_first,
    )
    head.build((None, 2, 2, 8))
    rows = list(mask_head_layers(head))
    assert [row.key.rsplit("/", 1)[1] for row in rows] == places
    assert rows[-1].original_name.endswith("MaskPredictor_last_conv2d")
    before_last = rows[-2].original_name.rsplit("/", 1)[1]
    wanted = "MaskPredictor_upsample_batchnorm" if convolve_first else "MaskPredictor_batchnorm_1"
    assert before_last == wanted
