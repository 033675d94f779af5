import io
import json
import tarfile
from pathlib import Path

import pytest

NAME = "ssd_mobilenet_v2_320x320_coco17_tpu-8"


@pytest.fixture(autouse=True)
def in_a_new_folder_without_a_mirror(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DETECTUNE_ZOO_MIRROR", raising=False)


def put_archive(folder, content=b"x"):
    folder.mkdir()
    with tarfile.open(folder / f"{NAME}.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo(f"{NAME}/checkpoint/ckpt-0.index")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


def test_list_shows_all_detectors_or_all_classifiers(run):
    status, out, _ = run("zoo", "list", "--json")
    assert (status, len(json.loads(out))) == (0, 43)
    status, out, _ = run("zoo", "list", "--classification", "--json")
    assert (status, len(json.loads(out))) == (0, 14)
    assert "mobilnet_v2" in run("zoo", "list", "--classification")[1]


def test_show_gives_the_address(run):
    status, out, _ = run("zoo", "show", NAME, "--json")
    archive = json.loads(out)
    assert (status, archive["box_map"], archive["supported"]) == (0, 20.2, True)
    assert run("zoo", "show", NAME)[1].count(archive["url"]) == 1


def test_download_says_what_to_write_into_the_config(run, tmp_path):
    put_archive(tmp_path / "mirror")
    status, out, err = run("zoo", "download", NAME, "--mirror", "mirror")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"pre-trained/{NAME}: ready"
    assert f'fine_tune_checkpoint: "pre-trained/{NAME}/checkpoint/ckpt-0"' in out
    status, out, _ = run("zoo", "download", NAME, "--mirror", "mirror")
    assert out.splitlines()[0] == f"pre-trained/{NAME}: is already there"


@pytest.mark.parametrize(
    ("words", "status", "found"),
    [
        (["show", "resnet"], 2, 'zoo: there is no archive called "resnet".'),
        (["download", "ssd"], 2, 'zoo: there is no archive called "ssd".'),
        (
            ["download", NAME, "--mirror", "nowhere"],
            2,
            "--mirror nowhere: there is no such folder.",
        ),
        (["download", NAME, "--mirror", "."], 1, f".: the folder has no {NAME}.tar.gz."),
        (
            ["download", NAME, "--mirror", "gs://bucket"],
            2,
            "--mirror gs://bucket: gs:// is not supported.",
        ),
    ],
)
def test_wrong_input_ends_with_three_parts(run, words, status, found):
    left, out, err = run("zoo", *words)
    lines = err.removeprefix("detectune: ").rstrip("\n").split("\n")
    assert (left, out, lines[0], len(lines)) == (status, "", found, 3)


def test_a_damaged_archive_in_a_folder_ends_with_status_1_and_leaves_it_there(run, tmp_path):
    put_archive(tmp_path / "mirror")
    file = tmp_path / "mirror" / f"{NAME}.tar.gz"
    file.write_bytes(file.read_bytes()[:-4])
    status, _, err = run("zoo", "download", NAME, "--mirror", "mirror")
    assert status == 1
    assert "damaged or not complete" in err
    assert file.exists()
    assert not (tmp_path / "pre-trained" / NAME).exists()


def test_init_makes_the_folders_and_keeps_what_is_there(run, tmp_path):
    assert run("init", "tools")[0] == 0
    made = sorted(str(path) for path in Path("tools").rglob("*"))
    assert made == [
        "tools/README.md",
        "tools/images",
        "tools/images/test",
        "tools/images/train",
        "tools/pre-trained",
        "tools/training",
    ]
    Path("tools/README.md").write_text("mine")
    Path("tools/training").rmdir()
    status, out, _ = run("init", "tools")
    assert (status, out.splitlines()[0]) == (0, "made tools/training")
    assert Path("tools/README.md").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_init_touches_nothing_that_is_not_a_project(run, kind):
    if kind == "file":
        Path("other").write_text("x")
    else:
        Path("other").mkdir()
        Path("other/thesis.doc").write_text("x")
    status, _, err = run("init", "other")
    assert status == 2
    assert err.splitlines()[0].startswith("detectune: other: this is a f")
    assert not Path("other/images").exists()


def test_doctor_finds_a_broken_installation(run, monkeypatch):
    from detectune.cli import doctor

    monkeypatch.setattr(doctor, "NEEDED", {"no-such-package": "no_such_module"})
    status, out, err = run("doctor")
    assert status == 1
    assert "no-such-package    missing: cannot be imported" in out
    assert err.startswith("broken: no-such-package cannot be imported")


def test_doctor_leaves_with_0_when_all_is_there(run, monkeypatch):
    from detectune.cli import doctor

    monkeypatch.setattr(doctor, "NEEDED", {"click": "click"})
    monkeypatch.setattr(doctor, "_backend", list)
    status, out, _ = run("doctor")
    assert status == 0
    assert "GB free in" in out
    assert out.rstrip().endswith("Everything needed is there.")
