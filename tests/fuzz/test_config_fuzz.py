"""Broken configs and label maps end in an answer: errors of detectune, in seconds, and no others.

`python -m pytest -m fuzz tests/fuzz` tries thousands; a few hundred are tried in every run.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from config_inputs import MUTATIONS, inputs, made, overrides

from detectune.config.check import check_config, check_message
from detectune.config.label_map import check_label_map, read_label_map
from detectune.config.load import load_config
from detectune.config.overrides import apply_override
from detectune.config.save import config_text
from detectune.errors import ConfigError
from detectune.recipes.templates import models, template
from detectune.wording import one_line

_MOST_SECONDS = 10.0
_MOST_MB = 1000
_MANY, _FEW = 2000, 40

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


def answered(name: str, call: Callable[[], object]) -> None:
    """`call` ends within the limits, well or with a `ConfigError` of three parts."""
    before, started = _peak_mb(), time.process_time()
    try:
        call()
    except ConfigError as error:
        lines = str(error).split("\n")
        assert len(lines) >= 3, (name, lines)
        assert lines[0].strip(), (name, lines)
        assert lines[-1].strip(), (name, lines)
    except Exception as error:
        raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
    assert time.process_time() - started < _MOST_SECONDS, name
    assert _peak_mb() - before < _MOST_MB, name


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def check_and_load(path: Path) -> None:
    """What `config check`, `config show` and the beginning of `train` do."""
    for problem in check_config(path):
        assert one_line(problem.shown(str(path))) == problem.shown(str(path))
    check_message(load_config(path), check_files=False)


def label_map(path: Path) -> None:
    for problem in check_label_map(path):
        assert one_line(problem.shown(str(path))) == problem.shown(str(path))
    read_label_map(path)


def broken_files(folder: Path, texts: list[bytes], first: int, count: int) -> Iterator[str]:
    """Writes each input to `input`; its name."""
    for one in inputs(first, count, texts):
        (folder / "input").write_bytes(one.data)
        yield f"seed {one.seed} ({one.kind})"


def try_configs(folder: Path, first: int, count: int) -> None:
    for name in broken_files(folder, configs(), first, count):
        answered(name, lambda: check_and_load(folder / "input"))


def try_label_maps(folder: Path, first: int, count: int) -> None:
    for name in broken_files(folder, list(LABEL_MAPS), first, count):
        answered(name, lambda: label_map(folder / "input"))


def try_overrides(first: int, count: int) -> None:
    start = template(models()[0])
    for override in overrides(first, count, PATHS):
        config = type(start)()
        config.CopyFrom(start)

        def change(config=config, override=override) -> None:
            apply_override(config, override)
            check_message(config, check_files=False)
            config_text(config)

        answered(repr(override), change)


def test_some_broken_configs_are_answered(folder):
    try_configs(folder, 0, _FEW)


def test_some_broken_label_maps_are_answered(folder):
    try_label_maps(folder, 0, 2 * _FEW)


def test_some_broken_overrides_are_answered():
    try_overrides(0, 2 * _FEW)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_every_kind_of_damage_is_made_and_is_the_same_again(kind):
    texts = configs()
    seeds = [seed for seed in range(400) if made(seed, texts[:1]).kind.startswith(kind)]
    assert seeds
    assert made(seeds[0], texts) == made(seeds[0], texts)


@pytest.mark.fuzz
def test_broken_configs_are_answered(folder):
    try_configs(folder, 1_000, _MANY)


@pytest.mark.fuzz
def test_broken_label_maps_are_answered(folder):
    try_label_maps(folder, 1_000, _MANY)


@pytest.mark.fuzz
def test_broken_overrides_are_answered():
    try_overrides(1_000, 5 * _MANY)
