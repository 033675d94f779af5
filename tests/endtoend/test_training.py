"""What training promises: averaged weights, early stopping, clipping, and errors by name."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from rich.console import Console
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config, write_squares

from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.run_directory import open_run
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, DataError, TrainingError
from detectune.inference.evaluate_run import evaluate
from detectune.training.callbacks import StepNumbers
from detectune.training.console import RunConsole
from detectune.training.logs import read_metrics
from detectune.training.run_writer import RunWriter
from detectune.training.state import Progress, read_state
from detectune.training.train import train


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_squares(tmp_path_factory.mktemp("training") / "data")


def config_for(data, *, steps=2, evaluates=False):
    config = tiny_config(data, extractor=EXTRACTOR)
    config.train_config.num_steps = steps
    config.train_config.evaluate_every_steps = 100
    if not evaluates:
        config.eval_config.batch_norm_recalibration = False
        del config.eval_input_reader[:]
    return config


def checkpoint_values(run):
    return read_checkpoint(find_checkpoint(run.path / "checkpoints" / "last"))


def state_values(run, step):
    """The variables of the network in `state-<step>.npz`, by key of the checkpoint."""
    detector = build_detector(run.config.model)
    paths = [row.key for row in variable_keys(detector)]
    order = {id(row.variable): row.key for row in variable_keys(detector)}
    with np.load(run.path / "checkpoints" / "last" / f"state-{step}.npz") as arrays:
        network = [v for v in detector.variables if not _is_tracker(detector, v)]
        values = {
            order[id(variable)]: arrays[f"network/{index}"]
            for index, variable in enumerate(network)
            if id(variable) in order
        }
    assert set(values) == set(paths)
    return values


def _is_tracker(detector, variable):
    return any(variable is v for tracker in detector.metrics for v in tracker.variables)


def test_a_diverging_run_names_the_images_and_leaves_a_sound_checkpoint(
    data, tmp_path, monkeypatch
):
    config = config_for(data, steps=8)
    # No learning rate that is allowed diverges so surely.
    monkeypatch.setattr("detectune.training.prepare._report_problems", lambda *_: None)
    momentum = config.train_config.optimizer.momentum_optimizer
    momentum.learning_rate.constant_learning_rate.learning_rate = 1e30
    config.train_config.checkpoint_every_steps = 1
    # Measured with the weights of step 1, statistics would not be finite, and nothing be saved.
    config.eval_config.batch_norm_recalibration = False
    with pytest.raises(TrainingError, match=r"step 2: .*total_loss.* is not finite") as caught:
        train(config, tmp_path / "run")
    assert len(str(caught.value).splitlines()) == 3
    names = str(caught.value).split("batch: ")[1].split(".\n")[0].split(", ")
    assert len(names) == 4
    assert set(names) <= {f"square{index}.png" for index in range(8)}
    last = find_checkpoint(tmp_path / "run" / "checkpoints" / "last")
    assert last.endswith("ckpt-1")
    assert all(np.isfinite(value).all() for value in read_checkpoint(last).values())
    assert not [p.name for p in tmp_path.rglob(".*")]


def spoil(file) -> None:
    """Zeros in the middle of a file; its beginning and end stay."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    file.write_bytes(content)


class Damaged:
    """A run of which one image is damaged in its middle and one cut off, and what it said."""

    def __init__(self, data, folder) -> None:
        self.data, self.run = folder / "data", folder / "run"
        shutil.copytree(data, self.data)
        spoil(self.data / "square5.png")
        cut = self.data / "square2.png"
        cut.write_bytes(cut.read_bytes()[:900])
        output = io.StringIO()
        config = config_for(self.data, steps=6, evaluates=True)
        config.train_config.checkpoint_every_steps = 2
        train(config, self.run, console=RunConsole(Console(file=output, width=200)))
        self.said = output.getvalue()


@pytest.fixture(scope="module")
def damaged(data, tmp_path_factory):
    return Damaged(data, tmp_path_factory.mktemp("damaged"))


