"""Classifiers on vectors: folds, choice of settings, what is refused, and storing without code."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from features_data import clusters
from three_parts import three_parts

from detectune.errors import CheckpointError, ConfigError, DataError, WriteError
from detectune.features import classifier_kinds
from detectune.features.classifier_kinds import CLASSIFIERS
from detectune.features.feature_file import read_features
from detectune.features.fit import fit_classifier
from detectune.features.folds import divide
from detectune.features.stored_classifier import load_classifier, save_classifier
from detectune.features.trusted import Untrusted, refuse_untrusted

THREE = {"cat": 30, "dog": 12, "owl": 9}


@pytest.fixture(scope="module")
def fitted():
    """One classifier of each kind."""
    return {kind: fit_classifier(clusters(THREE), kind, folds=3) for kind in CLASSIFIERS}


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_classes_that_lie_apart_are_told_apart(fitted, kind):
    found, unseen = fitted[kind], clusters(THREE, seed=1)
    answers = found.answers(unseen.vectors)
    assert found.classes == ("cat", "dog", "owl")
    assert np.mean(answers.classes == unseen.labels) > 0.9
    assert found.cross_validation.balanced_accuracy > 0.9
    assert found.cross_validation.majority_accuracy == pytest.approx(30 / 51)
    assert found.cross_validation.majority_balanced_accuracy == pytest.approx(1 / 3)
    assert found.cross_validation.majority_class == "cat"
    assert found.cross_validation.folds == 3
    if found.score == "probability":
        np.testing.assert_allclose(answers.scores.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_stored_classifier_answers_as_before(fitted, kind, tmp_path):
    save_classifier(fitted[kind], tmp_path / "new")
    loaded = load_classifier(tmp_path / "new")
    vectors = clusters(THREE, seed=2).vectors
    np.testing.assert_array_equal(
        loaded.answers(vectors).scores, fitted[kind].answers(vectors).scores
    )
    assert replace(loaded, pipeline=None) == replace(fitted[kind], pipeline=None)


def test_two_classes_have_two_scores(tmp_path):
    found = fit_classifier(clusters({"cat": 9, "dog": 9}), "linear-svm", folds=3)
    answers = found.answers(clusters({"cat": 1, "dog": 1}, seed=3).vectors)
    assert answers.scores.shape == (2, 2)
    np.testing.assert_allclose(answers.scores[:, 0], -answers.scores[:, 1])
    assert answers.classes.tolist() == [0, 1]


def test_the_same_seed_gives_the_same_classifier():
    features = clusters(THREE, apart=1.0)
    one, two = (fit_classifier(features, "mlp", folds=2, seed=4) for _ in range(2))
    assert one.cross_validation == two.cross_validation
    np.testing.assert_array_equal(
        one.answers(features.vectors).scores, two.answers(features.vectors).scores
    )


def test_rare_classes_count_as_much_as_frequent_ones():
    found = fit_classifier(clusters({"cat": 200, "dog": 10}, apart=1.5), "logistic")
    seen = clusters({"cat": 200, "dog": 200}, seed=5, apart=1.5)
    said = found.answers(seen.vectors).classes
    assert np.mean(said[seen.labels == 1] == 1) > 0.6


def test_vectors_of_one_image_are_in_one_fold():
    labels, images = np.array([0, 1] * 20), np.repeat(np.arange(10), 4)
    found = divide(labels, images, ("cat", "dog"), 5, 0)
    assert found.by_image
    assert len(found.splits) == 5
    for learned, measured in found.splits:
        assert not set(images[learned]) & set(images[measured])


def test_a_class_in_one_image_lets_boxes_be_divided_and_says_so():
    labels, images = np.array([0] * 6 + [1] * 6), np.array([0, 0, 1, 1, 2, 2] + [3] * 6)
    found = divide(labels, images, ("cat", "dog"), 3, 0)
    assert not found.by_image
    assert len(found.splits) == 3
    assert 'all boxes of "dog" are in one image' in found.notes[0]


def test_a_small_class_makes_fewer_folds_and_says_so():
    found = fit_classifier(clusters({"cat": 20, "dog": 3}), "knn", folds=5)
    assert found.cross_validation.folds == 3
    assert found.notes == ('3 folds instead of 5, because "dog" has 3 examples',)


def test_a_class_with_one_example_is_refused_unless_it_is_left_out():
    features = clusters({"cat": 8, "dog": 8, "owl": 1})
    with pytest.raises(DataError) as caught:
        fit_classifier(features)
    found, _, next_step = three_parts(caught.value)
    assert found == "owl: it has one example."
    assert '--drop "owl"' in next_step
    assert fit_classifier(features, drop=["owl"], folds=2).classes == ("cat", "dog")
    with pytest.raises(ConfigError, match=r'Did you mean "owl"\?'):
        fit_classifier(features, drop=["owls"])


@pytest.mark.parametrize(
    ("features", "kind", "error", "text"),
    [
        (clusters({"cat": 8, "dog": 8}), "svn", ConfigError, r'Did you mean "svm"\?'),
        (clusters({"cat": 8}), "svm", DataError, 'all 8 vectors are of the class "cat"'),
        (
            replace(clusters({"cat": 4, "dog": 4}), labels=np.full(8, -1, np.int32)),
            "svm",
            DataError,
            "no vector has a class",
        ),
        (
            replace(clusters({"cat": 4, "dog": 4}), vectors=np.full((8, 6), np.nan, np.float32)),
            "svm",
            DataError,
            "8 vectors of 8 are not finite: 0.png, 1.png, 2.png, … and 5 more",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(features, kind, error, text):
    with pytest.raises(error, match=text) as caught:
        fit_classifier(features, kind)
    three_parts(caught.value)


def test_without_the_extra_the_message_names_it(monkeypatch):
    known = classifier_kinds.importlib.util.find_spec
    monkeypatch.setattr(
        classifier_kinds.importlib.util,
        "find_spec",
        lambda name: None if name == "skops" else known(name),
    )
    with pytest.raises(ConfigError) as caught:
        fit_classifier(clusters(THREE))
    found, _, next_step = three_parts(caught.value)
    assert found == "features: skops is not installed."
    assert next_step == 'Install it with: pip install "detectune[features]"'


def rewritten(data: bytes, change) -> bytes:
    """A .skops file with its description changed by `change`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                change(schema)
                content = json.dumps(schema).encode()
            new.writestr(name, content)
    return buffer.getvalue()


