"""Following what a command says next never leads into an error.

What a success prints is run as it stands; capital placeholders alone are filled in. What an error
advises is done, and the error is gone. Nothing here trains; see endtoend/test_next_steps.py.
"""

from __future__ import annotations

import io
import re
import shlex
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image
from tiny import tiny_config, write_squares

from detectune.cli.main import main
from detectune.config.save import write_config

MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


class Said(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def advice(self) -> str:
        """The last part of an error."""
        return self.err.rstrip("\n").rpartition("\n")[2]


Run = Callable[..., Said]


@pytest.fixture
def run(capsys, tmp_path, monkeypatch) -> Run:
    """Runs a command in a new folder whose names have spaces."""
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DETECTUNE_ZOO_MIRROR", raising=False)

    def run(*words: object) -> Said:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        return Said(left.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def data(run) -> tuple[str, str]:
    """Two data sets."""
    write_squares(Path("my train"))
    write_squares(Path("my test"), seed=9)
    return "my train", "my test"


@pytest.fixture
def mirror(monkeypatch) -> None:
    """A folder with an archive of the zoo, which stands in for its server."""
    Path("mirror").mkdir()
    with tarfile.open(f"mirror/{MODEL}.tar.gz", "w:gz") as tar:
        for ending in ("index", "data-00000-of-00001"):
            member = tarfile.TarInfo(f"{MODEL}/checkpoint/ckpt-0.{ending}")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    monkeypatch.setenv("DETECTUNE_ZOO_MIRROR", "mirror")


def commands_in(text: str, **placeholders: str) -> list[list[str]]:
    """The words of every command that `text` shows, placeholders filled in."""
    found = re.findall(r"^(?:next: |download: +)detectune (.*)$|`detectune ([^`]*)`", text, re.M)
    return [
        [placeholders.get(word, word) for word in shlex.split(alone or inside)]
        for alone, inside in found
    ]


def follow(run: Run, text: str, **placeholders: str) -> list[Said]:
    """Run every command that `text` shows; all must end well."""
    commands = commands_in(text, **placeholders)
    assert commands, text
    done = []
    for words in commands:
        done.append(run(*words))
        assert done[-1].status == 0, (words, done[-1])
    return done


def new(run: Run, data: tuple[str, str], *more: str) -> Said:
    train, test = data
    words = ("config", "new", "--model", MODEL, "--train", train, "--eval", test)
    return run(*words, "-o", "my new.config", *more)


# --- what comes after a success -------------------------------------------------------------------


def test_a_project_is_filled_by_the_commands_of_its_readme(run, mirror, monkeypatch):
    made = run("init", "a project")
    assert made.out.splitlines()[-1] == (
        "next: put pictures and annotations into a project/images/train"
    )
    monkeypatch.setenv("DETECTUNE_ZOO_MIRROR", str(Path("mirror").resolve()))
    monkeypatch.chdir("a project")
    for name, seed in (("train", 1), ("test", 2)):
        Path("images", name).rmdir()
        write_squares(Path("images", name), seed=seed)
    lines = Path("README.md").read_text().replace("\\\n", " ").splitlines()
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("    detectune ")]
    assert [words[0] for words in commands] == ["data", "zoo", "config", "train", "predict"]
    for words in commands[:3]:
        assert run(*words).status == 0, words
    assert run("config", "check", commands[3][1]).status == 0


def test_config_new_leads_to_a_checkpoint_and_a_config_without_an_error(run, data, mirror):
    made = new(run, data)
    assert made.status == 0, made.err
    fetch, train = commands_in(made.out)
    assert run("config", "check", "my new.config").status == 2
    assert run(*fetch).status == 0
    checked = run("config", "check", "my new.config", "--data")
    assert (checked.status, checked.out) == (0, "my new.config: no problems\n")
    assert train == ["train", "my new.config", "--model-dir", "training/my new"]


def test_the_checkpoint_that_a_download_names_passes_the_check(run, data, mirror):
    (shown,) = follow(run, run("zoo", "show", MODEL).out)
    (line,) = re.findall(r'^fine_tune_checkpoint: "(.*)"$', shown.out, re.M)
    new(run, data, "--checkpoint", line)
    assert run("config", "check", "my new.config").status == 0


def test_an_inspection_that_found_much_leads_to_all_of_it(run, data):
    labels = Path("my train/labels.csv")
    labels.write_text(labels.read_text().replace("blue", ""))
    said = run("data", "inspect", "my train")
    if "list every defect" not in said.out:
        pytest.fail(said.out)
    options = re.findall(r"(--json|--report) (\S+)", said.out)
    words = [word for pair in options for word in pair]
    assert run("data", "inspect", "my train", *words).status == 0
    assert Path("FILE").is_file()
    assert Path("FILE.html").is_file()


def test_an_undivided_conversion_leads_to_a_divided_one(run, data):
    said = run("data", "convert", "my train", "yolo", "--to", "yolo")
    follow(run, said.out, DEST="parts")
    text = Path("yolo/data.yaml").read_text()
    assert text.startswith("# Not divided: val: is the same folder as train:")
    for part in ("train", "val", "test"):
        assert run("data", "inspect", f"parts/data.yaml#{part}").status == 0
    assert "Not divided" not in Path("parts/data.yaml").read_text()


# --- what an error advises ------------------------------------------------------------------------


def test_a_label_map_that_is_missing(run, data):
    new(run, data, "--checkpoint", "none")
    Path("my new.label_map.pbtxt").rename("my new.labelmap.pbtxt")
    said = run("config", "check", "my new.config")
    near = re.findall(r"label map .*Did you mean \"(.*)\"\?", said.out)
    assert set(near) == {"my new.labelmap.pbtxt"}
    changes = [
        f'--set={reader}.label_map_path="{near[0]}"'
        for reader in ("train_input_reader", "eval_input_reader[0]")
    ]
    assert run("config", "check", "my new.config", *changes).status == 0
    # `train` says it, too.
    said = run("train", "my new.config", "--model-dir", "run")
    assert said.advice == f'Did you mean "{near[0]}"?'


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("my trian", ("data", "inspect")),
        ("csv:my train/label.csv", ("data", "inspect")),
        ("my new.conf", ("config", "check")),
        ("my new.conf", ("config", "show")),
    ],
)
def test_a_path_with_a_slip(run, data, wrong, words):
    new(run, data, "--checkpoint", "none")
    said = run(*words, wrong)
    assert said.status == 2
    (near,) = re.findall(r"Did you mean \"(.*)\"\?", said.advice)
    assert run(*words, near).status == 0


