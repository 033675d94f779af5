"""Numbers of a classifier on vectors it has not seen, worked out by hand; pages and pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from features_data import clusters
from three_parts import three_parts

from detectune.drawing.confusion import confusion_svg
from detectune.errors import ConfigError, DataError
from detectune.features.evaluate import evaluate_features
from detectune.features.fit import fit_classifier
from detectune.features.image_classifier import Answers, ImageClassifier
from detectune.features.report import check_report, write_report


@pytest.fixture(scope="module")
def classifier():
    return fit_classifier(clusters({"cat": 12, "dog": 12, "owl": 12}), "linear-svm", folds=2)


def saying(monkeypatch, *classes: int) -> None:
    """Let any classifier say these."""
    monkeypatch.setattr(
        ImageClassifier, "answers", lambda *_: Answers(np.array(classes), np.zeros((0, 0)))
    )


def test_the_numbers_are_those_worked_out_by_hand(classifier, monkeypatch):
    # cat: 3 of 4 right, one called dog. dog: 1 of 2 right, one called cat. No owl.
    saying(monkeypatch, 0, 0, 0, 1, 1, 0)
    found = evaluate_features(classifier, clusters({"cat": 4, "dog": 2}))
    assert found.confusion.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.balanced_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)
    cat, dog, owl = found.classes
    assert (cat.precision, cat.recall, cat.f1) == pytest.approx((3 / 4, 3 / 4, 3 / 4))
    assert (dog.precision, dog.recall, dog.f1) == pytest.approx((1 / 2, 1 / 2, 1 / 2))
    assert np.isnan([owl.precision, owl.recall, owl.f1]).all()
    assert (found.majority_class, found.majority_accuracy) == ("cat", pytest.approx(4 / 6))
    assert found.majority_balanced_accuracy == pytest.approx(1 / 2)
    data = json.loads(found.to_json())
    assert data["classes"][2] == {
        "name": "owl", "examples": 0, "precision": None, "recall": None, "f1": None,
    }  # fmt: skip
    assert data["balanced_accuracy"] == found.balanced_accuracy


def test_classes_go_by_name_and_unknown_ones_are_named(classifier, monkeypatch):
    saying(monkeypatch, 2, 0)
    found = evaluate_features(classifier, clusters({"owl": 1, "wolf": 3, "cat": 1}))
    assert found.examples == 2
    assert found.accuracy == 1
    assert found.unknown == {"wolf": 3}
    assert found.notes == ['the classifier does not know "wolf": 3 examples left out']


def test_vectors_without_a_class_are_in_no_number(classifier):
    features = clusters({"cat": 3, "dog": 3})
    features.labels[:2] = -1
    found = evaluate_features(classifier, features)
    assert (found.examples, found.unlabelled) == (4, 2)
    assert found.notes == ["2 vectors without a class: left out"]


def test_the_vectors_that_it_was_fitted_on_are_recognised(classifier):
    found = evaluate_features(classifier, clusters({"cat": 12, "dog": 12, "owl": 12}))
    assert found.is_fitted_data
    assert "these are the vectors that the classifier was fitted on" in found.notes[0]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"fingerprint": "f" * 16}, r"network MobileNetV2 with none \(01234567\) against .*ffffff"),
        ({"pooling": "max"}, "pooling avg against max"),
        ({"size": (64, 32)}, "size 32x32 against 64x32"),
        ({"resize": "bilinear"}, "resize nearest against bilinear"),
    ],
)
def test_features_of_another_network_are_refused(classifier, changed, text):
    features = clusters({"cat": 3, "dog": 3})
    other = replace(features, settings=replace(features.settings, **changed))
    with pytest.raises(DataError, match=text) as caught:
        evaluate_features(classifier, other, "other.npz")
    assert three_parts(caught.value)[0].startswith("other.npz: ")


def test_whole_images_may_be_compared_with_boxes(classifier):
    features = clusters({"cat": 3, "dog": 3})
    boxes = replace(features, settings=replace(features.settings, crops="boxes", margin=0.2))
    assert evaluate_features(classifier, boxes).examples == 6


def test_features_without_a_class_that_is_known_are_refused(classifier):
    with pytest.raises(DataError, match="its classes are wolf") as caught:
        evaluate_features(classifier, clusters({"wolf": 3}))
    assert "The classifier knows cat, dog, owl." in three_parts(caught.value)


def test_the_picture_has_a_cell_for_every_pair_with_its_count():
    svg = confusion_svg([[3, 1], [0, 7]], ["<b>", "dog"], title="11 examples")
    root = ElementTree.fromstring(svg)
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text.isdigit()] == ["3", "1", "0", "7"]
    tips = [tip.text for tip in root.iter("{http://www.w3.org/2000/svg}title")]
    assert tips[1] == "<b> called dog: 1 of 4"
    fills = [one.get("fill") for one in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert fills[2:] == ["#ffffff", "#3d63dd"]


def test_a_report_is_a_page_or_a_picture(classifier, tmp_path):
    found = evaluate_features(classifier, clusters({"cat": 4, "dog": 4, "owl": 4}, seed=9))
    write_report(str(tmp_path / "a.html"), classifier, found)
    write_report(str(tmp_path / "a.svg"), classifier, found)
    page = (tmp_path / "a.html").read_text("utf-8")
    assert f"<b>{found.balanced_accuracy:.3f}</b>" in page
    assert "<script" not in page
    assert (tmp_path / "a.svg").read_text("utf-8").strip() in page
    with pytest.raises(ConfigError, match=r"--report .*a\.pdf") as caught:
        check_report(str(tmp_path / "a.pdf"))
    three_parts(caught.value)
