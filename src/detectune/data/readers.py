"""`input_reader { … }` of a config → a source."""

from __future__ import annotations

from detectune.config import schema
from detectune.config.label_map import LabelMap, read_label_map
from detectune.data.sources.base import Source, Subset
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, three_part


def open_reader(
    config: schema.InputReader, field: str, label_map: LabelMap | None = None
) -> Source:
    """The source that `train_input_reader` or `eval_input_reader` names.

    Args:
        field: its name, for errors.
        label_map: used if the reader has none of its own.

    Raises:
        ConfigError: neither `source` nor `tf_record_input_reader` is set.
        DataError: the data are missing, or cannot be read.
    """
    if config.label_map_path:
        label_map = read_label_map(config.label_map_path)
    if config.source:
        spec = config.source
    elif config.tf_record_input_reader.input_path:
        spec = "tfrecord:" + ",".join(config.tf_record_input_reader.input_path)
    else:
        raise ConfigError(
            three_part(
                f"{field}: it names no data.",
                "Allowed: tf_record_input_reader { input_path: … }, or source: with any data set "
                "that `detectune data inspect` reads.",
                'Write for example  source: "voc:images/train".',
            )
        )
    source = open_source(spec, label_map)
    step = config.sample_1_of_n_examples
    return Subset(source, range(0, len(source), step)) if step > 1 else source
