"""What `feature_extractor { backbone { … } }` may say, without building the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from detectune.config import schema
from detectune.config.application_names import APPLICATIONS, PUBLISHED, STORED
from detectune.config.checkpoint_paths import IMAGENET, is_keras_start
from detectune.config.extractor_names import ExtractorNames
from detectune.config.problems import Problem
from detectune.errors import did_you_mean

_EXAMPLE = 'Write backbone { name: "ResNet50V2" weights: "imagenet" }, for example.'


def network_conflicts(extractor: Any, names: ExtractorNames, path: str) -> Iterator[Problem]:
    """An error for everything that is wrong with the backbone of `extractor`.

    Args:
        extractor: a `feature_extractor { }`.
        names: the types that it may have.
        path: where it stands.
    """
    type_, is_there = extractor.type, extractor.HasField("backbone")
    if type_ in names.neck_only:
        if not is_there:
            yield Problem(
                "error",
                f"{path}.backbone",
                f"{type_} says what stands on the backbone, and nothing says which backbone.",
                "It is a network of keras.applications, or a .keras file of yours.",
                _EXAMPLE,
            )
            return
        yield from _block(extractor.backbone, f"{path}.backbone")
        yield from _width(extractor, type_, path)
    elif is_there:
        other = names.with_network(type_) or next(iter(names.neck_only))
        yield Problem(
            "error",
            f"{path}.backbone",
            f'the type "{type_}" names a network, and backbone {{ }} another.',
            f"With backbone {{ }} the type is one of {', '.join(names.neck_only)}.",
            f'Write type: "{other}", or remove backbone {{ }}.',
        )
    elif type_ in names.of_keras:
        yield from _width(extractor, type_, path)


def network_files(extractor: Any, path: str) -> dict[str, str]:
    """Files that the block names, by the path of the field."""
    block: schema.BackboneNetwork = extractor.backbone
    found: dict[str, str] = {}
    if block.saved and not block.saved.endswith(STORED):
        found[f"{path}.backbone.saved"] = block.saved
    if block.weights and block.weights != IMAGENET:
        found[f"{path}.backbone.weights"] = block.weights
    return found


def _block(block: schema.BackboneNetwork, path: str) -> Iterator[Problem]:
    known = [*APPLICATIONS, *PUBLISHED]
    if not block.WhichOneof("network_oneof"):
        yield Problem("error", path, "it names no network.", "Allowed: name or saved.", _EXAMPLE)
    elif block.HasField("name") and block.name not in known:
        guess = same_letters(block.name, known) or did_you_mean(block.name, known)
        yield Problem(
            "error",
            f"{path}.name",
            f'no network is called "{block.name}".',
            f"Known: {', '.join(known)}.",
            f"{guess}Choose one of these, or name a .keras file with saved.",
        )
    elif block.HasField("saved"):
        yield from _saved(block, path)
    if block.weights and not is_keras_start(block.weights):
        yield Problem(
            "error",
            f"{path}.weights",
            f"{block.weights} is no file of weights.",
            'Allowed: "imagenet", or a .h5, .weights.h5 or .keras file.',
            "Correct the path; a checkpoint is named by train_config.fine_tune_checkpoint.",
        )
    if block.name in PUBLISHED and block.weights == IMAGENET:
        yield Problem(
            "error",
            f"{path}.weights",
            f"Keras has no weights of {block.name}.",
            "Those that were published are a checkpoint of TF-Slim.",
            'Name it in fine_tune_checkpoint, with fine_tune_checkpoint_type: "classification".',
        )


def _saved(block: schema.BackboneNetwork, path: str) -> Iterator[Problem]:
    if not block.saved.endswith((".keras", STORED)):
        yield Problem(
            "error",
            f"{path}.saved",
            f"{block.saved} is no .keras file.",
            "Such a file holds a network and its weights; .h5 files hold code, or no network.",
            'Load it with Keras and write model.save("my_network.keras").',
        )
    if block.weights == IMAGENET:
        yield Problem(
            "error",
            f"{path}.weights",
            "Keras has no weights for a network of your own.",
            "A .keras file holds its own weights.",
            "Remove the line, or name a file.",
        )


def _width(extractor: Any, type_: str, path: str) -> Iterator[Problem]:
    """Fields that would change a network that is taken as it is."""
    if getattr(extractor, "depth_multiplier", 1) != 1:
        yield Problem(
            "error",
            f"{path}.depth_multiplier",
            f"it is {extractor.depth_multiplier:g}, and {type_} takes its network as it is.",
            "No file of weights fits another width.",
            "Remove the line, or take a smaller network.",
        )
    name = "override_base_feature_extractor_hyperparams"
    if getattr(extractor, name, False):
        yield Problem(
            "error",
            f"{path}.{name}",
            f"it is true, and {type_} takes its network as it is.",
            "conv_hyperparams are those of what stands on it.",
            "Remove the line.",
        )


def same_letters(name: str, known: list[str]) -> str:
    """A guess for `resnet50_v2`, which is ResNet50V2."""
    plain = name.lower().replace("_", "").replace("-", "")
    return next((f'Did you mean "{one}"? ' for one in known if one.lower() == plain), "")