def stored(folder, data: bytes) -> None:
    """Put `data` in the place of the classifier, as somebody would who means harm."""
    import hashlib

    (folder / "classifier.skops").write_bytes(data)
    file = folder / "features.json"
    described = json.loads(file.read_text())
    described["sha256"] = hashlib.sha256(data).hexdigest()
    file.write_text(json.dumps(described))


def as_function(schema):
    schema["content"]["content"]["steps"] = {
        "__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 1,
        "content": "os.system",
    }  # fmt: skip


def as_other_estimator(schema):
    schema["__module__"], schema["__class__"] = "sklearn.ensemble._forest", "RandomForestClassifier"


def as_partial(schema):
    schema["__loader__"] = "PartialNode"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (as_function, "FunctionNode of os.system, os.system"),
        (as_other_estimator, "sklearn.ensemble._forest.RandomForestClassifier"),
        (as_partial, "PartialNode of sklearn.pipeline.Pipeline"),
    ],
)
def test_what_is_not_on_the_closed_list_is_refused_by_name(fitted, change, named, tmp_path):
    folder = tmp_path / "foreign"
    save_classifier(fitted["svm"], folder)
    stored(folder, rewritten((folder / "classifier.skops").read_bytes(), change))
    with pytest.raises(CheckpointError) as caught:
        load_classifier(folder)
    assert f"it names {named}, which no classifier here has" in three_parts(caught.value)[0]


def test_a_file_that_is_no_array_is_refused(fitted, tmp_path):
    save_classifier(fitted["knn"], tmp_path)
    file = tmp_path / "classifier.skops"
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("run.pkl", b"cos\nsystem\n")
    with pytest.raises(Untrusted, match=r"it holds run\.pkl, which is no array"):
        refuse_untrusted(file.read_bytes())