@pytest.mark.parametrize("count", [1, 5])
def test_a_number_of_classes_that_does_not_fit(run, data, count):
    new(run, data, "--checkpoint", "none")
    said = run("config", "check", "my new.config", f"--set=model.ssd.num_classes={count}")
    (advised,) = re.findall(r"Write num_classes: (\d+)\.", said.out)
    checked = run("config", "check", "my new.config", f"--set=model.ssd.num_classes={advised}")
    assert checked.status == 0
    assert "num_classes" not in checked.out
    if count == 1:
        change = "--set=model.ssd.num_classes=1"
        said = run("train", "my new.config", "--model-dir", "run", change)
        assert said.advice == f"Set num_classes: {advised}."


def test_a_checkpoint_that_is_missing(run, data, mirror):
    new(run, data)
    said = run("config", "check", "my new.config")
    assert said.status == 2
    (fetch,) = commands_in(said.out)
    assert fetch == ["zoo", "download", MODEL]
    follow(run, said.out)
    assert run("config", "check", "my new.config").status == 0
    elsewhere = f'--set=train_config.fine_tune_checkpoint="my zoo/{MODEL}/checkpoint/ckpt-0"'
    said = run("config", "check", "my new.config", elsewhere)
    assert commands_in(said.out) == [[*fetch, "--into", "my zoo"]]
    follow(run, said.out)
    assert run("config", "check", "my new.config", elsewhere).status == 0


def test_a_checkpoint_for_a_new_config_that_is_missing(run, data, mirror):
    said = new(run, data, "--checkpoint", "nowhere")
    assert "leave --checkpoint out" in said.advice
    follow(run, new(run, data).out.partition("next: detectune train")[0])


def test_data_without_an_object(run, data):
    Path("no boxes").mkdir()
    Image.new("RGB", (30, 30)).save("no boxes/a.png")
    said = new(run, ("no boxes", "my test"))
    assert "its only image has no box." in said.err
    follow(run, said.advice)
    Path("mine.pbtxt").write_text('item { id: 1 name: "nut" }')
    assert "or give the classes with --label-map" in said.advice
    config = tiny_config(Path("my test"))
    config.train_input_reader.source = "images:no boxes"
    write_config(config, "none.config")
    said = run("train", "none.config", "--model-dir", "run")
    assert said.status == 2
    (done,) = follow(run, said.advice)
    assert "1 image, without boxes; 0 boxes" in done.out


def test_a_model_with_a_slip(run, data):
    said = run(
        *("config", "new", "--model", "ssd_mobilenet_v2_fpnlite", "--train", "my train"),
        *("--eval", "my test", "-o", "x.config"),
    )
    (near,) = re.findall(r"Did you mean \"(.*)\"\?", said.advice)
    assert near.startswith("ssd_mobilenet_v2_fpnlite_")
    assert run("zoo", "show", near).status == 0
    said = run("zoo", "show", "ssd_mobilenet_v2_fpnlite")
    assert f'Did you mean "{near}"?' in said.advice
    follow(run, said.advice)


