"""Damaged runs, archives and servers: a message of three parts, or the right values; in time."""

from __future__ import annotations

import json
import logging
import random
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from run_inputs import addresses, answers, archives, damages, notes
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import compiled, tiny_config
from zoo_servers import Site, serving, tar_gz

from detectune.checkpoints.restore import restore
from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.label_map import LabelMap
from detectune.detectors.build import build_detector
from detectune.errors import DetectuneError
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

SEED = 15
SLOWEST_SECONDS, MOST_MEMORY = 10.0, 1 << 30
ARCHIVE = find_archive("ssd_mobilenet_v2_320x320_coco17_tpu-8")
HURRIED = Limits(TransferLimits(timeout_seconds=2, attempts=1, slow_seconds=2, slow_bytes=1))


def counts(quick: int, many: int) -> pytest.MarkDecorator:
    """A slice that always runs, and the whole."""
    whole = pytest.param(many, marks=[pytest.mark.fuzz, pytest.mark.timeout(3600)])
    return pytest.mark.parametrize("count", [quick, whole])


def outcome(what: str, looks: Callable[[], object]) -> str:
    """The message of the `DetectuneError` that `looks` ends with, or an empty text."""
    began, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = ""
    try:
        looks()
    except DetectuneError as error:
        message = str(error)
        lines = message.split("\n")
        assert len(lines) >= 3, f"{what}: {message}"
        assert all(line.strip() for line in lines[:3]), f"{what}: {message}"
        assert "\x1b" not in message, what
    except Exception as error:
        error.add_note(what)
        raise
    spent = time.process_time() - began
    assert spent < SLOWEST_SECONDS, f"{what} took {spent:.1f} s"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * 1024
    assert grown < MOST_MEMORY, f"{what} took {grown:,} bytes"
    return message


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


def assert_same_weights(sound, what: str) -> None:
    for variable, value in zip(sound.detector.variables, sound.values, strict=True):
        np.testing.assert_array_equal(
            np.asarray(variable), value, err_msg=f"{what} {variable.path}"
        )


def look_at_everything(sound, folder: Path, what: str) -> list[str]:
    """What each reader of a run says; the weights that are restored are the right ones."""
    progress = Progress(8)

    def weights(which: str) -> None:
        restore(sound.detector, open_run(folder).checkpoint(which), kind="full")
        assert_same_weights(sound, what)

    def state() -> None:
        writer = RunWriter(open_run(folder))
        step = writer.last_step()
        if step is not None:
            writer.progress_at(step)
            writer.reinstate(sound.detector, step, evaluates=True)
            assert_same_weights(sound, what)

    def page() -> None:
        report_html(facts_of(open_run(folder), progress, data=[]))

    return [
        outcome(f"{what}: {name}", looks)
        for name, looks in (
            ("classes", lambda: open_run(folder).label_map()),
            ("best", lambda: weights("best")),
            ("last", lambda: weights("last")),
            ("state", state),
            ("page", page),
            ("log", lambda: RunLog(folder, 8).close()),
            ("log again", lambda: scan_metrics(folder / "metrics.jsonl")),
        )
    ]


@counts(30, 1500)
def test_a_damaged_run_is_refused_or_read_right(sound, tmp_path, count, caplog):
    caplog.set_level(logging.CRITICAL)
    refused = 0
    for damage in damages(SEED, count, sound.path):
        folder = tmp_path / "run"
        shutil.copytree(sound.path, folder, symlinks=True)
        damage.apply(folder)
        refused += any(look_at_everything(sound, folder, damage.name))
        shutil.rmtree(folder)
    assert refused > count // 5


@counts(60, 2000)
def test_a_damaged_archive_is_refused_or_unpacked_below_its_folder(tmp_path, count):
    refused = 0
    limits = UnpackLimits(max_bytes=1 << 20, max_members=50)
    for number, data in enumerate(archives(SEED, count)):
        place = tmp_path / str(number)
        (place / "into").mkdir(parents=True)
        (place / "a.tar.gz").write_bytes(data)
        message = outcome(
            f"archive {number}",
            lambda place=place: unpack(place / "a.tar.gz", place / "into", limits),
        )
        refused += bool(message)
        assert {path.name for path in place.iterdir()} == {"into", "a.tar.gz"}, number
        assert sum(path.stat().st_size for path in place.rglob("*")) < 2 << 20, number
        shutil.rmtree(place)
    assert refused > count // 4


@counts(25, 1500)
def test_a_server_may_answer_anything(tmp_path, count, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    body = tar_gz({"m/checkpoint/ckpt-0.index": random.Random(2).randbytes(2000)})
    folder = tmp_path / ARCHIVE.name
    with serving(Site()) as site:
        for number, answer in enumerate(answers(SEED, count, body)):
            site.raw = answer
            message = outcome(
                f"answer {number}",
                lambda: fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=HURRIED),
            )
            assert folder.exists() != bool(message), number
            shutil.rmtree(folder, ignore_errors=True)
            for left in tmp_path.iterdir():
                assert left.name.startswith(f".{ARCHIVE.name}.tar.gz.part"), (number, left)


@counts(25, 1500)
def test_notes_of_a_download_are_never_a_dead_end(tmp_path, count, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    body = tar_gz({"m/checkpoint/ckpt-0.index": random.Random(1).randbytes(5000)})
    path = f"/{ARCHIVE.date}/{ARCHIVE.file}.tar.gz"
    part = tmp_path / f".{ARCHIVE.name}.tar.gz.part"
    with serving(Site({path: body})) as site:
        sound_notes = {"url": site.url + path, "validator": site.etag, "total": len(body)}
        for number, text in enumerate(notes(SEED, count, sound_notes)):
            part.write_bytes(body[: random.Random(number).randrange(len(body))])
            part.with_name(f"{part.name}.json").write_bytes(text)
            first = outcome(
                f"notes {number}",
                lambda: fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=HURRIED),
            )
            if first:  # then the next call begins anew
                fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=HURRIED)
            assert (tmp_path / ARCHIVE.name / "checkpoint/ckpt-0.index").stat().st_size == 5000
            shutil.rmtree(tmp_path / ARCHIVE.name)


@counts(300, 20_000)
def test_an_address_is_refused_or_can_be_asked(count):
    accepted = 0
    for address in addresses(SEED, count):

        def look(address: str = address) -> None:
            nonlocal accepted
            if is_url(address.strip()):
                url = checked_url(address.strip())
                accepted += 1
                assert url.isascii(), address
                assert url.isprintable(), address
                assert " " not in url, address

        outcome(f"address {json.dumps(address)}", look)
    assert accepted
