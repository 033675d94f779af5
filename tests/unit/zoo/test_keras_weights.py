"""ImageNet weights: fetched once, checked, and stored where Keras finds them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest
from three_parts import three_parts
from zoo_servers import Site, serving

from detectune.errors import ZooError
from detectune.zoo import keras_weights
from detectune.zoo.keras_networks import KerasFile
from detectune.zoo.keras_weights import LIMITS, keras_weights_file

CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 2000
QUICK = replace(LIMITS, timeout_seconds=5, attempts=3, pause_seconds=0.01)
FILE = KerasFile("net_notop.h5", "tensorflow/nets/Net-notop.h5", hashlib.md5(CONTENT).hexdigest())
PATH = f"/{FILE.path}"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty KERAS_HOME, and no proxy."""
    for name in ("http_proxy", "HTTP_PROXY", "DETECTUNE_KERAS_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(keras_weights, "keras_file", lambda name, **options: FILE)
    return tmp_path / "keras"


@pytest.fixture
def site(monkeypatch):
    with serving(Site({PATH: CONTENT}, content_type="application/x-hdf5")) as running:
        monkeypatch.setenv("DETECTUNE_KERAS_MIRROR", running.url)
        yield running


def fetch(**options):
    return keras_weights_file("Net", limits=QUICK, **options)


def refusal():
    with pytest.raises(ZooError) as caught:
        fetch()
    return three_parts(caught.value)


def left(home):
    return sorted(path.name for path in home.rglob("*") if path.is_file())


def test_it_is_stored_where_keras_stores_it_and_fetched_once(home, site):
    seen = []
    file = fetch(progress=lambda done, total: seen.append((done, total)))
    assert file == home / "models" / "net_notop.h5"
    assert file.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert fetch() == file
    assert [path for path, _ in site.requests] == [PATH]
    assert left(home) == ["net_notop.h5"]


def test_keras_finds_what_is_fetched_here(home, site):
    from keras.utils import get_file

    file = fetch()
    found = get_file("net_notop.h5", "http://127.0.0.1:9/none", cache_subdir="models",
                     cache_dir=str(home), file_hash=FILE.digest)  # fmt: skip
    assert found == str(file)


def test_what_keras_has_fetched_needs_no_network(home):
    (home / "models").mkdir(parents=True)
    (home / "models" / FILE.name).write_bytes(CONTENT)
    assert fetch() == home / "models" / FILE.name


def test_without_keras_home_it_is_in_the_users_home(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_weights.keras_models_folder() == tmp_path / ".keras" / "models"


def test_a_flat_mirror_and_a_folder_work_as_well(home, site, tmp_path, monkeypatch):
    site.files = {f"/{FILE.name}": CONTENT}
    fetch().unlink()
    for place in (f"flat/{FILE.name}", f"deep/{FILE.path}"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(CONTENT)
        folder = tmp_path / place.partition("/")[0]
        for mirror in (str(folder), f"file://{folder}"):
            monkeypatch.setenv("DETECTUNE_KERAS_MIRROR", mirror)
            assert fetch().read_bytes() == CONTENT
            fetch().unlink()


def test_a_broken_connection_goes_on_from_where_it_was(home, site):
    site.drop_after = [100_000]
    assert fetch().read_bytes() == CONTENT
    assert [wanted for _, wanted in site.requests] == ["", "bytes=100000-"]


def test_without_a_network_the_message_names_the_file_and_where_to_put_it(home, site):
    site.status = [503] * 3
    found, allowed, next_step = refusal()
    assert found.startswith("net_notop.h5: the ImageNet weights are not here. ")
    assert "HTTP 503" in found
    assert allowed == f"They are {FILE.url}, and belong at {home / 'models' / FILE.name}."
    assert f"copy it to {home / 'models'}" in next_step
    assert "DETECTUNE_KERAS_MIRROR" in next_step
    # Following the advice cures it.
    (home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models" / FILE.name).write_bytes(CONTENT)
    assert fetch().read_bytes() == CONTENT


def test_another_file_is_refused_and_does_not_appear(home, site):
    site.files[PATH] = CONTENT + b"!"
    found, allowed, next_step = refusal()
    assert found.startswith(f"{site.url}{PATH}: it is not the file that Keras publishes: ")
    assert FILE.digest[:16] in allowed
    assert next_step.startswith("Set DETECTUNE_KERAS_MIRROR")
    assert left(home) == []


def test_a_damaged_file_that_is_there_is_named_and_kept(home, site):
    (home / "models").mkdir(parents=True)
    there = home / "models" / FILE.name
    there.write_bytes(CONTENT[:1000])
    found, _, next_step = refusal()
    assert found.startswith(f"{there}: it is not the file that Keras publishes")
    assert next_step.startswith(f"Remove {there}")
    assert there.read_bytes() == CONTENT[:1000]
    there.unlink()
    assert fetch().read_bytes() == CONTENT


def test_a_web_page_is_refused_at_its_first_bytes(home, site, monkeypatch):
    monkeypatch.setattr(keras_weights, "keras_file", lambda *a, **b: replace(FILE, digest=""))
    site.files[PATH] = b"<html>please log in</html>"
    site.content_type = "text/html"
    assert "the server sent a web page instead of a file of weights" in refusal()[0]
    assert left(home) == []


def test_a_file_without_a_published_checksum_is_hdf5_at_least(home, site, monkeypatch):
    monkeypatch.setattr(keras_weights, "keras_file", lambda *a, **b: replace(FILE, digest=""))
    assert fetch().read_bytes() == CONTENT
    (home / "models" / FILE.name).write_bytes(b"<html>")
    assert refusal()[0].endswith("it is no HDF5 file.")


def test_a_folder_without_the_file_and_a_mirror_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("DETECTUNE_KERAS_MIRROR", str(tmp_path))
    assert f"{tmp_path}: the folder has no net_notop.h5." in refusal()[0]
    for mirror, reason in (
        (str(tmp_path / "none"), "there is no such folder"),
        ("ftp://host/keras", "ftp:// is not supported"),
        ("http://host/keras?x=1", "it has a ? or #"),
    ):
        monkeypatch.setenv("DETECTUNE_KERAS_MIRROR", mirror)
        found, _, next_step = refusal()
        assert found.startswith(f"DETECTUNE_KERAS_MIRROR {mirror}: {reason}")
        assert next_step.startswith("Correct the variable")


@pytest.mark.skipif(os.name == "nt", reason="pipes and permissions are otherwise there")
def test_something_else_in_its_place_is_named(home):
    (home / "models").mkdir(parents=True)
    os.mkfifo(home / "models" / FILE.name)
    assert "it is no file" in refusal()[0]
    os.unlink(home / "models" / FILE.name)
    (home / "models").rmdir()
    (home / "models").write_text("a file")
    found, _, next_step = refusal()
    assert found.startswith("net_notop.h5: the ImageNet weights are not here.")
    assert next_step.startswith("Fetch that file")
