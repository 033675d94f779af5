"""All problems of a pipeline.config, each with its place: `detectune config check`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from google.protobuf import text_format

from detectune.config import schema
from detectune.config.conflicts import conflicts
from detectune.config.extensions import import_extensions
from detectune.config.file_kinds import looks_like_label_map
from detectune.config.label_map import check_label_map
from detectune.config.load import protobuf_problem, syntax_problem
from detectune.config.metrics import mask_conflicts
from detectune.config.missing_fields import missing_fields
from detectune.config.named_files import file_problems
from detectune.config.overrides import apply_overrides, is_overridden
from detectune.config.problems import Problem
from detectune.config.protobuf_text import message_from
from detectune.config.report import report_fields
from detectune.config.text_file import read_config_text
from detectune.config.text_problems import read_tree
from detectune.config.text_tree import Place, TextSyntaxError, parse
from detectune.config.warnings import warnings

Look = Callable[[schema.TrainEvalPipelineConfig], Iterable[Problem]]


def check_config(
    path: str | os.PathLike[str], overrides: Iterable[str] = (), look_further: Look | None = None
) -> list[Problem]:
    """Everything wrong, questionable or ignored in the file at `path`, by line.

    Unknown fields and values are reported all at once; what the config means is checked when its
    text is right. A label map is checked as one.

    Args:
        overrides: assignments such as `"train_config.batch_size=8"`, see `config.overrides`.
            Problems of what they set have no line.
        look_further: finds more problems of a config whose text is right, as
            `training.data_problems` does.

    Raises:
        ConfigError: the file itself cannot be read, or an override does not fit.
    """
    import_extensions()
    text = read_config_text(path)
    if looks_like_label_map(text):
        return check_label_map(path)
    config = schema.TrainEvalPipelineConfig()
    try:
        problems, places = read_tree(parse(text), config.DESCRIPTOR)
    except TextSyntaxError as error:
        return [syntax_problem(error)]
    if problems:
        problems += _problems_of_the_rest(text, places, problems)
    elif wrong := protobuf_problem(text, config):
        problems = [wrong]
    else:
        changes = list(overrides)
        apply_overrides(config, changes)
        problems = check_message(config)
        if look_further is not None:
            problems += look_further(config)
        problems = [
            problem if is_overridden(problem.field, changes) else _placed(problem, places)
            for problem in problems
        ]
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def check_message(
    config: schema.TrainEvalPipelineConfig, check_files: bool = True
) -> list[Problem]:
    """Everything wrong, questionable or ignored in `config`; without places, as it has none."""
    return [
        *report_fields(config),
        *missing_fields(config),
        *conflicts(config),
        *mask_conflicts(config),
        *warnings(config),
        *(file_problems(config) if check_files else ()),
    ]


def _problems_of_the_rest(
    text: str, places: dict[str, Place], known: list[Problem]
) -> list[Problem]:
    """Field problems of a text with unknown fields, as far as protobuf can still read it."""
    config = schema.TrainEvalPipelineConfig()
    try:
        message_from(text, config, with_unknown=True)
    except text_format.ParseError:
        return []
    seen = {problem.field for problem in known}
    rest = [problem for problem in report_fields(config) if problem.field not in seen]
    return [_placed(problem, places) for problem in rest]


def _placed(problem: Problem, places: dict[str, Place]) -> Problem:
    """`problem` at its field, or at the nearest enclosing message that is written."""
    path = problem.field
    while path and path not in places:
        path = path.rpartition("[" if path.endswith("]") else ".")[0]
    line, column = places.get(path, Place(1, 1))
    return problem._replace(line=line, column=column)
