"""What README and docs show works: commands exist, snippets run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import keras
import numpy as np
import pytest
from command_lines import known_options, refuse_unknown
from features_data import class_folders
from google.protobuf import text_format
from own_networks import small_network
from PIL import Image
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config, write_squares

import detectune
from detectune.config import schema
from detectune.config.freezing import freezing_conflicts, freezing_warnings
from detectune.config.save import write_config
from detectune.detectors.build import build_detector
from detectune.features import keras_network
from detectune.features.extract import extract_features
from detectune.training.freezing import Freezing
from detectune.training.logs import read_metrics

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = ROOT / "docs" / "snippets"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# These pages are made from the code, and show commands with placeholders.
WRITTEN = {"cli.md", "config-fields.md", "python.md", "parts.md"}


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def command_lines() -> list[tuple[str, str]]:
    """(page, line) of every `detectune …` that a page shows in a block."""
    found = []
    for page in PAGES:
        if page.name in WRITTEN:
            continue
        for language, text in blocks(page):
            if language not in ("", "sh", "console"):
                continue
            for line in text.replace("\\\n", " ").splitlines():
                for part in line.split("&&"):
                    words = part.strip().removeprefix("$ ").removeprefix(".venv/bin/")
                    if words.startswith("detectune "):
                        # Two spaces begin a remark.
                        found.append((page.name, re.split(r" {2,}(?![ -])", words)[0]))
    return found


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_a_command_that_a_page_shows_exists_with_these_options(page, line):
    refuse_unknown(line, whole="…" not in line)


def inline_commands() -> list[tuple[str, str]]:
    """(page, code) of every `detectune …` in a sentence."""
    return [
        (page.name, code)
        for page in PAGES
        if page.name not in WRITTEN
        for code in re.findall(r"`(detectune [a-z][^`\n]*)`", page.read_text("utf-8"))
    ]


def test_the_commands_and_options_in_sentences_exist():
    known = {*known_options(), "--help", "--version"}
    odd = []
    for page, code in inline_commands():
        words = code.replace("|", " ").split()
        refuse_unknown(code.partition("|")[0], whole=False)
        odd += [(page, code) for word in words if word.startswith("--") and word not in known]
    assert odd == []


def test_enough_commands_were_found():
    assert len(command_lines()) > 40


def test_every_python_block_is_a_snippet_that_a_test_runs():
    snippets = {file.read_text("utf-8") for file in SNIPPETS.rglob("*.py")}
    # CONTRIBUTING.md shows the shape of a function, evaluation.md is run below.
    shown = [
        (page.name, text)
        for page in PAGES
        if page.name not in ("CONTRIBUTING.md", "evaluation.md")
        for language, text in blocks(page)
        if language == "python"
    ]
    assert len(shown) >= 4
    assert [page for page, text in shown if text not in snippets] == []


def test_the_guide_to_extending_shows_the_package_that_a_test_runs():
    toys = SNIPPETS / "detectune_toys"
    shown = {text for _, text in blocks(ROOT / "docs" / "guides" / "extending.md")}
    files = [
        file
        for file in toys.rglob("*")
        if file.suffix in (".py", ".proto", ".toml", ".config")
        and file.name != "__init__.py"
        and not file.stem.endswith("_pb2")
    ]
    assert len(files) == 11
    assert [file.name for file in files if file.read_text("utf-8") not in shown] == []


def test_the_evaluation_example_prints_what_it_says(capsys):
    ((_, text),) = [b for b in blocks(ROOT / "docs/concepts/evaluation.md") if b[0] == "python"]
    exec(compile(text, "evaluation.md", "exec"), {})
    assert f"# {float(capsys.readouterr().out):.1f}\n" in text


@pytest.fixture(scope="module")
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


def two_maps(config: schema.TrainEvalPipelineConfig) -> schema.TrainEvalPipelineConfig:
    """The config without the finest map: less is traced."""
    ssd = config.model.ssd
    ssd.feature_extractor.fpn.min_level = 4
    ssd.anchor_generator.multiscale_anchor_generator.min_level = 4
    return config


@pytest.fixture(scope="module")
def project(small_backbone, tmp_path_factory):
    """A folder as the first guide makes it, with a config of a tiny detector."""
    folder = tmp_path_factory.mktemp("project")
    images = write_squares(folder / "images" / "test")
    with Image.open(images / "square0.png") as image:
        image.save(images / "one.jpg")
    config = two_maps(tiny_config(images, extractor=EXTRACTOR))
    config.train_config.num_steps = 2
    config.train_config.evaluate_every_steps = 2
    (folder / "training").mkdir()
    write_config(config, folder / "training" / "first.config")
    return folder


def test_the_snippets_train_predict_export_and_restore(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    runpy.run_path(str(SNIPPETS / "first_run.py"))
    out = capsys.readouterr().out
    assert re.match(r"mAP [01]\.\d{3}\n", out)
    assert (project / "exported" / "second" / "saved_model" / "saved_model.pb").is_file()
    with Image.open(project / "one.png") as drawn:
        assert drawn.width >= 100

    (project / "training" / "second").rename(project / "training" / "first")
    runpy.run_path(str(SNIPPETS / "restore_checkpoint.py"))
    out = capsys.readouterr().out
    assert 'type "detection"' in out
    assert "[] left over" in out


def test_the_snippet_of_any_backbone_trains_and_predicts(project, monkeypatch, capsys):
    config = two_maps(tiny_config(project / "images" / "test"))
    config.train_config.num_steps = 1
    config.model.ssd.feature_extractor.type = "ssd_fpn_keras"
    del config.eval_input_reader[:]
    write_config(config, project / "training" / "own.config")
    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", lambda **_: small_network(top=False))
    monkeypatch.chdir(project)
    runpy.run_path(str(SNIPPETS / "own_backbone.py"))
    assert "'bbox'" in capsys.readouterr().out
    assert (project / "training" / "own" / "backbone.json").is_file()


@pytest.fixture
def gradual(project, tmp_path, monkeypatch):
    """A folder with a config of two steps, of a backbone with more layers than the small one."""
    config = tiny_config(project / "images" / "test")
    config.train_config.num_steps = config.train_config.evaluate_every_steps = 2
    (tmp_path / "training").mkdir()
    write_config(config, tmp_path / "training" / "first.config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_snippet_about_freezing_asks_for_what_a_detector_has(gradual, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        detectune, "train", lambda config, **more: asked.update(more, config=config)
    )
    runpy.run_path(str(SNIPPETS / "freezing.py"))
    assert asked["model_dir"] == "training/gradual"
    freezing = Freezing(build_detector(asked["config"].model), asked["config"].train_config)
    (unfrozen,) = freezing.unfrozen
    said = unfrozen.summary()
    assert said.startswith("unfrozen at step 1: the backbone after its first 60 layers")
    freezing.at(0)
    assert not any(variable.trainable for variable in unfrozen.variables)
    freezing.at(1)
    assert all(variable.trainable for variable in unfrozen.variables)


@pytest.mark.slow
def test_the_snippet_about_freezing_unfreezes_on_the_way(gradual):
    runpy.run_path(str(SNIPPETS / "freezing.py"))
    rows = read_metrics(gradual / "training" / "gradual" / "metrics.jsonl")
    said = [row["unfrozen"] for row in rows if "unfrozen" in row]
    assert len(said) == 1
    assert said[0].startswith("unfrozen at step 1: the backbone after its first 60 layers")


def test_configs_in_the_guide_to_freezing_can_be_meant():
    shown = [
        text for _, text in blocks(ROOT / "docs/guides/freezing.md") if "train_config {" in text
    ]
    assert len(shown) == 4
    for text in shown:
        train = text_format.Parse(text, schema.TrainEvalPipelineConfig()).train_config
        assert [*freezing_conflicts(train), *freezing_warnings(train)] == []


def test_the_guide_to_studies_has_a_place_for_each_study_that_is_measured(tmp_path):
    spec = importlib.util.spec_from_file_location("study", ROOT / "benchmarks/study.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    file = tmp_path / "study.csv"
    header = "images,seed,start,freeze,mAP,mAP@.5,steps,seconds,state,reason\n"
    lines = ["10,0,scratch,none,0.1,0.2,9,1.0,done,", "10,1,scratch,none,0.3,0.4,9,1.0,done,"]
    file.write_text(header + "\n".join(lines))
    table = program.table(program.read_rows(file))
    assert table == "| mAP by images | 10 |\n|---|---|\n| scratch | 0.200 (0.10–0.30) |"
    guide = program.GUIDE.read_text("utf-8")
    for name in ("raccoon", "bccd"):
        changed = program.in_guide(guide, name, table)
        assert f"<!-- study {name} -->\n{table}\n<!-- end of study {name} -->" in changed
    file.write_text(header + "10,0,scratch,none,,,,,failed,nan\n")
    with pytest.raises(SystemExit, match="not done"):
        program.read_rows(file)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_the_snippets_on_classifiers_restore_one_and_make_vectors(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    config = tiny_config(extractor="ssd_mobilenet_v1_fpn_keras")
    config.model.ssd.feature_extractor.depth_multiplier = 1.0
    config.model.ssd.feature_extractor.use_depthwise = False
    write_config(config, project / "training" / "first.config")
    network = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(96, 96, 3))
    network.save("my_network.keras")
    runpy.run_path(str(SNIPPETS / "classifier_start.py"))
    assert "restored 135 of " in capsys.readouterr().out
    small_network(96).export("mobilenet_feature_vector", verbose=False)
    runpy.run_path(str(SNIPPETS / "image_vectors.py"))
    assert capsys.readouterr().out == "(96, 96) (0.0, 1.0) 7\n(1, 7)\n"


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning")  # of Keras
def test_the_snippets_on_features_give_the_same_vectors(tmp_path, monkeypatch, capsys):
    class_folders(tmp_path / "flowers" / "train", 3)
    test = class_folders(tmp_path / "flowers" / "test", 1)
    (test / "blue").rename(test / "rose")
    (test / "rose" / "0.png").rename(test / "rose" / "1.jpg")

    def random(*, input_shape, **_):
        keras.utils.set_random_seed(5)
        images = keras.Input(input_shape)
        maps = keras.layers.Conv2D(1280, 8, strides=32, activation="relu")(images)
        return keras.Model(images, keras.layers.GlobalAveragePooling2D()(maps))

    # Without internet there are no published weights: both sides get the same random ones, in one
    # layer.
    random.__module__ = keras.applications.MobileNetV2.__module__
    monkeypatch.setattr(keras.applications, "MobileNetV2", random)
    monkeypatch.setattr(keras_network, "keras_weights_file", lambda name: name)
    monkeypatch.setattr(keras_network, "load_keras_weights", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(SNIPPETS / "features.py"))
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "6 1280 {'blue': 3, 'red': 3}"
    assert out[1].startswith("balanced accuracy ")
    assert [line.split()[0] for line in out[3:]] == ["0.png", "1.jpg"]
    found = runpy.run_path(str(SNIPPETS / "features_keras.py"))["vector"]
    ours = extract_features("flowers/test/rose", "MobileNetV2", batch_size=1, crops="image")
    np.testing.assert_allclose(ours.vectors[0], found, rtol=0, atol=1e-6)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def drawings():
    """The program that draws the diagrams."""
    spec = importlib.util.spec_from_file_location("draw_diagrams", ROOT / "tools/draw_diagrams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_diagrams_are_those_that_would_be_drawn_now():
    assert drawings().stale() == [], "run python tools/draw_diagrams.py"


@pytest.mark.parametrize("name", sorted(drawings().DRAWINGS))
def test_a_diagram_fits_and_asks_nothing_of_the_network(name):
    text = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text("utf-8")
    tree = ElementTree.fromstring(text)
    left, top, width, height = map(float, tree.attrib["viewBox"].split())
    assert (left, top, width) == (0, 0, 480)
    assert "href" not in text
    assert text.count("http") == 1  # the name space
    for element in tree.iter("{http://www.w3.org/2000/svg}text"):
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        assert 0 < x < width, element.text
        assert 0 < y <= height - 6, element.text
        letter = 7.6 if "c" in element.attrib["class"].split() else 7.1  # pixels, at most
        beside = {"e": -1.0, "m": 0.5}
        share = next((beside[s] for s in element.attrib["class"].split() if s in beside), 1.0)
        assert 0 <= x + share * letter * len(element.text) <= width, element.text


def test_every_diagram_is_shown_with_words_for_those_who_do_not_see_it():
    shown = {}
    for page in PAGES:
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+\.svg)\)", page.read_text("utf-8")):
            shown[Path(target).stem] = words
    # Drawn by `data anchors`, benchmarks/features.py and benchmarks/study.py.
    measured = {name for name in shown if re.match("anchors$|features-|study-", name)}
    assert set(shown) - measured == set(drawings().DRAWINGS)
    assert all(len(words) > 30 for words in shown.values())


def test_pages_have_no_drawings_of_letters_which_a_column_would_cut_off():
    pages = [page for page in PAGES if page.is_relative_to(ROOT / "docs")]
    drawn = {
        page.name: line
        for page in pages
        for language, text in blocks(page)
        for line in text.splitlines()
        if language == "" and re.search("[─│┌└├►▼◄]", line)
    }
    assert drawn == {}


def test_every_guide_and_decision_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [
        page.relative_to(ROOT / "docs").as_posix()
        for page in (ROOT / "docs").rglob("*.md")
        if "snippets" not in page.parts
    ]
    assert [page for page in pages if page not in navigation] == []
