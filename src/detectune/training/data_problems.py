"""What the data that a config names would do to a training: `detectune config check --data`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from detectune.config import schema
from detectune.config.architectures import chosen
from detectune.config.class_numbers import other_numbers, renumbered
from detectune.config.domain_adaptation import TARGET_READER
from detectune.config.look_alikes import look_alikes
from detectune.config.problems import Problem, Severity, from_error
from detectune.data.check import too_many
from detectune.data.columns.base import check_columns
from detectune.data.defects import CONSEQUENCES, TRUNCATED, UNREADABLE
from detectune.data.inspect import Inspection, inspect_source
from detectune.data.shared_images import Overlap, adapted_overlap, overlap, target_overlap
from detectune.data.sources.base import Source
from detectune.errors import DetectuneError
from detectune.training.sources import (
    EVALUATE,
    EVALUATE_SOURCE,
    TARGET,
    TRAIN,
    StreamRequest,
    open_stream,
    run_streams,
    target_stream,
)
from detectune.wording import plural

# Nothing is lost by these; `data inspect` lists them.
_HARMLESS = {
    "mislabelled image",
    "EXIF rotation, applied",
    "colour mode",
    "unused file",
    "mask leaves the image",
}
# Concerns boxes.
_SIZE = "size differs from annotation"
_EVALUATIONS = (EVALUATE, EVALUATE_SOURCE)
_TOO_GOOD = "What was trained on is found easily: every metric is too good."
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
    requests = run_streams(config) | target_stream(config)
    for name, request in requests.items():
        try:
            source = open_stream(request, label_map)
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
        if request.labelled:
            problems += _boxes(inspected[name], name, request)
    if TRAIN not in inspected:
        return problems
    evaluated = {name: requests[name].field for name in _EVALUATIONS if name in inspected}
    problems += _learned(inspected, evaluated)
    for name, field in evaluated.items():
        problems += _numbers(config, opened[TRAIN], opened[name], field)
        problems += _shared(overlap(opened[TRAIN], opened[name]), field, _TOO_GOOD)
    if TARGET in inspected:
        problems += _target(inspected[TRAIN], inspected[TARGET])
        shared = target_overlap(opened[TRAIN], opened[TARGET])
        problems += _shared(shared, TARGET_READER, "The target domain is another than the source.")
        if EVALUATE in opened:
            shared = adapted_overlap(opened[TARGET], opened[EVALUATE])
            problems += _shared(shared, evaluated[EVALUATE], "Measured are images like later ones.")
    return problems


def _defects(inspection: Inspection, request: StreamRequest) -> Iterator[Problem]:
    """One problem for each kind of defect, with the first files."""
    for kind, count in inspection.defect_counts().items():
        if "mask" in kind and "masks" not in request.needs:
            continue
        if kind == _SIZE and not request.labelled:
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


def _learned(
    inspected: Mapping[str, Inspection], evaluated: Mapping[str, str]
) -> Iterator[Problem]:
    """Every class that is measured has been learned, and every class has something to learn.

    Args:
        evaluated: name → field of the streams that are measured.
    """
    learned, known = inspected[TRAIN].boxes_per_class, list[str]()
    for name, field in evaluated.items():
        measured = inspected[name].boxes_per_class
        only = [kind for kind, count in measured.items() if count and not learned.get(kind)]
        known += only
        if only:
            yield Problem(
                "warning",
                field,
                f"{_listed(only)}: measured, but the training data have no such box.",
                "A class that is never learned is never found, and lowers mAP.",
                "Put images of it into the training data, or remove its boxes from both.",
            )
    if evaluated:
        yield from _without_boxes(learned, known)


def _numbers(
    config: schema.TrainEvalPipelineConfig, training: Source, evaluation: Source, field: str
) -> Iterator[Problem]:
    """Both number the classes alike; two label maps have been compared anyway."""
    different = other_numbers(training.label_map, evaluation.label_map)
    if different and not config.train_input_reader.label_map_path:
        yield renumbered(field, different)


def _shared(shared: Overlap | None, field: str, allowed: str) -> Iterator[Problem]:
    """No image stands in two data sets that are apart."""
    if shared is not None:
        yield Problem("warning", field, f"{shared.found}.", allowed, shared.advice)


def _target(training: Inspection, target: Inspection) -> Iterator[Problem]:
    """How many images there are to adapt to, of which sizes."""
    if target.image_sizes:
        yield Problem(
            "note",
            TARGET_READER,
            f"{plural(target.images, 'image')} of the target domain, {_sizes(target)}; "
            f"{plural(training.images, 'training image')}, {_sizes(training)}.",
            "Every step looks at as many of one as of the other, resized by the same rule.",
            "What is annotated in images of the target domain is not read.",
        )


def _sizes(inspection: Inspection) -> str:
    """The smallest and the largest image, width x height."""
    ends = [inspection.image_sizes.get(name) for name in ("smallest", "largest")]
    shown = dict.fromkeys(f"{size[1]} x {size[0]}" for size in ends if size)
    return " to ".join(shown) or "of unknown size"


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
