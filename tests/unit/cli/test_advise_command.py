"""`detectune advise`, `data anchors` and `config new --from-advice`, as they are typed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
from advice_data import PROCESSOR, boxed_images
from shared import shared_folder

from detectune.advice import advise as advise_module

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "guides" / "advise.md"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(advise_module, "this_machine", lambda: PROCESSOR.machine)
    monkeypatch.setattr(advise_module, "probe", lambda: PROCESSOR.gflops)
    boxed_images(tmp_path / "images" / "train", 12, side=(10, 90))
    boxed_images(tmp_path / "images" / "test", 4, side=(10, 90))
    return tmp_path


def test_the_commands_of_the_guide_run_as_they_stand(run):
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) == 6
    for line in lines:
        status, out, err = run(*shlex.split(line)[1:])
        if "config check" in line:  # nothing was downloaded
            assert out.count("error: ") == 1
            assert "fine_tune_checkpoint" in out
        else:
            assert (status, err) == (0, ""), line
    assert json.loads(Path("anchors.json").read_text())["worth_it"] is True
    assert ElementTree.parse("anchors.svg").getroot().tag.endswith("svg")


def test_the_advice_is_printed_with_reasons_and_next_steps(run):
    status, out, _ = run("advise", "images/train", "--json", "a.json")
    assert status == 0
    assert "method: fine-tune heads\n  12 images, fewer than 100: " in out
    assert "\n  from: judgement" in out
    assert "anchor_generator {\n  multiscale_anchor_generator {" in out
    assert "written: a.json" in out
    last = [line for line in out.splitlines() if line.startswith("next: ")]
    assert last[2].startswith("next: detectune config new --from-advice a.json --train divided/")
    assert json.loads(Path("a.json").read_text())["method"] == "fine-tune heads"


def test_the_text_of_anchors_is_the_end_of_what_is_printed(run):
    status, out, _ = run("data", "anchors", "images/train", "--clusters", "9")
    assert status == 0
    assert "note: 9 clusters were asked for; the boxes have 1 different size" in out
    assert out.rstrip().endswith("    scales_per_octave: 2\n  }\n}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("advise", "nowhere"), "nowhere: there is no such file or folder."),
        (("advise", "images/train", "--minutes", "0"), "--minutes"),
        (("advise", "images/train", "--minutes", "nan"), "--minutes"),
        (("advise", "images/train", "--target-ms", "-3"), "--target-ms"),
        (("advise", "images/train", "--target-ms", "soon"), "--target-ms"),
        (("advise", "images:images/train"), "none of its 12 images has a box."),
        (("data", "anchors", "images/train", "--clusters", "0"), "--clusters"),
        (("data", "anchors", "images/train", "--picture", "a.png"), "it does not end in .svg."),
        (("data", "anchors", "images/train", "--model", "yolo"), 'there is no model called "yolo"'),
        (("data", "anchors", "images/train", "--config", "no.config"), "no.config"),
        (("data", "anchors", "images/train", "--model", "a", "--config", "b"), "are two models."),
        (("config", "new", "--train", "a", "--eval", "b", "-o", "c"), "--model"),
        (("config", "new", "--model", "a", "--eval", "b", "-o", "c"), "--train"),
        (
            ("config", "new", "--from-advice", "a", "--model", "m", "--eval", "b", "-o", "c"),
            "--from-advice a and --model m: there are two models.",
        ),
    ],
)
def test_wrong_words_are_refused_with_2(run, words, said):
    status, _, err = run(*words)
    assert status == 2
    assert said in err


def test_images_that_cannot_be_read_are_said(run):
    for image in Path("images/train").glob("*.png"):
        image.write_bytes(b"no image")
    status, _, err = run("advise", "images/train")
    assert status == 2
    assert "none of its 12 images can be read." in err


def test_one_image_is_advised_about(run, tmp_path):
    boxed_images(tmp_path / "one", 1, ("nut",))
    status, out, _ = run("advise", "one")
    assert status == 0
    assert "\n1 image, 0 of them without boxes" in out
    assert "method: R-CNN\n" in out
    assert "1 image and no accelerator" in out


@pytest.mark.parity
def test_the_picture_in_the_guide_is_what_the_command_draws(run):
    data = shared_folder() / "datasets" / "bccd"
    assert run("data", "anchors", str(data), "--picture", "a.svg")[0] == 0
    drawn = (ROOT / "docs" / "pictures" / "anchors.svg").read_text("utf-8")
    assert Path("a.svg").read_text("utf-8") == drawn
