"""`detectune study` says what it does and leaves with the status that says how it went."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectune.cli.main import main
from detectune.config.save import write_config
from detectune.study import cell_process

GRID = ["--images", "2,all", "--seeds", "1", "--start", "scratch,detection", "--freeze", "none"]


@pytest.fixture
def command(config, trainings, monkeypatch, capfd):
    """Runs the command; its status and what it said."""
    write_config(config, "red.config")
    modules = []

    def run(module, files):
        modules.append(module)
        return trainings(files)

    monkeypatch.setattr(cell_process, "run_in_process", run)

    def call(*words: str) -> tuple[object, str]:
        with pytest.raises(SystemExit) as left:
            main(["study", "red.config", *GRID, "-o", "S", *words])
        out, err = capfd.readouterr()
        assert out == ""
        return left.value.code, err

    call.modules = modules
    return call


def test_a_study_leaves_its_page_and_status_0(command, trainings):
    status, said = command()
    assert status == 0
    assert "4 trainings to go; how long they take is known after the first" in said
    assert said.rstrip().endswith("S/study.html, study.svg, study.csv")
    assert command.modules == ["detectune.cli.study_cell"] * 4
    page = Path("S/study.html").read_text()
    assert page.count('href="runs/') == 4
    assert "<script" not in page
    assert "src=" not in page
    assert "0.200" in page


def test_a_failure_is_status_1(command, trainings):
    trainings.failing = "6-images"
    status, said = command()
    assert status == 1
    assert "failed: the loss is not finite" in said
    assert "2 trainings failed; the same command tries them again" in said


def test_the_keyboard_is_status_130_and_says_how_to_go_on(command, trainings):
    trainings.killed = "6-images"
    status, said = command()
    assert status == 130
    assert "the same command goes on with the study" in said


def test_a_dry_run_trains_nothing(command, trainings):
    status, said = command("--dry-run")
    assert status == 0
    assert "6 images, seed 0, detection: to do" in said
    assert trainings.names == []
    assert not Path("S").exists()


def test_changes_of_the_command_line_belong_to_the_config(command, trainings):
    assert command("--set", "train_config.batch_size=2")[0] == 0
    batches = {config.train_config.batch_size for config in trainings.configs.values()}
    assert batches == {2}
    status, said = command()
    assert status == 2
    assert "another config: - batch_size: 2, + batch_size: 8" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--images", "7"], "--images: 7 of csv:train/labels.csv, which has 6 images"),
        (["--images", "few"], '--images: "few" is no number'),
        (["--start", "classification"], "--start classification: the config names no such weights"),
        (["--freeze", "backbone", "--start", "scratch"], "what is frozen would stay random"),
        (["--detection-checkpoint", "none"], "--start detection: there is no checkpoint none"),
    ],
)
def test_what_cannot_be_meant_is_status_2_and_leaves_nothing(command, words, said):
    status, found = command(*words)
    assert status == 2
    assert said in found
    assert not Path("S").exists()