def test_damaged_images_end_no_training_and_are_named_once_and_at_the_end(damaged):
    lines = [line.split("] ", 1)[1] for line in damaged.said.splitlines() if "] " in line]
    told = [line for line in lines if line.startswith("left out: ")]
    # Once for each of the two streams, which read the same images.
    assert sorted(line.split(": ")[1] for line in told) == ["square2.png"] * 2 + ["square5.png"] * 2
    assert told[0] == "left out: square2.png: it is cut off: its end is missing"
    (count,) = [line for line in lines if "could not be read" in line]
    assert count == (
        "4 images could not be read and did not count: train: square2.png, train: square5.png, "
        "evaluate: square2.png, …; report.html lists them"
    )
    assert lines[-1].startswith("done at step 6.")


def test_damaged_images_stand_in_the_report_and_beside_the_metrics(damaged):
    page = (damaged.run / "report.html").read_text()
    assert "<h2>Images left out</h2><p>4 images could not be read, and the run went on" in page
    assert "<li><b>evaluate: square5.png</b>: " in page
    (row,) = [row for row in read_metrics(damaged.run / "metrics.jsonl") if row["kind"] == "eval"]
    assert [image["file_name"] for image in row["left_out"]] == ["square2.png", "square5.png"]
    assert row["left_out"][0]["reason"] == "it is cut off: its end is missing"
    # The report shows the images that were evaluated under their own names.
    assert "<figcaption>square7.png" in page
    assert "<figcaption>square5.png" not in page


def test_the_metrics_are_those_of_the_other_images(damaged, tmp_path):
    metrics = evaluate(damaged.run)
    assert metrics["images"] == 6
    assert [image["file_name"] for image in metrics["left_out"]] == ["square2.png", "square5.png"]
    labels = (damaged.data / "labels.csv").read_text().splitlines(keepends=True)
    others = [line for line in labels if not line.startswith(("square2", "square5"))]
    rest = shutil.copytree(damaged.data, tmp_path / "rest")
    (rest / "labels.csv").write_text("".join(others))
    expected = evaluate(damaged.run, data=f"csv:{rest / 'labels.csv'}")
    assert "left_out" not in expected
    assert metrics["metrics"] == expected["metrics"]


def test_a_run_with_damaged_images_goes_on_to_the_same_weights(damaged, tmp_path):
    config = config_for(damaged.data, steps=6, evaluates=True)
    config.train_config.checkpoint_every_steps = 2
    stop = config_for(damaged.data, steps=6, evaluates=True)
    stop.train_config.checkpoint_every_steps = 2

    class Stopped(Exception):
        pass

    def stops(self, batch, logs=None):
        if batch == 4:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StepNumbers, "on_train_batch_begin", stops)
        with pytest.raises(Stopped):
            train(stop, tmp_path / "run")
    run = train(config, tmp_path / "run", resume=True)
    theirs = read_checkpoint(find_checkpoint(damaged.run / "checkpoints" / "last"))
    ours = checkpoint_values(run)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)


def test_an_image_that_vanishes_during_training_is_named_and_the_rest_goes_on(
    data, tmp_path, monkeypatch
):
    gone = tmp_path / "data"
    shutil.copytree(data, gone)

    def remove(self, batch, logs=None):
        (gone / "square2.png").unlink(missing_ok=True)

    monkeypatch.setattr(StepNumbers, "on_train_batch_end", remove)
    run = train(config_for(gone, steps=12), tmp_path / "run")
    progress = RunWriter(run).progress_at(12)
    assert progress.step == 12
    assert list(progress.left_out) == ["train: square2.png"]
    assert "cannot be read: No such file" in progress.left_out["train: square2.png"]


def test_a_disk_that_goes_away_ends_the_training_with_its_images_named(data, tmp_path, monkeypatch):
    gone = tmp_path / "data"
    shutil.copytree(data, gone)

    def remove(self, batch, logs=None):
        for file in gone.glob("*.png"):
            file.unlink()

    monkeypatch.setattr(StepNumbers, "on_train_batch_end", remove)
    # As many more than half as threads have met by then.
    with pytest.raises(DataError, match=r"[5-8] of 8 images cannot be read:\n  square\d\.png: "):
        train(config_for(gone, steps=400), tmp_path / "run")


