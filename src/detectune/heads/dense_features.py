"""Features of a region from two dense layers: the box head of a detector with a pyramid.

    patch [M, h, w, C] ─► 1024 ─► batch norm ─► 1024 ─► features [M, 1, 1, 1024]

Source: Lin et al. 2017 (FPN), section 4.2, there without the batch norm.
Parity: models/faster_rcnn_resnet_v1_fpn_keras_feature_extractor.py.
"""

from __future__ import annotations

import keras
from keras.layers import Dense, Flatten, Input, Reshape

from detectune.layers.hyperparams import ConvHyperparams


def dense_features(
    patch_shape: tuple[int, int, int], hyperparams: ConvHyperparams, *, width: int = 1024
) -> keras.Model:
    """The two layers, as a network.

    Args:
        patch_shape: height, width and channels of a patch.
        hyperparams: of the batch norm between the layers.
        width: features of a region.
    """
    patches = Input(patch_shape)
    x = Dense(width, activation="relu", name="dense")(Flatten()(patches))
    x = hyperparams.norm("freezable_batch_norm")(x)
    x = Dense(width, activation="relu", name="dense_1")(x)
    return keras.Model(patches, Reshape((1, 1, width))(x), name="box_features")
