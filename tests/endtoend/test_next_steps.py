"""The next steps that need a training: after `config new`, after `train`, after errors about runs.

Those that need none are in unit/cli/test_followed_advice.py; what costs nothing more than the run
of all end-to-end tests is in test_road.py.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from command import Outcome, detectune, next_on_page
from tiny import tiny_config, write_squares

from detectune.config.load import load_config
from detectune.config.save import write_config
from detectune.recipes import templates

pytestmark = pytest.mark.slow

MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


class Project(NamedTuple):
    """A folder with data and a trained run."""

    folder: Path
    made: Outcome
    """What `config new` left behind."""
    trained: Outcome
    """What the command that it names left behind."""

    @property
    def run(self) -> Path:
        return self.folder / "training" / "my new"


def next_of(said: str) -> list[list[str]]:
    lines = [line for line in said.splitlines() if line.startswith("next: detectune ")]
    return [shlex.split(line)[2:] for line in lines]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project whose model of the zoo is the tiny detector."""
    folder = tmp_path_factory.mktemp("next") / "my project"
    write_squares(folder / "my train")
    write_squares(folder / "my test", seed=9)
    small = tiny_config()
    small.train_config.fine_tune_checkpoint = f"pre-trained/{MODEL}/checkpoint/ckpt-0"
    small.train_config.fine_tune_checkpoint_type = "detection"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(templates, "_loaded", lambda model: small)
        made = detectune(
            *("config", "new", "--model", MODEL, "--train", "my train", "--eval", "my test"),
            *("--checkpoint", "none", "--steps", "2", "-o", "my new.config"),
        )
        assert made.status == 0, made.err
        (train,) = next_of(made.out)
        return Project(folder, made, detectune(*train))


def test_the_command_after_config_new_trains(project):
    assert project.trained.status == 0, project.trained.err
    assert "done at step 2" in project.trained.err
    assert (project.run / "report.html").is_file()


def test_the_commands_of_a_report_end_well(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    for line in next_on_page(project.run):
        words = ["my test" if word == "IMAGES" else word for word in shlex.split(line)[1:]]
        done = detectune(*words)
        assert done.status == 0, (line, done.err)


def test_a_run_that_is_there_goes_on_as_the_message_says(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    (train,) = next_of(project.made.out)
    again = detectune(*train)
    assert again.status == 2
    assert again.err.endswith("Add --resume to go on with it, or choose another --model-dir.\n")
    done = detectune(*train, "--resume")
    assert done.status == 0, done.err
    assert "nothing to do: step 2 of 2 is reached" in done.err


def test_a_run_without_data_for_the_evaluation_takes_those_that_are_named(project, tmp_path):
    run, data = tmp_path / "a run", project.folder / "my test"
    shutil.copytree(project.run, run)
    config = load_config(run / "pipeline.config")
    del config.eval_input_reader[:]
    write_config(config, run / "pipeline.config")
    said = detectune("evaluate", run)
    assert said.status == 2
    assert said.err.endswith("Name them with --data, for example --data voc:images/test.\n")
    done = detectune("evaluate", run, "--data", data)
    assert done.status == 0, done.err


@pytest.mark.parametrize("what", ["nothing", "no checkpoint"])
def test_an_export_of_nothing_leads_to_one_that_works(project, tmp_path, monkeypatch, what):
    monkeypatch.chdir(project.folder)
    place = tmp_path / "empty"
    place.mkdir()
    if what == "no checkpoint":
        shutil.copy(project.run / "pipeline.config", place)
    said = detectune("export", place, "-o", tmp_path / "exported")
    assert said.status == 2
    assert said.err.splitlines()[-1].startswith("Check the path")
    assert detectune("export", "training/my new", "-o", tmp_path / "exported").status == 0