def test_training_stops_when_evaluations_bring_no_gain_and_stays_stopped(data, tmp_path):
    config = config_for(data, steps=8, evaluates=True)
    settings = config.train_config
    settings.evaluate_every_steps, settings.early_stopping_evaluations = 1, 2
    rate = settings.optimizer.momentum_optimizer.learning_rate
    rate.constant_learning_rate.learning_rate = 0.0  # nothing can get better
    config.eval_config.batch_norm_recalibration = False
    rate_free = tmp_path / "run"
    train(config, rate_free)
    rows = read_metrics(rate_free / "metrics.jsonl")
    values = [row["DetectionBoxes_Precision/mAP"] for row in rows if row["kind"] == "eval"]
    best = int(np.argmax(values))
    assert len(values) == best + 3  # two evaluations without gain after the best
    assert len(values) < 8
    assert find_checkpoint(rate_free / "checkpoints" / "best").endswith(f"ckpt-{best + 1}")
    before = (rate_free / "metrics.jsonl").read_bytes()
    train(config, rate_free, resume=True)
    assert (rate_free / "metrics.jsonl").read_bytes() == before


def test_averaged_weights_are_saved_and_training_goes_on_with_its_own(data, tmp_path, monkeypatch):
    config = config_for(data, steps=4)
    config.train_config.optimizer.use_moving_average = True
    config.train_config.optimizer.moving_average_decay = 0.9
    config.train_config.checkpoint_every_steps = 2
    own = []
    original = StepNumbers.on_train_batch_end

    def record(self, batch, logs=None):
        rows = variable_keys(self.model)
        own.append({row.key: np.asarray(row.variable).copy() for row in rows})
        original(self, batch, logs)

    monkeypatch.setattr(StepNumbers, "on_train_batch_end", record)
    run = train(config, tmp_path / "run")
    trainable = {
        row.key for row in variable_keys(build_detector(config.model)) if row.variable.trainable
    }
    saved, state = checkpoint_values(run), state_values(run, 4)
    moved = 0
    for key, value in state.items():
        np.testing.assert_array_equal(value, own[-1][key], err_msg=key)
        if key not in trainable:
            np.testing.assert_array_equal(saved[key], value, err_msg=key)
            continue
        average = own[0][key].astype(np.float64)
        for updates in range(1, 4):  # decay min(0.9, (1 + n) / (10 + n))
            decay = min(0.9, (1 + updates) / (10 + updates))
            average = decay * average + (1 - decay) * own[updates][key]
        np.testing.assert_allclose(saved[key], average, rtol=1e-4, atol=1e-6, err_msg=key)
        moved += not np.allclose(saved[key], value, rtol=1e-4, atol=1e-6)
    assert moved > 20
    deployed = open_run(run.path).detector()
    for row in variable_keys(deployed):
        np.testing.assert_array_equal(row.variable, saved[row.key])


def test_measured_statistics_are_saved_and_training_goes_on_with_its_own(trained):
    run = open_run(trained.run)
    saved, state = checkpoint_values(run), state_values(run, 8)
    for key, value in state.items():
        if "/moving_" in key:
            assert not np.array_equal(saved[key], value), key
        else:
            np.testing.assert_array_equal(saved[key], value, err_msg=key)


