"""Damaged runs, archives and servers: a message of three parts, or the right values; in time."""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from run_inputs import addresses, answers_of, archives, damages, notes
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import compiled, tiny_config
from zoo_servers import Site, serving, tar_gz

from detectune.checkpoints.restore import restore
from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.label_map import LabelMap
from detectune.detectors.build import build_detector
from detectune.training.logs import RunLog, scan_metrics
from detectune.training.report import report_html
from detectune.training.report_facts import facts_of
from detectune.training.run_writer import RunWriter
from detectune.training.state import Progress
from detectune.zoo.addresses import checked_url, is_url
from detectune.zoo.catalog import find_archive
from detectune.zoo.download import Limits, fetch_archive
from detectune.zoo.transfer import TransferLimits
from detectune.zoo.unpack import UnpackLimits, unpack

ARCHIVE = find_archive("ssd_mobilenet_v2_320x320_coco17_tpu-8")
HURRIED = Limits(TransferLimits(timeout_seconds=2, attempts=1, slow_seconds=2, slow_bytes=1))


def counts(quick: int, many: int) -> pytest.MarkDecorator:
    """A slice that always runs, and the whole."""
    whole = pytest.param(many, marks=pytest.mark.fuzz)
    return pytest.mark.parametrize("count", [quick, whole])


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A small run directory, its detector, and what its weights are."""
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        config = tiny_config(extractor=EXTRACTOR)
        config.train_input_reader.source = "csv:labels.csv"
        path = tmp_path_factory.mktemp("sound") / "run"
        detector = compiled(build_detector(config.model), keras.optimizers.SGD())
        writer = RunWriter(Run(path, config))
        writer.write_config(config)
        writer.write_label_map(LabelMap.from_names(["blue", "red"]))
        writer.write_weights(detector, 8)
        writer.commit(detector, Progress(8, stage_step=8, best_step=8, best_metric=0.5))
        writer.keep_best(8)
        log = RunLog(path)
        for step in (2, 4, 8):
            log.add("train", step, {"Loss/total_loss": 1.0 / step, "learning_rate": 0.1})
            log.add("eval", step, {"DetectionBoxes_Precision/mAP": 0.5})
        log.close()
        (path / "report.html").write_text("")
        values = [np.asarray(variable).copy() for variable in detector.variables]
        yield SimpleNamespace(path=path, detector=detector, values=values)


def assert_same_weights(sound) -> None:
    for variable, value in zip(sound.detector.variables, sound.values, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value, err_msg=variable.path)


def looks_at(sound, folder: Path) -> list[Callable[[], object]]:
    """What reads a run, each by itself; the weights that are restored are the right ones."""
    progress = Progress(8)

    def weights(which: str) -> None:
        restore(sound.detector, open_run(folder).checkpoint(which), kind="full")
        assert_same_weights(sound)

    def state() -> None:
        writer = RunWriter(open_run(folder))
        step = writer.last_step()
        if step is not None:
            writer.progress_at(step)
            writer.reinstate(sound.detector, step, evaluates=True)
            assert_same_weights(sound)

    return [
        lambda: open_run(folder).label_map(),
        lambda: weights("best"),
        lambda: weights("last"),
        state,
        lambda: report_html(facts_of(open_run(folder), progress, data=[])),
        lambda: RunLog(folder, 8).close(),
        lambda: scan_metrics(folder / "metrics.jsonl"),
    ]


@counts(20, 250)
def test_a_damaged_run_is_refused_or_read_right(sound, answers, seed, tmp_path, count, caplog):
    caplog.set_level(logging.WARNING)
    with answers("run directories") as runs:
        for damage in damages(seed, count, sound.path):
            folder = tmp_path / "run"
            shutil.copytree(sound.path, folder, symlinks=True)
            damage.apply(folder)
            kept = [folder / name for name in ("pipeline.config", "label_map.pbtxt", "checkpoints")]
            with runs.input(damage.name, kept) as run:
                for look in looks_at(sound, folder):
                    run.message_of(look)
                run.listed = bool(caplog.records)
            caplog.clear()
            shutil.rmtree(folder)
    assert runs.refused > count // 5


@counts(30, 400)
def test_a_damaged_archive_is_refused_or_unpacked_below_its_folder(answers, seed, tmp_path, count):
    limits = UnpackLimits(max_bytes=1 << 20, max_members=50)
    with answers("archives") as those:
        for number, data in enumerate(archives(seed, count)):
            place = tmp_path / str(number)
            file, into = place / "a.tar.gz", place / "into"
            into.mkdir(parents=True)
            file.write_bytes(data)
            with those.input(f"archive {number}", [file]) as archive:
                archive.message_of(lambda file=file, into=into: unpack(file, into, limits))
                assert {path.name for path in place.iterdir()} == {"into", "a.tar.gz"}
                assert sum(path.stat().st_size for path in place.rglob("*")) < 2 << 20
            shutil.rmtree(place)
    assert those.refused > count // 4


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def fetch(folder: Path, site: Site) -> None:
    fetch_archive(ARCHIVE, folder, mirror=site.url, limits=HURRIED)


@counts(25, 400)
def test_a_server_may_answer_anything(answers, seed, tmp_path, count, no_proxy):
    body = tar_gz({"m/checkpoint/ckpt-0.index": random.Random(2).randbytes(2000)})
    folder, mine = tmp_path / ARCHIVE.name, tmp_path / "mine.txt"
    mine.write_text("a file of the user")
    with serving(Site()) as site, answers("servers") as those:
        for number, answer in enumerate(answers_of(seed, count, body)):
            site.raw = answer
            with those.input(f"answer {number}", [mine]) as one:
                message = one.message_of(lambda: fetch(tmp_path, site))
                assert folder.exists() != bool(message)
                shutil.rmtree(folder, ignore_errors=True)
                for left in tmp_path.iterdir():
                    assert left == mine or left.name.startswith(f".{ARCHIVE.name}.tar.gz.part")


@counts(25, 400)
def test_notes_of_a_download_are_never_a_dead_end(answers, seed, tmp_path, count, no_proxy):
    body = tar_gz({"m/checkpoint/ckpt-0.index": random.Random(1).randbytes(5000)})
    path = f"/{ARCHIVE.date}/{ARCHIVE.file}.tar.gz"
    part = tmp_path / f".{ARCHIVE.name}.tar.gz.part"
    with serving(Site({path: body})) as site, answers("notes") as those:
        sound_notes = {"url": site.url + path, "validator": site.etag, "total": len(body)}
        for number, text in enumerate(notes(seed, count, sound_notes)):
            part.write_bytes(body[: random.Random(number).randrange(len(body))])
            part.with_name(f"{part.name}.json").write_bytes(text)
            with those.input(f"notes {number}") as one:
                if one.message_of(lambda: fetch(tmp_path, site)):  # then the next begins anew
                    assert not one.message_of(lambda: fetch(tmp_path, site))
                index = tmp_path / ARCHIVE.name / "checkpoint/ckpt-0.index"
                assert index.stat().st_size == 5000
            shutil.rmtree(tmp_path / ARCHIVE.name, ignore_errors=True)


def look_at_address(address: str) -> bool:
    """Whether it is an address that can be asked."""
    if not is_url(address.strip()):
        return False
    url = checked_url(address.strip())
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    return True


@counts(300, 20_000)
def test_an_address_is_refused_or_can_be_asked(answers, seed, count):
    accepted = 0
    with answers("addresses") as those:
        for address in addresses(seed, count):
            with those.input(json.dumps(address)):
                accepted += look_at_address(address)
    assert accepted
