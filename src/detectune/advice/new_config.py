"""`config new --from-advice`: the config that an advice stands for."""

from __future__ import annotations

import os

from detectune.advice.advice_file import StoredAdvice
from detectune.advice.data_facts import data_digest
from detectune.data.box_shapes import box_sides
from detectune.data.sources.base import class_names
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, three_part
from detectune.recipes.new_config_file import NewConfig, write_new_config
from detectune.wording import first_names, one_line


def write_advised_config(
    advice_file: str,
    train: str | None,
    evaluation: str,
    output: str | os.PathLike[str],
    *,
    checkpoint: str = "",
    label_map_path: str = "",
    batch_size: int | None = None,
    num_steps: int | None = None,
    force: bool = False,
) -> NewConfig:
    """Write the config that the advice in `advice_file` stands for.

    Args:
        train: images to learn from; those that the advice is about if None. Other data may be a
            part of those, such as one that `data split` has written, and have their classes.
        batch_size, num_steps: instead of those advised.

    Raises:
        ConfigError: the file is no advice, or advises no detector; the data have changed since, or
            `train` has other classes.
        DataError: the data cannot be read.
    """
    advice = StoredAdvice(advice_file)
    settings = advice.settings
    _refuse_other_data(advice, train)
    return write_new_config(
        settings.model,
        advice.source if train is None else train,
        evaluation,
        output,
        checkpoint=checkpoint,
        label_map_path=label_map_path,
        batch_size=batch_size or settings.batch_size,
        num_steps=num_steps or settings.num_steps,
        force=force,
        said_by="as advised" if not (batch_size and num_steps) else "as you said",
        adjust=advice.apply,
    )


def _refuse_other_data(advice: StoredAdvice, train: str | None) -> None:
    source = open_source(advice.source if train is None else train, split="train")
    images = list(box_sides(source))
    if train is None or train == advice.source:
        if data_digest(source, images) != advice.digest:
            raise ConfigError(
                three_part(
                    f"--from-advice {one_line(advice.path)}: {one_line(advice.source)} has changed "
                    "since.",
                    "An advice holds for the data that it looked at.",
                    "Look again with `detectune advise SOURCE -o ADVICE.json`, or name a part "
                    "of the data with --train.",
                )
            )
        return
    names = class_names(source.label_map)
    used = {names[one] for image in images for one in image.record.class_ids.tolist()}
    if not used <= set(advice.classes):
        raise ConfigError(
            three_part(
                f"--train {one_line(train)}: it has classes that the advice knows nothing of: "
                f"{one_line(first_names(sorted(used - set(advice.classes)), 5))}.",
                f"The advice is about {one_line(first_names(advice.classes, 8))}.",
                "Look at these data with `detectune advise SOURCE -o ADVICE.json`.",
            )
        )