def test_without_recalibration_the_moving_averages_are_saved_and_clipping_and_penalty_obey(
    data, tmp_path
):
    config = config_for(data, steps=1)
    settings = config.train_config
    settings.gradient_clipping_by_norm = 0.01
    settings.add_regularization_loss = False
    momentum = settings.optimizer.momentum_optimizer
    momentum.learning_rate.constant_learning_rate.learning_rate = 0.5
    config.eval_config.batch_norm_recalibration = False
    import keras

    keras.utils.set_random_seed(settings.seed)
    before = build_detector(config.model)
    first = {row.key: np.asarray(row.variable).copy() for row in variable_keys(before)}
    trainable = {row.key for row in variable_keys(before) if row.variable.trainable}
    run = train(config, tmp_path / "run")
    saved = checkpoint_values(run)
    for key, value in state_values(run, 1).items():
        np.testing.assert_array_equal(saved[key], value, err_msg=key)
    square = sum(float(np.sum((saved[key] - first[key]) ** 2)) for key in trainable)
    assert np.sqrt(square) == pytest.approx(0.5 * 0.01, rel=1e-3)
    (row,) = read_metrics(run.metrics)
    assert row["Loss/regularization_loss"] == 0
    assert row["Loss/total_loss"] == pytest.approx(
        row["Loss/classification_loss"] + row["Loss/localization_loss"], rel=1e-6
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "damaged"), (b"PK\x03\x04 half", "damaged"), (None, "the file is missing")],
)
def test_a_state_that_cannot_be_read_is_refused_by_name(trained, tmp_path, content, said):
    path = tmp_path / "state-8.npz"
    if content is not None:
        path.write_bytes(content)
    detector = build_detector(open_run(trained.run).config.model)
    detector.compile(optimizer="sgd", jit_compile=False)
    with pytest.raises(CheckpointError, match=said) as caught:
        read_state(path, detector)
    assert "state-8.npz" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_the_state_of_another_optimizer_is_refused_and_changes_nothing(trained):
    detector = build_detector(open_run(trained.run).config.model)
    detector.compile(optimizer="adam", jit_compile=False)
    before = [np.asarray(v).copy() for v in detector.variables]
    with pytest.raises(CheckpointError, match="another model or optimizer"):
        read_state(trained.run / "checkpoints" / "last" / "state-8.npz", detector)
    for variable, value in zip(detector.variables, before, strict=False):
        np.testing.assert_array_equal(variable, value)


def test_weights_that_are_not_finite_are_never_saved(trained, tmp_path):
    run = open_run(shutil.copytree(trained.run, tmp_path / "run"))
    detector = run.detector()
    row = variable_keys(detector)[0]
    row.variable.assign(np.full(row.variable.shape, np.nan))
    with pytest.raises(TrainingError, match=r"1 of .* variables are not finite"):
        RunWriter(run).write_weights(detector, 9)
    assert RunWriter(run).last_step() == 8
    assert not list((run.path / "checkpoints" / "last").glob("*ckpt-9*"))


def test_a_progress_is_written_and_read_back(trained):
    detector = build_detector(open_run(trained.run).config.model)
    from detectune.training.optimizers import build_optimizer

    settings = open_run(trained.run).config.train_config
    detector.compile(optimizer=build_optimizer(settings.optimizer), jit_compile=False)
    progress = read_state(trained.run / "checkpoints" / "last" / "state-8.npz", detector)
    assert isinstance(progress, Progress)
    assert progress.step == 8
    assert progress.best_step in (4, 8)
    assert int(detector.optimizer.iterations) == 8


@pytest.mark.slow
def test_a_batch_in_parts_makes_the_same_steps_and_the_parts_may_change(data, tmp_path):
    def losses(parts, name, *, resume=False, steps=3):
        config = config_for(data, steps=steps)
        config.model.ssd.freeze_batchnorm = True  # their statistics would be those of a part
        config.train_config.gradient_accumulation_steps = parts
        run = train(config, tmp_path / name, resume=resume)
        rows = [row for row in read_metrics(run.path / "metrics.jsonl") if row["kind"] == "train"]
        return [(row["step"], row["learning_rate"], row["Loss/total_loss"]) for row in rows]

    whole = losses(1, "whole")
    losses(2, "parts", steps=2)
    parts = losses(4, "parts", resume=True)
    assert [row[:2] for row in parts] == [row[:2] for row in whole]
    # The parts are normalized by the matches of their own.
    np.testing.assert_allclose([r[2] for r in parts], [r[2] for r in whole], rtol=0.2)
