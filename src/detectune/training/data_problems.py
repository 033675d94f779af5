"""What the data that a config names would do to a training: `detectune config check --data`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from detectune.config import schema
from detectune.config.architectures import chosen
from detectune.config.class_numbers import other_numbers, renumbered
from detectune.config.look_alikes import look_alikes
from detectune.config.problems import Problem, Severity, from_error
from detectune.data.check import too_many
from detectune.data.columns.base import check_columns
from detectune.data.defects import CONSEQUENCES, TRUNCATED, UNREADABLE
from detectune.data.inspect import Inspection, inspect_source
from detectune.data.readers import open_reader
from detectune.data.shared_images import overlap
from detectune.data.sources.base import Source
from detectune.errors import DetectuneError
from detectune.training.sources import EVALUATE, TRAIN, StreamRequest, run_streams
from detectune.wording import plural

# Nothing is lost by these; `data inspect` lists them.
_HARMLESS = {
    "mislabelled image",
    "EXIF rotation, applied",
    "colour mode",
    "unused file",
    "mask leaves the image",
}
_SHOWN = 3
_SHOWN_CLASSES = 6


def data_problems(
    config: schema.TrainEvalPipelineConfig, track: Callable[[range], Iterable[int]] = iter
) -> list[Problem]:
    """Every problem of the images and annotations of `config`, at the field that names them.

    All images are decoded.

    Args:
        track: passes indices of images on while they are worked through, as a progress bar does.
    """
    problems: list[Problem] = []
    inspected: dict[str, Inspection] = {}
    opened: dict[str, Source] = {}
    label_map = None
    for name, request in run_streams(config).items():
        try:
            source = open_reader(
                request.reader, request.field, label_map, columns=request.needs.columns
            )
            inspected[name] = inspect_source(source, track)
            opened[name] = source
        except DetectuneError as error:
            problems.append(from_error(error, request.field))
            continue
        if name == TRAIN:
            label_map = source.label_map
            problems += _classes(config, source, request)
        problems += _defects(inspected[name], request)
        problems += _readable(inspected[name], request)
        problems += _columns(source, request)
        problems += _boxes(inspected[name], name, request)
    if len(inspected) == len((TRAIN, EVALUATE)):
        problems += _learned(inspected[TRAIN], inspected[EVALUATE])
        problems += _numbers(config, opened[TRAIN], opened[EVALUATE])
        problems += _shared(opened[TRAIN], opened[EVALUATE])
    return problems


def _defects(inspection: Inspection, request: StreamRequest) -> Iterator[Problem]:
    """One problem for each kind of defect, with the first files."""
    for kind, count in inspection.defect_counts().items():
        if "mask" in kind and "masks" not in request.needs:
            continue
        files = [f"{d.file} ({d.detail})" for d in inspection.defects if d.kind == kind]
        more = f", and {count - _SHOWN} more" if count > _SHOWN else ""
        yield Problem(
            _severity(kind),
            request.field,
            f"{count} × {kind}: {', '.join(files[:_SHOWN])}{more}.",
            f"What will happen: {CONSEQUENCES[kind]}.",
            f"`detectune data inspect {_spec(request)}` lists all.",
        )


def _readable(inspection: Inspection, request: StreamRequest) -> Iterator[Problem]:
    """Most images can be read."""
    counts = inspection.defect_counts()
    unreadable = counts.get(UNREADABLE, 0) + counts.get(TRUNCATED, 0)
    if too_many(unreadable, inspection.images):
        yield Problem(
            "error",
            request.field,
            f"{unreadable} of {plural(inspection.images, 'image')} cannot be read.",
            "Single ones are left out, but not more than half of all.",
            f"`detectune data inspect {_spec(request)}` lists all.",
        )


def _severity(kind: str) -> Severity:
    if "refuses to start" in CONSEQUENCES[kind]:
        return "error"
    return "note" if kind in _HARMLESS else "warning"


def _spec(request: StreamRequest) -> str:
    """The data set as a command takes it."""
    paths = list(request.reader.tf_record_input_reader.input_path)
    records = paths[0] if len(paths) == 1 else f"tfrecord:{','.join(paths)}"
    return shlex.quote(request.reader.source or records)


def _columns(source: Source, request: StreamRequest) -> Iterator[Problem]:
    """What the detector reads with every image, and some have not."""
    try:
        check_columns(source, request.needs)
    except DetectuneError as error:
        yield from_error(error, request.field)


def _boxes(inspection: Inspection, name: str, request: StreamRequest) -> Iterator[Problem]:
    if inspection.boxes:
        return
    training = name == TRAIN
    yield Problem(
        "error" if training else "warning",
        request.field,
        "the only image has no box."
        if inspection.images == 1
        else f"none of the {inspection.images:,} images has a box.",
        "A detector learns from boxes." if training else "Without boxes nothing can be measured.",
        f"`detectune data inspect {_spec(request)}` shows what is read.",
    )


def _classes(
    config: schema.TrainEvalPipelineConfig, source: Source, request: StreamRequest
) -> Iterator[Problem]:
    """The classes of the data fit the model, and are all different for a reader."""
    architecture = chosen(config.model)
    items = source.label_map.items
    needed = source.label_map.num_classes if items else 0
    if architecture is not None and 0 < architecture.num_classes < needed:
        yield Problem(
            "error",
            f"{architecture.path}.num_classes",
            f"num_classes is {architecture.num_classes}, and {source.name} has ids up to {needed}.",
            "num_classes is at least the highest id of the classes.",
            f"Write num_classes: {needed}.",
        )
    if not request.reader.label_map_path:  # else its file is looked at anyway
        for names in look_alikes(source.label_map.names):
            yield names.problem(request.field)


def _learned(training: Inspection, evaluation: Inspection) -> Iterator[Problem]:
    """Every class that is measured has been learned, and every class has something to learn."""
    learned, measured = training.boxes_per_class, evaluation.boxes_per_class
    only_measured = [name for name, count in measured.items() if count and not learned.get(name)]
    if only_measured:
        yield Problem(
            "warning",
            "eval_input_reader",
            f"{_listed(only_measured)}: measured, but the training data have no such box.",
            "A class that is never learned is never found, and lowers mAP.",
            "Put images of it into the training data, or remove its boxes from both.",
        )
    yield from _without_boxes(learned, only_measured)


def _numbers(
    config: schema.TrainEvalPipelineConfig, training: Source, evaluation: Source
) -> Iterator[Problem]:
    """Both number the classes alike; two label maps have been compared anyway."""
    different = other_numbers(training.label_map, evaluation.label_map)
    if different and not config.train_input_reader.label_map_path:
        yield renumbered("eval_input_reader", different)


def _shared(training: Source, evaluation: Source) -> Iterator[Problem]:
    """No image is trained and evaluated on."""
    shared = overlap(training, evaluation)
    if shared is not None:
        yield Problem(
            "warning",
            "eval_input_reader",
            f"{shared.found}.",
            "What was trained on is found easily: every metric is too good.",
            shared.advice,
        )


def _without_boxes(learned: Mapping[str, int], known: list[str]) -> Iterator[Problem]:
    empty = [name for name, count in learned.items() if not count and name not in known]
    if empty and any(learned.values()):
        yield Problem(
            "warning",
            "train_input_reader",
            f"{_listed(empty)}: in the label map, but without a box in the training data.",
            "A class that is never learned is never found.",
            "Add images of it, or leave it out of the label map.",
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_CLASSES} more" if len(names) > _SHOWN_CLASSES else ""
    return ", ".join(f'"{name}"' for name in names[:_SHOWN_CLASSES]) + more
