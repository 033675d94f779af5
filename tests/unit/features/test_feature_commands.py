"""`detectune features`: from a folder to the classes of new images, and what is refused."""

from __future__ import annotations

import json
import shutil

import pytest
from features_data import COLOURS, class_folders, noisy
from own_networks import small_network
from PIL import Image

from detectune.cli.main import main
from detectune.features import classifier_kinds

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Images, a network, features and a classifier."""
    root = tmp_path_factory.mktemp("features")
    class_folders(root / "images", 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Keras
            small_network(32).save("small.keras")
    run("extract", root / "images", "--network", root / "small.keras", "-o", root / "a.npz")
    run("fit", root / "a.npz", "--classifier", "logistic", "--folds", "3", "-o", root / "colours")
    return root


def run(*words) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as left:
        main(["features", *map(str, words)])
    return left.value.code or 0


def test_the_road_from_a_folder_to_new_images(made, tmp_path, capsys):
    assert run("evaluate", made / "colours", made / "a.npz", "--json", tmp_path / "n.json",
               "--report", tmp_path / "n.svg") == 0  # fmt: skip
    out = capsys.readouterr().out
    assert 'always "blue": balanced accuracy 0.500, accuracy 0.500' in out
    assert "these are the vectors that the classifier was fitted on" in out
    assert json.loads((tmp_path / "n.json").read_text())["examples"] == 12
    assert (tmp_path / "n.svg").read_text().startswith("<svg")

    new = tmp_path / "new"
    new.mkdir()
    for name, colour in COLOURS.items():
        if name != "green":
            Image.fromarray(noisy(colour, 77)).save(new / f"{name}.png")
    assert run("predict", made / "colours", new, "--json", tmp_path / "p.json") == 0
    rows = json.loads((tmp_path / "p.json").read_text())
    assert [(row["file_name"], row["class"]) for row in rows] == [
        ("blue.png", "blue"), ("red.png", "red"),
    ]  # fmt: skip
    assert rows[0]["probability"] == rows[0]["scores"]["blue"] > 0.5
    assert sum(rows[0]["scores"].values()) == pytest.approx(1)

    (new / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run("predict", made / "colours", new, "--threshold", "1.1") == 1
    out, err = capsys.readouterr()
    assert "not read:" in err
    assert "bad.png" in err
    assert out.count("–") == 2


def test_what_is_said_of_a_fit(made, tmp_path, capsys):
    assert run("fit", made / "a.npz", "--classifier", "knn", "--folds", "3", "-o",
               tmp_path / "new") == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "knn, n_neighbors 1, weights uniform" in out
    assert "balanced accuracy 1.000 ± 0.000, accuracy 1.000: mean and deviation of 3 folds" in out
    assert "detectune features evaluate" in out
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [
        "classifier.skops", "features.json",
    ]  # fmt: skip


def test_what_is_said_of_vectors_and_of_images_that_cannot_be_read(made, tmp_path, capsys):
    root = class_folders(tmp_path / "images", 3)
    (root / "red" / "0.png").write_bytes(b"")
    assert run("extract", root, "--network", made / "small.keras", "-o", tmp_path / "b.npz") == 1
    out, err = capsys.readouterr()
    assert "5 vectors of 20 numbers: whole 5 images, as 32x32 pixels (nearest)" in out
    assert "not read: 0.png: it is empty" in err
    assert (tmp_path / "b.npz").is_file()


def test_a_network_that_has_moved_is_named_and_another_one_refused(made, tmp_path, capsys):
    image = made / "images" / "red" / "0.png"
    folder = shutil.copytree(made / "colours", tmp_path / "colours")
    file = folder / "features.json"
    file.write_text(file.read_text().replace(str(made / "small.keras"), "/nowhere/small.keras"))
    assert run("predict", folder, image) == 2
    assert "/nowhere/small.keras" in capsys.readouterr().err
    assert run("predict", folder, image, "--network", made / "small.keras") == 0
    other = tmp_path / "other.keras"
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Keras
        small_network(32).save(other)
    capsys.readouterr()
    assert run("predict", folder, image, "--network", other) == 2
    assert "the vectors are others than those of the classifier: network" in capsys.readouterr().err


def test_a_savedmodel_that_a_folder_names_is_not_run(made, tmp_path, capsys):
    program = tmp_path / "program"
    program.mkdir()
    (program / "saved_model.pb").write_bytes(b"whatever it does")
    folder = shutil.copytree(made / "colours", tmp_path / "colours")
    file = folder / "features.json"
    file.write_text(file.read_text().replace(str(made / "small.keras"), str(program)))
    assert run("predict", folder, made / "images" / "red" / "0.png") == 2
    err = capsys.readouterr().err
    assert "is run only where you name it yourself" in err
    assert "--network" in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["extract", "IMAGES", "--network", "MobilNetV2", "-o", "x.npz"], 'mean "MobileNetV2"'),
        (["extract", "IMAGES", "--network", "none.keras", "-o", "x.npz"], "no network is called"),
        (["extract", "IMAGES", "--network", "VGG16", "-o", "x.txt"], "Write -o x.txt.npz."),
        (["extract", "IMAGES", "--network", "VGG16", "--size", "big", "-o", "x.npz"], "240x320"),
        (["extract", "nowhere", "--network", "VGG16", "-o", "x.npz"], "no such file or folder"),
        (["fit", "nowhere.npz", "-o", "x"], "nowhere.npz: it is no file of features"),
        (["fit", "FEATURES", "--classifier", "forest", "-o", "x"], "linear-svm, logistic"),
        (["fit", "FEATURES", "--drop", "blue", "-o", "x"], 'are of the class "red"'),
        (["evaluate", "nowhere", "FEATURES"], "nowhere/features.json: it is no classifier"),
        (["evaluate", "CLASSIFIER", "FEATURES", "--report", "x.pdf"], ".svg"),
        (["predict", "CLASSIFIER", "nowhere.jpg"], "there is no such file or folder"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(made, words, text, capsys, monkeypatch,
                                                         tmp_path):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    stand = {"IMAGES": made / "images", "FEATURES": made / "a.npz", "CLASSIFIER": made / "colours"}
    assert run(*(stand.get(word, word) for word in words)) == 2
    err = capsys.readouterr().err
    assert text in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_no_time_is_lost(made, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(classifier_kinds.importlib.util, "find_spec", lambda name: None)
    assert run("fit", made / "a.npz", "-o", tmp_path / "x") == 2
    err = capsys.readouterr().err
    assert "scikit-learn and skops are not installed" in err
    assert 'pip install "detectune[features]"' in err
