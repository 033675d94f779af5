"""Architectures, as far as a config tells of them: one file each, found by their field's name.

The rest of the program asks the functions below. An architecture of another package is an extension
of `DetectionModel`, registered in the entry-point group `detectune.config.architectures` under the
name of its field: docs/decisions/0014-architectures.md.
"""

from __future__ import annotations

from detectune.config import schema
from detectune.config.architectures.base import USUAL_STAGES, Architecture
from detectune.config.descriptors import set_choices, text_name, value_of
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.config.problems import Problem, missing, refuse
from detectune.registry import architectures

__all__ = [
    "Architecture",
    "architecture_name",
    "architecture_of",
    "architecture_problem",
    "chosen",
    "image_resizer",
    "num_classes",
    "stage_names",
]


def architecture_name(model: schema.DetectionModel) -> str:
    """The field that is set in `model { }`, which detectors register under; empty unless one is."""
    found = set_choices(model)
    return found[0].name if len(found) == 1 else ""


def chosen(model: schema.DetectionModel) -> Architecture | None:
    """The architecture of `model { }`; None if `architecture_problem` knows why there is none."""
    found = set_choices(model)
    if len(found) != 1 or found[0].name not in architectures:
        return None
    (field,) = found
    return architectures[field.name](value_of(model, field), f"model.{text_name(field)}")


def architecture_of(model: schema.DetectionModel) -> Architecture:
    """The architecture of `model { }`.

    Raises:
        ConfigError: it has none, several, or one that nobody registered.
    """
    problem = architecture_problem(model)
    refuse([] if problem is None else [problem])
    architecture = chosen(model)
    assert architecture is not None
    return architecture


def architecture_problem(model: schema.DetectionModel) -> Problem | None:
    """Why `model { }` says nothing that can be built; None if it names one known architecture."""
    found = set_choices(model)
    if not found:
        return missing("model", "no architecture", "model { ssd { ... } }")
    names = [text_name(field) for field in found]
    if len(found) > 1:
        return Problem(
            "error",
            "model",
            f"it has {' and '.join(names)}.",
            "A model has one architecture.",
            "Remove the others.",
        )
    if found[0].name in architectures:
        return None
    return Problem(
        "error",
        f"model.{names[0]}",
        f"no architecture is registered as {found[0].name}.",
        f"Known: {', '.join(architectures)}.",
        "Install the package that brings it; it registers in the entry-point group "
        f"{architectures.package}.",
    )


def num_classes(model: schema.DetectionModel) -> int:
    """`num_classes` of whichever architecture is set.

    Raises:
        ConfigError: none is.
    """
    return architecture_of(model).num_classes


def image_resizer(model: schema.DetectionModel) -> schema.ImageResizer:
    """`image_resizer` of whichever architecture is set.

    Raises:
        ConfigError: none is, or it has none.
    """
    return architecture_of(model).image_resizer


def model_needs(model: schema.DetectionModel) -> Needs:
    """What the detector of `model { … }` is given with every image, and learns.

    Nothing if no architecture is set: data can be looked at without one.
    """
    architecture = chosen(model)
    return BOXES_ONLY if architecture is None else architecture.needs


def stage_names(config: schema.TrainEvalPipelineConfig) -> list[str]:
    """The stages of a training, in order: those that the config names, or its architecture's."""
    if config.train_config.stage:
        return list(config.train_config.stage)
    architecture = chosen(config.model)
    return list(USUAL_STAGES if architecture is None else architecture.stages)
