"""Parts of a detector that cannot be built as they are described, whichever architecture has them.

The functions that build the parts refuse the same; here it is said without building, with a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

from detectune.config import schema
from detectune.config.problems import Problem
from detectune.wording import plural

_LARGEST_SCALED = 8192
"""Pixels of the longer side of an image that is scaled before a part is cut out."""


def resizer_conflicts(config: schema.ImageResizer, path: str) -> Iterator[Problem]:
    """An error if a colour to pad with is no colour."""
    count = len(config.keep_aspect_ratio_resizer.per_channel_pad_value)
    if count not in (0, 3):
        yield Problem(
            "error",
            f"{path}.keep_aspect_ratio_resizer.per_channel_pad_value",
            f"{plural(count, 'number')} given.",
            "Allowed: three numbers, or none for zeros.",
            "Repeat the line for each of red, green and blue.",
        )


def has_fixed_size(config: schema.ImageResizer) -> bool:
    """Whether every input of the model has the same size."""
    return (
        config.HasField("fixed_shape_resizer")
        or config.keep_aspect_ratio_resizer.pad_to_max_dimension
    )


def size_conflicts(
    config: schema.ImageResizer, measuring: Iterable[tuple[Message, str]], path: str
) -> Iterator[Problem]:
    """An error for each part that measures in fractions of an input whose size varies.

    Args:
        measuring: a message and the field of it that, if it is chosen, measures so.
        path: of the architecture.
    """
    kind = config.WhichOneof("image_resizer_oneof")
    if kind is None or has_fixed_size(config):
        return
    for message, field in measuring:
        if message.HasField(field):
            yield Problem(
                "error",
                f"{path}.image_resizer",
                f"{field} measures in fractions of the input, but with {kind} the size of the "
                "input depends on the image.",
                "Needed: fixed_shape_resizer, or keep_aspect_ratio_resizer with "
                "pad_to_max_dimension.",
                "Choose one of these in image_resizer, or faster_rcnn_box_coder and "
                "iou_similarity, which need no unit.",
            )


def kind_conflicts(
    message: Message, oneof: str, offered: Iterable[str], path: str
) -> Iterator[Problem]:
    """An error if what is chosen of `oneof` in `message` is none of those `offered` there."""
    chosen = message.WhichOneof(oneof)
    if chosen is None or chosen in offered:
        return
    yield Problem(
        "error",
        f"{path}.{chosen}",
        f"{chosen} does not go with this architecture.",
        f"Offered: {', '.join(offered)}.",
        "Choose one of these.",
    )


def augmentation_conflicts(train: schema.TrainConfig) -> Iterator[Problem]:
    """An error for each block of `data_augmentation_options` that is not one augmentation."""
    for index, option in enumerate(train.data_augmentation_options):
        path = f"train_config.data_augmentation_options[{index}]"
        if not option.ListFields():
            yield Problem(
                "error",
                path,
                "the block is empty.",
                "Each block names one augmentation.",
                "Name one, such as random_horizontal_flip { }, or remove the block.",
            )
        square = option.random_scale_crop_and_pad_to_square
        if square.output_size * square.scale_max > _LARGEST_SCALED:
            yield Problem(
                "error",
                f"{path}.random_scale_crop_and_pad_to_square",
                f"output_size is {square.output_size} and scale_max {square.scale_max:g}: images "
                f"would be scaled to {square.output_size * square.scale_max:,.0f} pixels.",
                f"Allowed: a product of at most {_LARGEST_SCALED:,}.",
                "Lower one of them.",
            )
        for name in ("random_pad_image", "random_absolute_pad_image"):
            count = len(getattr(option, name).pad_color)
            if count not in (0, 1, 3):
                yield Problem(
                    "error",
                    f"{path}.{name}.pad_color",
                    f"{plural(count, 'number')} given.",
                    "Allowed: three numbers, 0 to 255, or none for the mean colour of the image.",
                    "Write, for black, pad_color: [0, 0, 0].",
                )
