"""Broken configs and label maps end in an answer: errors of detectune, in seconds, and no others.

`python -m pytest -m fuzz tests/fuzz` tries thousands; a few hundred are tried in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from answers import Answers
from config_inputs import MUTATIONS, Input, inputs, made, overrides
from google.protobuf.message import Message

from detectune.config.check import check_config, check_message
from detectune.config.label_map import check_label_map, read_label_map
from detectune.config.load import load_config
from detectune.config.overrides import apply_override
from detectune.config.save import config_text
from detectune.recipes.templates import models, template
from detectune.wording import one_line

# A slice that always runs, and the whole.
FEW, MANY = 20, 600

LABEL_MAPS = (
    b'item { id: 1 name: "hammer" }\nitem { id: 2 name: "pliers" display_name: "Pliers" }\n',
    b"".join(b"item {\n  id: %d\n  name: 'class %d'\n}\n" % (n, n) for n in range(1, 91)),
    b'item { id: 0 name: "background" } item { id: 3 name: "\\303\\251" keypoints { id: 0 } }',
)
PATHS = (
    "train_config.batch_size",
    "model.*.num_classes",
    "model.ssd.feature_extractor.type",
    "train_config.data_augmentation_options[0].random_horizontal_flip.probability",
    "model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios",
    "eval_input_reader[0].tf_record_input_reader.input_path[]",
    "train_config.optimizer.momentum_optimizer.learning_rate",
)

# protobuf decodes escapes with a codec that warns; Python shows that to nobody.
pytestmark = pytest.mark.filterwarnings("ignore:decoding with 'unicode_escape'")


def configs() -> list[bytes]:
    """Sound configs of all sizes and architectures."""
    folder = files("detectune.recipes").joinpath("templates")
    return [folder.joinpath(f"{name}.config").read_bytes() for name in models()[::4]]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_and_load(path: Path) -> bool:
    """What `config check`, `config show` and the beginning of `train` do; whether all is well."""
    problems = check_config(path)
    for problem in problems:
        assert one_line(problem.shown(str(path))) == problem.shown(str(path))
    check_message(load_config(path), check_files=False)
    return not any(problem.severity != "note" for problem in problems)


def label_map(path: Path) -> bool:
    """What reads a label map; whether nothing is said about it."""
    problems = check_label_map(path)
    for problem in problems:
        assert one_line(problem.shown(str(path))) == problem.shown(str(path))
    read_label_map(path)
    return not problems


def change(start: Message, override: str) -> bool:
    """What an assignment makes of a config; whether it is without problems."""
    config = type(start)()
    config.CopyFrom(start)
    apply_override(config, override)
    problems = check_message(config, check_files=False)
    config_text(config)
    return not any(problem.severity != "note" for problem in problems)


def try_files(
    kind: Answers, folder: Path, all_inputs: Iterator[Input], look: Callable[[Path], bool]
) -> None:
    """Each input as a file that `look` reads."""
    file = folder / "input"
    for one in all_inputs:
        file.write_bytes(one.data)
        with kind.input(f"{one.seed} ({one.kind})", [file]) as answer:
            answer.listed = not look(file)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_broken_configs_are_answered(answers, seed, folder, count):
    with answers("configs") as those:
        try_files(those, folder, inputs(first(seed), count, configs()), check_and_load)


@pytest.mark.parametrize("count", [2 * FEW, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_broken_label_maps_are_answered(answers, seed, folder, count):
    with answers("label maps") as those:
        try_files(those, folder, inputs(first(seed), count, LABEL_MAPS), label_map)


@pytest.mark.parametrize("count", [2 * FEW, pytest.param(5 * MANY, marks=pytest.mark.fuzz)])
def test_broken_overrides_are_answered(answers, seed, count):
    start = template(models()[0])
    with answers("overrides") as those:
        for override in overrides(first(seed), count, PATHS):
            with those.input(repr(override)) as answer:
                answer.listed = not change(start, override)


def first(seed: int) -> int:
    """The first of the numbers that inputs are made from."""
    return 1_000_000 * seed


@pytest.mark.parametrize("kind", MUTATIONS)
def test_every_kind_of_damage_is_made_and_is_the_same_again(kind):
    texts = configs()
    seeds = [seed for seed in range(400) if made(seed, texts[:1]).kind.startswith(kind)]
    assert seeds
    assert made(seeds[0], texts) == made(seeds[0], texts)
