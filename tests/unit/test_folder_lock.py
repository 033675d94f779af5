"""A folder belongs to one process at a time, and to nobody when that process is gone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from three_parts import three_parts

import detectune.folder_lock as folder_lock
from detectune.errors import ConfigError, WriteError
from detectune.folder_lock import folder_in_use, locked

HOLD = """
import sys, time
from pathlib import Path
from detectune.folder_lock import folder_in_use, locked
file = Path(sys.argv[1])
with locked(file, folder_in_use(file.parent, "a training", file)):
    print("held", flush=True)
    time.sleep(60)
"""


def lock(file: Path):
    return locked(file, folder_in_use(file.parent, "a training", file))


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "run" / "training.lock"


@pytest.fixture
def other(file):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        env=os.environ | {"PYTHONPATH": str(Path(folder_lock.__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def write(file: Path, **fields: object) -> None:
    file.parent.mkdir(exist_ok=True)
    fields = {"pid": os.getpid(), "host": "elsewhere", "since": "noon", **fields}
    file.write_text(json.dumps(fields))


def refused(file: Path) -> list[str]:
    before = file.read_bytes()
    with pytest.raises(ConfigError) as caught, lock(file):
        pytest.fail("the lock was given")
    assert file.read_bytes() == before
    return three_parts(caught.value)


def test_another_process_is_named_and_so_is_the_way_out(file, other):
    found, allowed, next_step = refused(file)
    holder = json.loads(file.read_text())
    assert holder["pid"] == other.pid
    assert found == (
        f"{file.parent}: a training is under way here: process {other.pid} on {holder['host']}, "
        f"since {holder['since']}."
    )
    assert allowed == "One at a time works in a folder; nothing was changed."
    assert str(file) in next_step


def test_the_same_process_is_refused_too(file):
    with lock(file):
        assert f"process {os.getpid()} on" in refused(file)[0]


def test_a_killed_process_is_succeeded_and_named(file, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert file.exists()
    with lock(file) as before:
        assert before is not None
        assert before.pid == other.pid
        assert json.loads(file.read_text())["pid"] == os.getpid()
    assert not file.exists()


def test_it_is_gone_afterwards_with_the_folder_that_was_made_for_it(file):
    with lock(file) as before:
        assert before is None
        assert file.exists()
    assert not file.parent.exists()


def test_a_folder_with_something_in_it_stays(file):
    with lock(file):
        (file.parent / "metrics.jsonl").write_text("")
    assert list(file.parent.iterdir()) == [file.parent / "metrics.jsonl"]


def test_an_error_lets_go_of_it(file):
    with pytest.raises(KeyError), lock(file):
        raise KeyError
    with lock(file) as before:
        assert before is None


def test_a_process_of_another_machine_counts_as_long_as_it_gives_signs_of_life(file):
    write(file, pid=7)
    found, _, next_step = refused(file)
    assert found.endswith("process 7 on elsewhere, since noon.")
    assert "wait two minutes" in next_step
    long_ago = os.stat(file).st_mtime - 200
    os.utime(file, (long_ago, long_ago))
    with lock(file) as before:
        assert before is not None
        assert before.host == "elsewhere"


def test_whoever_holds_it_gives_signs_of_life(file, monkeypatch):
    monkeypatch.setattr(folder_lock, "_TOUCH_SECONDS", 0.01)
    touched = threading.Event()
    monkeypatch.setattr(folder_lock.os, "utime", lambda path: touched.set())
    with lock(file):
        assert touched.wait(10)


def test_without_locks_of_the_system_the_process_is_looked_for(file, monkeypatch):
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    with lock(file):
        assert f"process {os.getpid()} on" in refused(file)[0]
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write(file, pid=gone.pid, host=folder_lock.socket.gethostname())
    with lock(file) as before:
        assert before is not None
        assert before.pid == gone.pid


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"[" * 4000, b"[1]", b'{"pid": "x"}', b'{"pid": -1}', b"9" * 4000]
)
def test_a_damaged_file_of_nobody_is_no_obstacle(file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with lock(file) as before:
        assert before is None


def test_what_another_machine_writes_stays_on_its_line(file):
    write(file, pid=7, host="a\nb", since="x" * 500)
    assert "process 7 on a b, since " + "x" * 80 + "." in refused(file)[0]


def test_something_that_is_no_file_is_an_error_and_not_a_wait(file):
    file.parent.mkdir()
    os.mkfifo(file)
    with pytest.raises(WriteError, match="no file stands there"), lock(file):
        pytest.fail("the lock was given")
    file.unlink()
    file.mkdir()
    with pytest.raises(WriteError, match="it is a folder"), lock(file):
        pytest.fail("the lock was given")