def test_a_network_of_tensorflow_1_that_is_not_built(run, data):
    new(run, data, "--checkpoint", "none")
    field = "model.ssd.feature_extractor.type"
    said = run("config", "check", "my new.config", f'--set={field}="ssd_mobiledet_cpu"')
    assert said.status == 2
    (nearest,) = re.findall(r"Write type: \"(.*?)\"", said.out)
    said = run("config", "check", "my new.config", f'--set={field}="{nearest}"')
    assert f"{field}: the feature extractor" not in said.out


def test_a_file_that_exists(run, data):
    new(run, data, "--checkpoint", "none")
    said = new(run, data, "--checkpoint", "none")
    assert said.status == 2
    assert "add --force" in said.advice
    assert new(run, data, "--checkpoint", "none", "--force").status == 0


def test_a_split_that_is_not_there(run, data):
    follow(run, run("data", "inspect", "my train#val").advice, DEST="parts")
    Path("parts/label_map.pbtxt").unlink()
    run("data", "split", "my train", "yolo parts", "--to", "yolo")
    said = run("data", "inspect", "yolo parts/data.yaml#other")
    (named,) = re.findall(r"such as (.*?), or", said.advice)
    assert run("data", "inspect", named).status == 0
    assert follow(run, said.advice, DEST="more parts")


def test_a_defect_that_training_refuses(run, data):
    labels = Path("my train/labels.csv")
    labels.write_text(re.sub(r",\d+\n", ",\n", labels.read_text(), count=2))
    config = tiny_config(Path("my train"))
    write_config(config, "c.config")
    said = run("train", "c.config", "--model-dir", "run")
    assert said.status == 2
    follow(run, said.advice, DEST="sound")
    assert run("data", "inspect", "sound").out.rstrip().endswith("No defects found.")


def test_images_on_both_sides(run, data):
    run("data", "convert", "my train", "yolo", "--to", "yolo")
    new(run, ("yolo", "yolo"), "--checkpoint", "none")
    said = run("config", "check", "my new.config", "--data")
    assert (
        "all 8 evaluation images are among the training images, because in yolo/data.yaml, val: is "
        "the same folder as train:."
    ) in said.out
    assert "is used for training too" not in said.out
    (divide,) = [words for words in commands_in(said.out, DEST="parts") if "split" in words]
    assert run(*divide, "--to", "yolo").status == 0
    new(run, ("parts/data.yaml", "parts/data.yaml"), "--checkpoint", "none", "--force")
    assert "evaluation images" not in run("config", "check", "my new.config", "--data").out


def test_label_maps_that_number_classes_in_two_ways(run, data):
    new(run, data, "--checkpoint", "none")
    Path("other.pbtxt").write_text('item { id: 2 name: "blue" } item { id: 1 name: "red" }')
    other = '--set=eval_input_reader[0].label_map_path="other.pbtxt"'
    said = run("config", "check", "my new.config", other)
    assert '"red" is 2 in training and 1 in evaluation' in said.out
    assert "Give both readers the same label_map_path." in said.out
    assert "in training and" not in run("config", "check", "my new.config").out
    # Without a label map for the training its classes are those of the data.
    alone = '--set=train_input_reader.label_map_path=""'
    said = run("config", "check", "my new.config", other, alone, "--data")
    assert said.out.count('"red" is 2 in training and 1 in evaluation') == 1


@pytest.mark.parametrize("words", [("evaluate",), ("export", "-o", "x"), ("predict", "my test")])
def test_a_run_that_is_not_there(run, data, words):
    command, *rest = words
    said = run(command, "nowhere", *rest)
    assert said.status == 2
    ((program, *_),) = commands_in(said.advice)
    assert program == "train"


def test_a_model_of_the_zoo_that_was_not_fetched(run, mirror):
    said = run("evaluate", MODEL)
    assert said.status == 2
    assert said.advice.endswith(f"then give pre-trained/{MODEL}.")
    follow(run, said.advice)
    assert Path(f"pre-trained/{MODEL}").is_dir()


def test_an_archive_into_a_file(run, mirror):
    Path("file").write_text("x")
    said = run("zoo", "download", MODEL, "--into", "file")
    assert said.status == 1
    assert "file: a file stands where the folder should be" in said.err
    assert "choose another folder with --into" in said.advice
    assert run("zoo", "download", MODEL, "--into", "folder").status == 0


@pytest.mark.parametrize(
    ("change", "option"), [("rde=green", "--rename"), ("rde", "--drop"), ("bleu=x", "--rename")]
)
def test_a_class_with_a_slip(run, data, change, option):
    said = run("data", "convert", "my train", "out", "--to", "coco", option, change)
    (near,) = re.findall(r"Did you mean \"(.*)\"\?", said.advice)
    right = change.replace(change.partition("=")[0], near)
    assert run("data", "convert", "my train", "out", "--to", "coco", option, right).status == 0


def test_a_command_with_a_slip(run):
    said = run("trian")
    assert 'Did you mean "train"?' in said.advice
    follow(run, said.advice)
