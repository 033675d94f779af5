"""`input_reader { … }` of a config → a source."""

from __future__ import annotations

from collections.abc import Collection

from detectune.config import schema
from detectune.config.label_map import LabelMap, read_label_map
from detectune.data.image_list import listed_images
from detectune.data.sources.base import Source, Subset
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, three_part

_OF_TRAINING = ("train_input_reader", "target_input_reader")


def open_reader(
    config: schema.InputReader,
    field: str,
    label_map: LabelMap | None = None,
    *,
    columns: Collection[str] = (),
) -> Source:
    """The source that `train_input_reader` or `eval_input_reader` names.

    Args:
        field: its name, for errors; of a data set that is divided, `train_input_reader` and
            `target_input_reader` read the part for training and every other the one for evaluation,
            unless `source` names one.
        label_map: used if the reader has none of its own.
        columns: what is read beside boxes, see `open_source`; masks are read anyway with
            `load_instance_masks`.

    Raises:
        ConfigError: neither `source` nor `tf_record_input_reader` is set, or the reader asks for
            what cannot be read here.
        DataError: the data are missing, or cannot be read, or an image of `image_list_path` is not
            among them.
    """
    _refuse(config, field)
    if config.label_map_path:
        label_map = read_label_map(config.label_map_path)
    paths = list(config.tf_record_input_reader.input_path)
    # A single input_path may be any data set, so that a config can be tried on a folder.
    spec = config.source or (paths[0] if len(paths) == 1 else "tfrecord:" + ",".join(paths))
    wanted = {*columns, *(["masks"] if config.load_instance_masks else [])}
    split = "train" if field.rpartition(".")[2] in _OF_TRAINING else "val"
    source = open_source(spec, label_map, columns=wanted, split=split)
    if config.image_list_path:
        source = listed_images(source, config.image_list_path, f"{field}.image_list_path")
    step = config.sample_1_of_n_examples
    return Subset(source, range(0, len(source), step)) if step > 1 else source


def _refuse(config: schema.InputReader, field: str) -> None:
    if not config.source and not config.tf_record_input_reader.input_path:
        raise ConfigError(
            three_part(
                f"{field}: it names no data.",
                "Allowed: tf_record_input_reader { input_path: … }, or source: with any data set "
                "that `detectune data inspect SOURCE` reads.",
                'Write for example  source: "voc:images/train".',
            )
        )
    if config.input_type == schema.InputType.Value("TF_SEQUENCE_EXAMPLE"):
        raise ConfigError(
            three_part(
                f"{field}.input_type is TF_SEQUENCE_EXAMPLE.",
                "Records are tf.Example, one image each: TF_EXAMPLE.",
                "Write the frames as single images.",
            )
        )
    if config.num_additional_channels:
        raise ConfigError(
            three_part(
                f"{field}.num_additional_channels is {config.num_additional_channels}.",
                "Images have three channels.",
                "Remove the field.",
            )
        )