def test_support_vectors_that_do_not_fit_are_not_read_by_native_code(fitted, tmp_path):
    folder = tmp_path / "broken"
    save_classifier(fitted["svm"], folder)

    classifier = fitted["svm"].pipeline["classify"]
    whole = classifier._n_support
    classifier._n_support = whole + 1000
    try:
        import skops.io

        stored(folder, skops.io.dumps(fitted["svm"].pipeline))
    finally:
        classifier._n_support = whole
    with pytest.raises(CheckpointError, match="support_vectors_ are"):
        load_classifier(folder)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("features.json", b"{", "it is no classifier of features"),
        ("features.json", b'{"format": 9}', "it is of another format"),
        ("features.json", None, "No such file"),
        ("classifier.skops", b"PK", "it is not the file that features.json beside it describes"),
        ("classifier.skops", None, "No such file"),
    ],
)
def test_a_damaged_folder_is_refused(fitted, name, content, text, tmp_path):
    save_classifier(fitted["svm"], tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=text) as caught:
        load_classifier(tmp_path)
    three_parts(caught.value)


def test_a_truncated_skops_file_is_refused(fitted, tmp_path):
    save_classifier(fitted["svm"], tmp_path)
    stored(tmp_path, (tmp_path / "classifier.skops").read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="it cannot be read"):
        load_classifier(tmp_path)


def test_a_classifier_of_another_kind_than_described_is_refused(fitted, tmp_path):
    save_classifier(fitted["svm"], tmp_path)
    file = tmp_path / "features.json"
    file.write_text(file.read_text().replace('"kind": "svm"', '"kind": "knn"'))
    with pytest.raises(CheckpointError, match="it is a SVC and not what knn means"):
        load_classifier(tmp_path)


def test_a_folder_with_other_things_is_left_alone(fitted, tmp_path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(WriteError) as caught:
        save_classifier(fitted["svm"], tmp_path)
    three_parts(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_features_are_read_as_they_were_written(tmp_path):
    features = clusters({"cat\n": 2, "ünï": 1})
    features.save(tmp_path / "a.npz")
    found = read_features(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.vectors, features.vectors)
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.boxes, features.boxes)
    assert (found.class_names, found.file_names) == (features.class_names, features.file_names)
    assert found.settings == features.settings
    assert found.counts == {"cat\n": 2, "ünï": 1}
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == [
            "boxes", "class_names", "file_names", "images", "labels", "settings", "vectors",
        ]  # fmt: skip


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "a.npz"
    clusters({"cat": 2}).save(file)
    before = file.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(WriteError, match="no space left"):
        clusters({"cat": 3}).save(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def spoiled(tmp_path, **changed):
    """A file of features with arrays changed, or left out where they are None."""
    clusters({"cat": 2, "dog": 2}).save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as arrays:
        kept = {**arrays, **changed}
    np.savez(tmp_path / "bad.npz", **{k: v for k, v in kept.items() if v is not None})
    return tmp_path / "bad.npz"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"vectors": None}, "vectors is not a file in the archive"),
        ({"labels": np.zeros(3, np.int32)}, "4 vectors have 3 labels"),
        ({"labels": np.full(4, 7, np.int32)}, "a label is none of 2 classes"),
        ({"vectors": np.zeros((4, 5), np.float32)}, "another length than its settings say"),
        ({"vectors": np.zeros((4, 6), np.int32)}, r"vectors are int32 of the shape \(4, 6\)"),
        ({"vectors": np.full((4, 6), np.inf, np.float32)}, "4 vectors of 4 are not finite"),
        ({"settings": np.array("{}")}, "its settings are of another format"),
        ({"settings": np.array('{"format": 1}')}, "its setting network is missing or wrong"),
        ({"class_names": np.array(["cat", "cat"])}, "two classes have one name"),
        ({"class_names": np.array([{}, {}], object)}, "Object arrays cannot be loaded"),
    ],
)
def test_a_wrong_file_of_features_is_refused(changed, text, tmp_path):
    with pytest.raises(DataError, match=text) as caught:
        read_features(spoiled(tmp_path, **changed))
    three_parts(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", b"\x93NUMPY\x01\x00"])
def test_what_is_no_file_of_features_is_refused(content, tmp_path):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="it is no file of features") as caught:
        read_features(tmp_path / "a.npz")
    three_parts(caught.value)
