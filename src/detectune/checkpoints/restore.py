"""Checkpoint → detector, with every variable accounted for.

    checkpoint ─► key → array ─► match by name map and shape ─► heads: rows by class name ─► report

`RestoreReport` says what matched, what starts fresh, what was left over and which shapes differ.
What a `fine_tune_checkpoint_type` promises must be there, or restoring fails as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from detectune.checkpoints.class_rows import carry_classes
from detectune.checkpoints.classifiers import backbone_values
from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.checkpoints.keras_classifiers import read_keras_classifier
from detectune.checkpoints.keys import ROOT, SUFFIX, VariableKey, variable_keys
from detectune.checkpoints.soundness import refuse_unsound
from detectune.checkpoints.tf1_values import is_name_based, tf1_values
from detectune.config.architectures import chosen
from detectune.config.checkpoint_paths import is_keras_start
from detectune.config.load import load_config
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, DetectuneError, did_you_mean, three_part
from detectune.wording import plural

Kind = Literal["full", "detection", "classification", "fine_tune"]

# Below the backbone's own root in a key.
_LAYERS = "/layer_with_weights-"
# What must be found, per kind. Parity: the original's restore_from_objects.
_PROMISES: dict[str, str] = {
    "full": "everything",
    "detection": "the feature extractor",
    "fine_tune": "the feature extractor",
    "classification": "the backbone",
}


@dataclass
class RestoreReport:
    """What became of every variable. Lists hold keys without `model/` and suffix."""

    path: str
    kind: str
    matched: list[str] = field(default_factory=list)
    """Restored as they are."""
    carried: list[str] = field(default_factory=list)
    """Variables of heads of which some rows were restored, by class name."""
    carried_classes: list[str] = field(default_factory=list)
    """The classes whose rows were restored."""
    fresh: list[str] = field(default_factory=list)
    """Variables of the model that keep their initial values."""
    left_over: list[str] = field(default_factory=list)
    """Variables of the checkpoint that the model has no place for."""
    mismatched: list[str] = field(default_factory=list)
    """Found, but of another shape; these start fresh too."""
    set_aside: list[str] = field(default_factory=list)
    """Of a checkpoint of TensorFlow 1: optimizer slots, counters, and moving averages beside the
    variables themselves."""
    averages_used: list[str] = field(default_factory=list)
    """Variables that such a checkpoint holds as a moving average only."""
    notes: list[str] = field(default_factory=list)
    """What the network computes otherwise than the one that the weights were trained in."""

    def summary(self) -> str:
        """A few lines for people."""
        total = len(self.matched) + len(self.carried) + len(self.fresh)
        lines = [
            f"restored {len(self.matched)} of {total} variables "
            f'from {self.path} (type "{self.kind}")'
        ]
        if self.carried:
            names = ", ".join(self.carried_classes)
            lines.append(
                f"carried over in {plural(len(self.carried), 'variable')}, by class: {names}"
            )
        for title, rows in (
            ("fresh", self.fresh),
            ("another shape, so fresh", self.mismatched),
            ("left over in the checkpoint", self.left_over),
            ("no weights of a network, so set aside", self.set_aside),
            ("restored from their moving averages", self.averages_used),
        ):
            if rows:
                lines.append(f"{title}: {len(rows)} ({_examples(rows)})")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def restore(
    detector: Detector,
    path: str | os.PathLike[str],
    *,
    kind: Kind = "full",
    source_classes: Sequence[str] | None = None,
    target_classes: Sequence[str] | None = None,
) -> RestoreReport:
    """Give `detector` the weights of the checkpoint at `path`.

    Args:
        path: prefix, folder, run directory or unpacked zoo archive; with the kind
            "classification" also a .keras, .weights.h5 or .h5 file of Keras, or "imagenet" for the
            weights that Keras publishes for the network of the backbone.
        kind: "full" restores everything; "detection" and "fine_tune" need the feature extractor
            and warm-start the heads as far as shapes allow; "classification" needs the backbone.
        source_classes, target_classes: class names of the checkpoint and of the detector, in the
            order of their indices; rows of the class predictors are carried over by name.

    Raises:
        CheckpointError: the checkpoint is missing, damaged, holds less than `kind` promises, or
            numbers that are not finite. The detector is then unchanged.
        ZooError: the weights that "imagenet" stands for could not be fetched.
    """
    if kind not in get_args(Kind):
        raise CheckpointError(
            three_part(
                f'fine_tune_checkpoint_type: there is no type "{kind}".',
                f"Allowed: {', '.join(get_args(Kind))}.",
                f"{did_you_mean(kind, get_args(Kind))}Correct it in train_config.",
            )
        )
    rows, networks = variable_keys(detector), ""
    if is_keras_start(path):
        found = read_keras_classifier(detector, path, kind, rows)
        report, values = RestoreReport(found.path, kind, notes=found.notes), found.values
        networks = found.networks
    else:
        report, values = _from_checkpoint(path, kind, rows)
    assignments = _match(rows, values, report)
    if kind in ("detection", "fine_tune"):
        classes = source_classes or (), target_classes or ()
        _rework_classes(rows, values, assignments, report, *classes)
    promised = _promised(rows, kind)
    _check_known(detector, report, promised)
    _check_promise(report, promised, values, networks)
    refuse_unsound(
        report.path,
        ((path, value) for path, (_, value) in assignments.items()),
        "They come from a training that diverged, or from a damaged file: take another checkpoint "
        "(--checkpoint), or a new copy.",
    )
    for row, value in assignments.values():
        row.variable.assign(value)
    return report


def _from_checkpoint(
    path: str | os.PathLike[str], kind: Kind, rows: list[VariableKey]
) -> tuple[RestoreReport, dict[str, np.ndarray]]:
    """The report on a checkpoint, and its values by path."""
    prefix = find_checkpoint(path)
    report = RestoreReport(prefix, kind)
    checkpoint = _variables(_with_our_keys(read_checkpoint(prefix), rows, report))
    if kind == "classification":
        return report, _classification_values(checkpoint, rows)
    return report, _below_root(checkpoint)


def _with_our_keys(
    values: dict[str, np.ndarray], rows: list[VariableKey], report: RestoreReport
) -> dict[str, np.ndarray]:
    """`values` of a checkpoint of either kind, by object-based keys."""
    if not is_name_based(values):
        return values
    found = tf1_values(values, rows)
    report.set_aside, report.averages_used = sorted(found.set_aside), found.averages_used
    return found.values


def _variables(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Variables by key without suffix; optimizer slots are not among them."""
    return {
        key.removesuffix(SUFFIX): value
        for key, value in values.items()
        if key.endswith(SUFFIX) and "/.OPTIMIZER_SLOT/" not in key
    }


