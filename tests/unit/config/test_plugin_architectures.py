"""An architecture of another package: found by its entry point, and treated like our own."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_samples import good_config, write_good_config
from three_parts import three_parts

from detectune.config import architectures as asked
from detectune.config.architectures import model_needs
from detectune.config.check import check_config
from detectune.config.load import load_config
from detectune.config.report import report_fields
from detectune.config.save import config_text, write_config
from detectune.errors import ConfigError
from detectune.registry import architectures, detectors

BLOCK = "num_classes: 2 max_proposals: 7 image_resizer { fixed_shape_resizer { } }"
PLACE = "model.[toy_plugin.toy]"


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory):
    """The plug-in as pip would install it; uninstalled when these tests are done."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "toy_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{architectures.package}]\ntoy = toy_plugin\n")
    for registry in (architectures, detectors):
        registry.scan()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        for registry in (architectures, detectors):
            patch.setattr(registry, "_parts", dict(registry._parts))
        patch.setattr(architectures._modules, "_imported", False)
        yield


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that writes a good config with this text for its `model { }`."""
    monkeypatch.chdir(tmp_path)
    path = write_good_config(tmp_path)
    rest = good_config()
    rest.ClearField("model")

    def write(block: str = BLOCK, other: str = "") -> Path:
        text = f"model {{\n  {other}\n  [toy_plugin.toy] {{\n    {block}\n  }}\n}}\n"
        path.write_text(text + config_text(rest))
        return path

    return write


def test_its_block_is_read_and_found(written):
    config = load_config(written())
    architecture = asked.architecture_of(config.model)
    assert (architecture.path, type(architecture).__name__) == (PLACE, "ToyArchitecture")
    assert asked.architecture_name(config.model) == "toy"
    assert asked.num_classes(config.model) == 2
    assert asked.image_resizer(config.model).fixed_shape_resizer.height == 300
    assert model_needs(config.model).size("proposals") == 7
    assert not architecture.predicts_masks
    assert not architecture.written_for_tf1
    assert architecture.describe() == f"{PLACE}, 2 classes"


def test_a_good_config_has_no_problems(written):
    assert check_config(written()) == []


def test_it_is_written_as_it_was_read(written, tmp_path):
    config = load_config(written())
    write_config(config, tmp_path / "again.config")
    assert "[toy_plugin.toy] {" in (tmp_path / "again.config").read_text()
    assert load_config(tmp_path / "again.config") == config


@pytest.mark.parametrize(
    ("block", "field", "severity", "found"),
    [
        ("max_proposals: 7", ".num_classes", "error", "the config has no number of classes."),
        ("num_classes: 2 max_proposals: 7", ".image_resizer", "error", "no image_resizer"),
        (BLOCK.replace("7", "1"), ".max_proposals", "error", "too few."),
        (BLOCK.replace("7", "2000"), ".max_proposals", "warning", "many."),
        (f"{BLOCK} priors_path: 'no.npz'", ".priors_path", "error", "there is no file no.npz."),
        (f"{BLOCK} old_switch: true", ".old_switch", "note", "ignored. It did nothing."),
        (f"{BLOCK} gone_switch: true", ".gone_switch", "error", "It is gone."),
        (f"{BLOCK} num_clases: 2", ".num_clases", "error", "Toy has no field called num_clases."),
        (f"{BLOCK} max_proposals: 'x'", ".max_proposals", "error", "stands here more than once"),
        (BLOCK.replace("2", "9"), ".num_classes", "warning", "num_classes is 9, label_map.pbtxt"),
    ],
)
def test_config_check_asks_it(written, block, field, severity, found):
    path = written(block)
    problems = [p for p in check_config(path) if p.field == PLACE + field]
    problem = next(p for p in problems if found in p.found)
    assert problem.severity == severity
    assert 3 <= problem.line <= 4  # its block


def test_our_own_messages_inside_it_are_checked_as_everywhere(written):
    resizer = "conditional_shape_resizer { condition: INVALID }"
    config = load_config(written(BLOCK.replace("fixed_shape_resizer { }", resizer)))
    (problem,) = report_fields(config)
    assert problem.field == f"{PLACE}.image_resizer.conditional_shape_resizer.condition"


@pytest.mark.parametrize(
    "override", [f"{PLACE}.num_classes=4", "model.*.num_classes=4", f"{PLACE}={{num_classes: 4}}"]
)
def test_set_reaches_into_it(written, override):
    config = load_config(written(), [override])
    assert asked.num_classes(config.model) == 4


def test_set_replaces_another_architecture_only_as_a_whole(written):
    path = written()
    path.write_text(config_text(good_config()))
    with pytest.raises(ConfigError) as caught:
        load_config(path, [f"{PLACE}.num_classes=4"])
    place, _, next_step = three_parts(caught.value)
    assert place.endswith("this config has ssd, not [toy_plugin.toy].")
    assert next_step == "Write ssd (or *), or replace it whole: [toy_plugin.toy]={...}."
    config = load_config(path, [f"{PLACE}={{{BLOCK}}}"])
    assert asked.architecture_name(config.model) == "toy"
    config = load_config(written(), ["model.ssd={num_classes: 5}"])
    assert (asked.architecture_name(config.model), asked.num_classes(config.model)) == ("ssd", 5)


def test_two_architectures_are_refused(written):
    path = written(other="ssd { num_classes: 2 }")
    (problem,) = (p for p in check_config(path) if p.field == "model")
    assert problem.found == "it has ssd and [toy_plugin.toy]."
    with pytest.raises(ConfigError, match=r"it has ssd and \[toy_plugin.toy\]") as caught:
        asked.architecture_of(load_config(path).model)
    three_parts(caught.value)


def test_a_block_of_a_package_that_is_not_installed_names_it(written):
    path = written()
    path.write_text(path.read_text().replace("toy_plugin.toy", "cornernet_plugin.corner_net"))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    place, allowed, next_step = three_parts(caught.value)
    assert place.startswith(
        f"{path}:3:3: model.[cornernet_plugin.corner_net]: no installed package"
    )
    assert "known: [toy_plugin.toy]" in allowed
    assert "Install the package cornernet_plugin" in next_step
    (problem,) = (p for p in check_config(path) if "corner_net" in p.field)
    assert (problem.severity, problem.line) == ("error", 3)


def test_a_block_without_a_description_is_refused(written, monkeypatch):
    config = load_config(written())
    rest = {name: part for name, part in architectures._parts.items() if name != "toy"}
    monkeypatch.setattr(architectures, "_parts", rest)
    with pytest.raises(ConfigError, match="no architecture is registered as toy") as caught:
        asked.architecture_of(config.model)
    assert architectures.package in three_parts(caught.value)[2]


def test_its_detector_is_built_by_the_name_of_its_field(written):
    from detectune.detectors.build import build_detector

    config = load_config(written(BLOCK.replace("num_classes: 2", "num_classes: 3")))
    assert build_detector(config.model).num_classes == 3
    with pytest.raises(ConfigError) as caught:
        build_detector(load_config(written(BLOCK.replace("7", "1"))).model)
    assert three_parts(caught.value) == [
        f"{PLACE}.max_proposals: too few.",
        "One per class.",
        "Write more.",
    ]
