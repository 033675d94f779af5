"""Proposals are found once, kept with the data, and move through the pipeline as boxes do."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from data_sets import ListSource, picture, record, write_csv
from google.protobuf import text_format

from detectune.cli.data import data
from detectune.config import schema
from detectune.config.needs import Needs
from detectune.data.columns.proposals import check_proposals
from detectune.data.convert import convert
from detectune.data.pipeline import eval_batches, train_batches
from detectune.data.proposals import compute_proposals
from detectune.data.resizers import build_resizer
from detectune.data.selective_search import SelectiveSearch
from detectune.data.sources.base import Subset
from detectune.data.sources.proposed import ProposalFile, Proposed, proposal_file
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError
from detectune.structures import GroundTruth

QUARTERS = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [0.25, 0, 0.75, 1]], np.float32)


def images(folder, count: int = 3) -> str:
    """Different images with a box each; the file that names them."""
    names = [f"{number}.png" for number in range(count)]
    lines = [f"{name},60,40,cat,6,4,30,20" for name in names]
    return str(write_csv(folder, lines, {n: picture(shade=20 + i) for i, n in enumerate(names)}))


def quarters(image: np.ndarray) -> np.ndarray:
    assert image.shape == (40, 60, 3)
    return QUARTERS


def refuse(image: np.ndarray) -> np.ndarray:
    raise AssertionError("this image was searched before")


def test_boxes_are_searched_once_and_kept(tmp_path):
    source, path = open_source(images(tmp_path)), tmp_path / "p.npz"
    done = compute_proposals(source, ProposalFile(path), quarters)
    assert (done.images, done.searched, done.boxes) == (3, 3, 9)
    again = compute_proposals(source, ProposalFile(path), refuse)
    assert (again.images, again.searched, again.boxes) == (3, 0, 9)
    for row in Proposed(source, ProposalFile(path)):
        np.testing.assert_array_equal(row.proposals, QUARTERS)


def test_only_new_images_are_searched(tmp_path):
    file = ProposalFile(tmp_path / "p.npz")
    compute_proposals(open_source(images(tmp_path / "a", 2)), file, quarters)
    assert compute_proposals(open_source(images(tmp_path / "b", 3)), file, quarters).searched == 1


def test_an_image_without_boxes_is_kept_as_such(tmp_path):
    file = ProposalFile(tmp_path / "p.npz")
    compute_proposals(ListSource([record()]), file, lambda image: np.zeros((0, 4)))
    found = ProposalFile(tmp_path / "p.npz").get(picture())
    assert found is not None
    assert found.shape == (0, 4)
    assert ProposalFile(tmp_path / "p.npz").get(picture(shade=1)) is None


def test_a_search_that_stops_leaves_what_was_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("detectune.data.proposals._SAVE_EVERY_SECONDS", -1.0)
    source, path, seen = open_source(images(tmp_path)), tmp_path / "p.npz", []

    def search(image: np.ndarray) -> np.ndarray:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(image)
        return QUARTERS

    with pytest.raises(KeyboardInterrupt):
        compute_proposals(source, ProposalFile(path), search)
    assert len(ProposalFile(path)) == 2


def test_a_turned_picture_is_searched_as_it_is_annotated(tmp_path):
    turned = record(image=picture(60, 40, orientation=6), height=60, width=40)
    seen = []
    compute_proposals(
        ListSource([turned]), ProposalFile(tmp_path / "p.npz"), lambda i: seen.append(i) or QUARTERS
    )
    assert seen[0].shape == (60, 40, 3)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "p.npz").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"p\.npz: it holds no proposals"):
        ProposalFile(tmp_path / "p.npz")
    np.savez(tmp_path / "q.npz", other=np.zeros(3))
    with pytest.raises(DataError, match=r"q\.npz: it holds no proposals"):
        ProposalFile(tmp_path / "q.npz")


def test_every_data_set_has_a_place_for_its_file(tmp_path):
    assert proposal_file(str(tmp_path)) == tmp_path / "proposals.npz"
    file = tmp_path / "train.json"
    assert proposal_file(str(file)) == tmp_path / "train.json.proposals.npz"
    pattern = proposal_file(str(tmp_path / "a.record-*-of-00002"))
    assert pattern == tmp_path / "a.record-_-of-00002.proposals.npz"


def test_the_file_lying_beside_records_is_no_record(tmp_path):
    source = open_source(images(tmp_path))
    convert(source, tmp_path / "a.record", to="tfrecord", shards=2)
    pattern = str(tmp_path / "a.record*")
    compute_proposals(open_source(pattern), ProposalFile(proposal_file(pattern)), quarters)
    assert proposal_file(pattern).exists()
    found = open_source(pattern, columns=["proposals"])
    assert len(found) == 3
    check_proposals(found)
    with pytest.raises(DataError, match="3 images without proposals"):
        check_proposals(open_source(pattern))


def test_records_keep_proposals(tmp_path):
    spec = images(tmp_path)
    compute_proposals(open_source(spec), ProposalFile(proposal_file(spec)), quarters)
    convert(open_source(spec, columns=["proposals"]), tmp_path / "a.record", to="tfrecord")
    for row in open_source(str(tmp_path / "a.record")):
        np.testing.assert_array_equal(row.proposals, QUARTERS)


def test_scored_proposals_of_records_are_read_best_first(tmp_path):
    scored = record(proposals=QUARTERS, proposal_scores=np.array([0.1, 0.9, 0.5], np.float32))
    convert(ListSource([scored]), tmp_path / "a.record", to="tfrecord")
    row = open_source(str(tmp_path / "a.record"))[0]
    np.testing.assert_array_equal(row.proposals, QUARTERS[[1, 2, 0]])
    np.testing.assert_allclose(row.proposal_scores, [0.9, 0.5, 0.1])


def config(options: str = "", count: int = 5) -> schema.TrainEvalPipelineConfig:
    text = (
        f"model {{ fast_rcnn {{ max_proposals: {count} }} }} "
        f"train_config {{ batch_size: 2 {options} }} train_input_reader {{ shuffle: false }}"
    )
    return text_format.Parse(text, schema.TrainEvalPipelineConfig())


def resizer(text: str = "fixed_shape_resizer { height: 20 width: 30 }"):
    return build_resizer(text_format.Parse(text, schema.ImageResizer()))


def needs(count: int) -> Needs:
    return Needs(inputs={"proposals": count})


def first(batches) -> tuple:
    """Images, proposals and ground truth of the first batch."""
    inputs, truth = next(iter(batches))
    return inputs["images"], inputs["proposals"], GroundTruth.from_batch(truth)


def with_proposals(*boxes) -> ListSource:
    return ListSource([record(proposals=np.array(rows, np.float32)) for rows in boxes])


PIXELS = QUARTERS * [20, 30, 20, 30]


def test_a_batch_has_proposals_beside_its_images():
    source = with_proposals(QUARTERS, QUARTERS[:1])
    pictures, proposals, truth = first(train_batches(config(), source, resizer(), seed=0, steps=1))
    assert pictures.shape == (2, 20, 30, 3)
    assert proposals.shape == (2, 5, 4)
    np.testing.assert_allclose(proposals[0], [*PIXELS, [0] * 4, [0] * 4], atol=1e-5)
    np.testing.assert_allclose(proposals[1], [PIXELS[0], *[[0] * 4] * 4], atol=1e-5)
    assert truth.boxes.shape == (2, 8, 4)
    batch = next(iter(eval_batches(source, resizer(), batch_size=2, needs=needs(5))))
    np.testing.assert_allclose(batch.inputs["proposals"], proposals)


def test_the_best_proposals_are_taken_and_those_without_area_are_left_out():
    rows = [[0.5, 0.5, 0.5, 0.9], [-1, -1, 0.5, 0.5], [2, 2, 3, 3], QUARTERS[1], QUARTERS[2]]
    source = with_proposals(rows, rows)
    batch = next(iter(eval_batches(source, resizer(), batch_size=2, needs=needs(4))))
    np.testing.assert_allclose(
        batch.inputs["proposals"][0], [PIXELS[0], PIXELS[1], [0] * 4, [0] * 4]
    )


def test_proposals_are_flipped_with_the_image():
    flip = "data_augmentation_options { random_horizontal_flip { probability: 1 } }"
    source = with_proposals(QUARTERS, QUARTERS)
    _, proposals, _ = first(train_batches(config(flip, 3), source, resizer(), seed=0, steps=1))
    expected = [[0, 15, 10, 30], [10, 0, 20, 15], [5, 0, 15, 30]]
    np.testing.assert_allclose(proposals[0], expected, atol=1e-5)


def test_images_of_different_size_have_proposals_in_pixels_of_their_picture():
    upright = record(image=picture(40, 60), height=60, width=40, proposals=QUARTERS)
    source = ListSource([record(proposals=QUARTERS), upright])
    keep = resizer("keep_aspect_ratio_resizer { min_dimension: 20 max_dimension: 30 }")
    pictures, proposals, truth = first(
        train_batches(config(count=3), source, keep, seed=0, steps=1)
    )
    assert pictures.shape == (2, 30, 30, 3)
    np.testing.assert_allclose(proposals[0], PIXELS, atol=1e-5)
    np.testing.assert_allclose(proposals[1], QUARTERS * [30, 20, 30, 20], atol=1e-5)
    assert truth.sizes.numpy().tolist() == [[20, 30], [30, 20]]


def test_images_without_proposals_are_named_before_training_starts():
    source = ListSource([record("a.png", proposals=QUARTERS), record("b.png")])
    for start in (
        lambda: train_batches(config(), source, resizer(), seed=0),
        lambda: eval_batches(source, resizer(), batch_size=1, needs=needs(5)),
    ):
        with pytest.raises(DataError, match=r"memory: 1 image without proposals: b\.png"):
            start()


def test_a_part_of_a_source_keeps_its_proposals(tmp_path):
    file = ProposalFile(tmp_path / "p.npz")
    source = open_source(images(tmp_path))
    compute_proposals(source, file, quarters)
    np.testing.assert_array_equal(Subset(Proposed(source, file), [2])[0].proposals, QUARTERS)


class FakeSearch:
    """Answers like cv2.ximgproc: boxes x, y, width, height in an order of its own."""

    found = np.array([[0, 0, 10, 10], [0, 0, 50, 40], [20, 10, 30, 20]], np.int32)

    def setBaseImage(self, image):
        self.image = image

    def switchToSelectiveSearchFast(self):
        self.mode = "fast"

    def switchToSelectiveSearchQuality(self):
        self.mode = "quality"

    def process(self):
        return np.random.default_rng().permutation(self.found)


@pytest.fixture
def fake(monkeypatch) -> FakeSearch:
    search = FakeSearch()
    made = SimpleNamespace(createSelectiveSearchSegmentation=lambda: search)
    module = SimpleNamespace(ximgproc=SimpleNamespace(segmentation=made))
    monkeypatch.setitem(sys.modules, "cv2", module)
    return search


def test_selective_search_gives_fractions_in_one_order(fake):
    image = np.zeros((400, 500, 3), np.uint8)
    image[..., 0] = 200  # red
    search = SelectiveSearch(count=2)
    boxes = search(image)
    assert fake.mode == "fast"
    assert fake.image[0, 0].tolist() == [0, 0, 200]  # OpenCV reads BGR
    assert boxes.shape == (2, 4)
    for _ in range(5):
        np.testing.assert_array_equal(search(image), boxes)
    whole = SelectiveSearch(quality=True)(image)
    assert fake.mode == "quality"
    expected = {(0, 0, 0.025, 0.02), (0, 0, 0.1, 0.1), (0.025, 0.04, 0.075, 0.1)}
    assert {tuple(round(float(x), 4) for x in box) for box in whole} == expected


def test_large_pictures_are_searched_smaller(fake):
    SelectiveSearch()(np.zeros((600, 2000, 3), np.uint8))
    assert fake.image.shape == (150, 500, 3)


def test_without_opencv_the_error_says_what_to_install(monkeypatch):
    for module in (None, SimpleNamespace(__version__="plain")):
        monkeypatch.setitem(sys.modules, "cv2", module)
        with pytest.raises(ConfigError, match=r'pip install "detectune\[proposals\]"'):
            SelectiveSearch()


def test_the_command_searches_once(tmp_path, fake):
    spec = images(tmp_path)
    first = CliRunner().invoke(data, ["proposals", spec, "--count", "2"], catch_exceptions=False)
    assert first.exit_code == 0
    assert "3 images, 3 of them searched now; 2 boxes in each on average" in first.output
    second = CliRunner().invoke(data, ["proposals", spec], catch_exceptions=False)
    assert "3 images, 0 of them searched now" in second.output
    assert open_source(spec, columns=["proposals"])[0].proposals.shape == (2, 4)