def _below_root(checkpoint: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Variables of the network, by path. Counters are not among them."""
    return {
        path.removeprefix(ROOT): value
        for path, value in checkpoint.items()
        if path.startswith(ROOT)
    }


def _promised(rows: list[VariableKey], kind: Kind) -> set[str]:
    """Paths of the variables that must be restored."""
    if kind == "classification":
        # Nobody misses layers that the detector does not compute.
        return {row.path for row in rows if row.in_classifier and row.in_classifier.used}
    return {row.path for row in rows if kind == "full" or row.in_extractor}


def _classification_values(
    checkpoint: Mapping[str, np.ndarray], rows: list[VariableKey]
) -> dict[str, np.ndarray]:
    """Values of the backbone, from a classifier or a detector."""
    backbone = {row.path: row.in_classifier for row in rows if row.in_classifier}
    roots = tuple({path.partition(_LAYERS)[0] for path in backbone})
    inside = _below_root(checkpoint)
    if any(path.startswith(roots) for path in inside):
        heads = {row.path for row in rows} - set(backbone)
        return {path: value for path, value in inside.items() if path not in heads}
    return backbone_values(checkpoint, {path: key[:2] for path, key in backbone.items()})


def _match(
    rows: list[VariableKey], values: Mapping[str, np.ndarray], report: RestoreReport
) -> dict[str, tuple[VariableKey, np.ndarray]]:
    assignments = {}
    for row in rows:
        value = values.get(row.path)
        if value is None:
            report.fresh.append(row.path)
        elif tuple(value.shape) != tuple(row.variable.shape):
            shapes = f"{tuple(value.shape)} in the checkpoint, {tuple(row.variable.shape)} here"
            report.mismatched.append(f"{row.path}: {shapes}")
            report.fresh.append(row.path)
        else:
            report.matched.append(row.path)
            assignments[row.path] = (row, value)
    report.left_over = sorted(set(values) - {row.path for row in rows})
    return assignments


def _rework_classes(
    rows: list[VariableKey],
    values: Mapping[str, np.ndarray],
    assignments: dict[str, tuple[VariableKey, np.ndarray]],
    report: RestoreReport,
    source_classes: Sequence[str],
    target_classes: Sequence[str],
) -> None:
    """What is known of classes with the same name is carried over; class predictors forget others.

    Boxes and masks of a class are no worse a start for another class than random numbers.
    """
    common = [name for name in target_classes if name in set(source_classes)]
    for row in rows:
        if row.classes is None or row.path not in values:
            continue
        if row.classes.predicts_classes:
            _forget(row.path, assignments, report)
        carried = None
        if common:
            carried = carry_classes(
                values[row.path], np.asarray(row.variable), source_classes, target_classes,
                background=row.classes.background, code_size=row.classes.code_size,
            )  # fmt: skip
        if carried is not None:
            _forget(row.path, assignments, report)
            report.fresh.remove(row.path)
            report.carried.append(row.path)
            report.carried_classes = common
            assignments[row.path] = (row, carried)


def _forget(
    path: str, assignments: dict[str, tuple[VariableKey, np.ndarray]], report: RestoreReport
) -> None:
    if assignments.pop(path, None) is not None:
        report.matched.remove(path)
        report.fresh.append(path)


def _check_known(detector: Detector, report: RestoreReport, promised: set[str]) -> None:
    """Whether anything is promised: a detector may have no part that is called a backbone."""
    if not promised:
        raise CheckpointError(
            three_part(
                f'{report.path}: type "{report.kind}" promises {_PROMISES[report.kind]}, but '
                f"nobody says which layers of {type(detector).__name__} that is.",
                "It is what stands in the attributes backbone and neck, or what the name map of "
                "the class says.",
                'Use the type "full", or register a NameMap for the class.',
            )
        )


def _check_promise(
    report: RestoreReport, promised: set[str], values: Mapping[str, np.ndarray], networks: str
) -> None:
    """See that everything promised was found.

    Args:
        networks: that of the file and that of the detector, as far as a file says what it holds.
    """
    missing = [path for path in report.fresh if path in promised]
    if not missing:
        return
    shapes = [row for row in report.mismatched if row.partition(": ")[0] in promised]
    why = f" Of another shape: {_examples(shapes)}." if shapes else ""
    other = "" if values else " The checkpoint has no object-based keys below model/."
    other = f" {networks}" if networks else other
    raise CheckpointError(
        three_part(
            f'{report.path}: type "{report.kind}" promises {_PROMISES[report.kind]}, but '
            f"{len(missing)} of {len(missing) + len(report.matched)} variables are not there: "
            f"{_examples(missing)}.{why}{other}",
            f"Left over in the checkpoint: {_examples(report.left_over) or 'nothing'}.",
            _next_step_of_keras(missing) if networks else _next_step(report),
        )
    )


def _next_step_of_keras(missing: Sequence[str]) -> str:
    if all(path.endswith(("/gamma", "/beta")) for path in missing):
        return (
            "The batch norms of the file have no such variables: write scale: false in the "
            "batch_norm of conv_hyperparams, or remove override_base_feature_extractor_hyperparams."
        )
    return (
        "Take weights of the network that feature_extractor names, of the same depth_multiplier "
        "(and min_depth); or put the network of the file under the detector, with backbone "
        "{ name: … weights: … }."
    )


def _next_step(report: RestoreReport) -> str:
    if report.kind == "classification":
        return (
            "Take the checkpoint of the network that feature_extractor.type names, of the same "
            "depth_multiplier; `detectune zoo list --classification` shows those that there are."
        )
    theirs = _config_beside(report.path)
    if report.kind == "full":
        return (
            f"Compare model {{ }} with {theirs}; with another num_classes, use "
            'fine_tune_checkpoint_type: "detection".'
        )
    return (
        f"The checkpoint is of another network, or of other sizes: compare feature_extractor {{ }} "
        f"with {theirs}."
    )


def _config_beside(prefix: str) -> str:
    """The config that lies with a checkpoint, and its feature extractor, in words."""
    for folder in list(Path(prefix).parents)[:3]:
        path = folder / "pipeline.config"
        if not path.is_file():
            continue
        try:
            model = load_config(path).model
        except DetectuneError:
            return str(path)  # it is only a hint, and the error at hand matters more
        architecture = chosen(model)
        found = "" if architecture is None else architecture.feature_extractor
        return f'{path}, which says type: "{found}"' if found else str(path)
    return "the pipeline.config of the checkpoint"


def _examples(rows: Sequence[str], count: int = 3) -> str:
    shown = ", ".join(rows[:count])
    return shown if len(rows) <= count else f"{shown}, …"


def label_map_beside(prefix: str) -> Path | None:
    """The label map that lies with a checkpoint, if one does.

    It is looked for up to the folder of the run or archive: what lies above that is of others.

    Raises:
        CheckpointError: something that is no file stands in its place.
    """
    for folder in list(Path(prefix).parents)[:3]:
        for name in ("label_map.pbtxt", "labelmap.pbtxt"):
            file = folder / name
            if file.is_file():
                return file
            if os.path.lexists(file):
                raise CheckpointError(
                    three_part(
                        f"{file}: it is no file.",
                        "Here stand the names of the classes, without which nobody knows what is "
                        "what.",
                        "Put the label map there, or remove what is there now.",
                    )
                )
        if os.path.lexists(folder / "pipeline.config"):
            break
    return None
