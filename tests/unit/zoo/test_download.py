import errno
import json
import os
import shutil
import tarfile
from collections import namedtuple

import pytest
from left_open import nothing_left_open
from three_parts import three_parts
from zoo_servers import Site, serving, tar_gz

from detectune.errors import ConfigError, ZooError
from detectune.zoo.catalog import find_archive
from detectune.zoo.download import Limits, check_model, fetch_archive
from detectune.zoo.transfer import TransferLimits
from detectune.zoo.unpack import UnpackLimits

ARCHIVE = find_archive("ssd_mobilenet_v2_320x320_coco17_tpu-8")
NAME = ARCHIVE.name
PATH = f"/{ARCHIVE.date}/{NAME}.tar.gz"
NOISE = os.urandom(300_000)
FILES = {f"{NAME}/pipeline.config": b"model { }", f"{NAME}/checkpoint/ckpt-0.index": NOISE}
GOOD = tar_gz(FILES)
QUICK = Limits(TransferLimits(timeout_seconds=5, attempts=3, pause_seconds=0.01))


@pytest.fixture(autouse=True)
def no_proxy_and_no_mirror(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "DETECTUNE_ZOO_MIRROR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site():
    with serving(Site({PATH: GOOD})) as running:
        yield running


def fetch(folder, site_or_mirror, **options):
    mirror = site_or_mirror.url if isinstance(site_or_mirror, Site) else str(site_or_mirror)
    return fetch_archive(ARCHIVE, folder, mirror=mirror, limits=QUICK, **options)


def error_of(folder, site_or_mirror, **options):
    with pytest.raises(ZooError) as caught:
        fetch(folder, site_or_mirror, **options)
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert all(lines)
    return lines


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_archive_arrives_unpacked_with_a_record(tmp_path, site):
    fetched = fetch(tmp_path, site)
    assert fetched.folder == tmp_path / NAME
    assert not fetched.was_there
    assert (fetched.folder / "checkpoint/ckpt-0.index").read_bytes() == NOISE
    record = json.loads((fetched.folder / ".detectune.json").read_text())
    assert record["sha256"] == fetched.sha256
    assert record["bytes"] == len(GOOD)
    assert record["url"] == site.url + PATH
    assert files_in(tmp_path) == [
        f"{NAME}/.detectune.json",
        f"{NAME}/checkpoint/ckpt-0.index",
        f"{NAME}/pipeline.config",
    ]


def test_the_folder_can_be_read_by_others(tmp_path, site):
    assert fetch(tmp_path, site).folder.stat().st_mode & 0o555 == 0o555


def test_what_is_there_is_not_fetched_again(tmp_path, site):
    first = fetch(tmp_path, site)
    again = fetch(tmp_path, site)
    assert again.was_there
    assert again.sha256 == first.sha256
    assert len(site.requests) == 1


def test_a_folder_unpacked_by_hand_counts_as_there(tmp_path, site):
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "pipeline.config").write_text("mine")
    assert fetch(tmp_path, site).was_there
    assert site.requests == []


def test_an_empty_folder_is_filled(tmp_path, site):
    (tmp_path / NAME).mkdir()
    assert not fetch(tmp_path, site).was_there


def test_force_replaces_the_folder(tmp_path, site):
    folder = fetch(tmp_path, site).folder
    (folder / "stray").write_text("x")
    assert not fetch(tmp_path, site, force=True).was_there
    assert not (folder / "stray").exists()
    assert len(site.requests) == 2


def test_force_refuses_another_archive_under_the_same_name(tmp_path, site):
    folder = fetch(tmp_path, site).folder
    site.files[PATH] = tar_gz({f"{NAME}/pipeline.config": b"changed"})
    found, allowed, next_step = error_of(tmp_path, site, force=True)
    assert found.endswith("the archive differs from the one that was fetched before.")
    assert allowed.startswith("Its sha256 was ")
    assert next_step.startswith(f"If you trust the new one, delete {folder}")
    assert (folder / "pipeline.config").read_bytes() == b"model { }"


def test_a_flat_mirror_works_as_well(tmp_path, site):
    site.files = {f"/{NAME}.tar.gz": GOOD}
    assert (fetch(tmp_path, site).folder / "pipeline.config").exists()
    assert [path for path, _ in site.requests] == [PATH, f"/{NAME}.tar.gz"]


def test_the_mirror_may_stand_in_the_environment(tmp_path, site, monkeypatch):
    monkeypatch.setenv("DETECTUNE_ZOO_MIRROR", site.url + "/")
    fetched = fetch_archive(ARCHIVE, tmp_path, limits=QUICK)
    assert fetched.source == site.url + PATH


def test_an_archive_without_a_folder_of_its_own_gets_one(tmp_path, site):
    site.files[PATH] = tar_gz({"a.index": b"1", "b.index": b"2"})
    folder = fetch(tmp_path, site).folder
    assert files_in(folder) == [".detectune.json", "a.index", "b.index"]


def test_progress_ends_with_the_whole_size(tmp_path, site):
    seen = []
    fetch(tmp_path, site, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(GOOD), len(GOOD))
    assert seen == sorted(seen)


def test_an_archive_without_a_checkpoint_is_said_each_time(tmp_path, site):
    site.files[PATH] = tar_gz({f"{NAME}/README": b"x", f"{NAME}/empty.index": b""})
    for _ in range(2):
        fetched = fetch(tmp_path, site)
        with pytest.raises(ZooError) as caught:
            check_model(fetched)
        found, _, next_step = three_parts(caught.value)
        assert found == f"{tmp_path / NAME}: there is no checkpoint in it."
        assert f"remove {tmp_path / NAME}" in next_step


def test_an_archive_with_a_checkpoint_is_sound(tmp_path, site):
    check_model(fetch(tmp_path, site))


# --- interruptions --------------------------------------------------------------------------------


def test_a_broken_connection_is_continued_where_it_broke(tmp_path, site):
    site.drop_after = [100_000]
    fetch(tmp_path, site)
    assert [wanted for _, wanted in site.requests] == ["", "bytes=100000-"]


def test_a_later_call_continues_an_earlier_one(tmp_path, site):
    site.drop_after = [50_000, 0, 0]
    found, allowed, _ = error_of(tmp_path, site)
    assert "the connection ended after 50,000 of" in found
    assert allowed.startswith("50,000 bytes have arrived and are kept in ")
    assert not (tmp_path / NAME).exists()
    fetch(tmp_path, site)
    assert site.requests[-1][1] == "bytes=50000-"
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


def test_a_download_stopped_by_the_keyboard_is_continued(tmp_path, site):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path, site, progress=stop)
    fetch(tmp_path, site)
    assert site.requests[-1][1] == f"bytes={2**18}-"


def test_a_disk_that_fills_up_while_fetching_keeps_what_was_there(tmp_path, site, monkeypatch):
    folder = fetch(tmp_path, site).folder

    def full(done, total):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert "the disk is full" in error_of(tmp_path, site, force=True, progress=full)[0]
    assert (folder / "pipeline.config").read_bytes() == b"model { }"


def test_a_server_without_ranges_starts_again(tmp_path, site):
    site.ranges, site.drop_after = False, [100_000]
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


def test_halves_of_two_versions_are_never_joined(tmp_path, site):
    site.drop_after = [100_000, 0, 0]
    error_of(tmp_path, site)
    site.files[PATH], site.etag = tar_gz({f"{NAME}/x": NOISE[::-1]}), '"v2"'
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "x").read_bytes() == NOISE[::-1]


def test_without_a_version_the_length_must_agree(tmp_path, site):
    site.etag, site.drop_after = "", [100_000, 0, 0]
    error_of(tmp_path, site)
    site.files[PATH] = tar_gz({f"{NAME}/x": NOISE[::-1] * 2})
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "x").read_bytes() == NOISE[::-1] * 2


def test_a_part_that_is_longer_than_the_file_is_dropped(tmp_path, site):
    site.drop_after = [200_000, 0, 0]
    error_of(tmp_path, site)
    site.files[PATH] = tar_gz({f"{NAME}/x": b"short"})
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "x").read_bytes() == b"short"


def test_a_part_with_damaged_notes_is_not_trusted(tmp_path, site):
    site.drop_after = [100_000, 0, 0]
    error_of(tmp_path, site)
    (notes,) = tmp_path.glob("*.json")
    notes.write_text("{")
    fetch(tmp_path, site)
    assert site.requests[-1][1] == ""


def test_a_part_of_one_mirror_survives_a_try_at_another(tmp_path, site):
    site.drop_after = [100_000, 0, 0]
    error_of(tmp_path, site)
    with serving(Site()) as other:
        error_of(tmp_path, other)
    fetch(tmp_path, site)
    assert site.requests[-1][1] == "bytes=100000-"


def test_an_overloaded_server_is_asked_again(tmp_path, site):
    site.status = [503, 429]
    fetch(tmp_path, site)
    assert len(site.requests) == 3


def test_a_length_that_is_not_true_ends_with_an_error_not_a_loop(tmp_path, site):
    site.claimed_length = len(GOOD) + 1000
    found, _, next_step = error_of(tmp_path, site)
    assert "could not be fetched" in found
    assert "it goes on from there" in next_step
    assert len(site.requests) < 12


def test_a_missing_length_is_no_obstacle(tmp_path, site):
    site.send_length = False
    assert not fetch(tmp_path, site).was_there


# --- slow and strange servers ---------------------------------------------------------------------

IMPATIENT = Limits(TransferLimits(timeout_seconds=5, slow_seconds=0.2, slow_bytes=1000))
HEAD = b"HTTP/1.1 200 OK\r\n"


def test_a_server_that_drips_is_left_and_what_came_is_kept(tmp_path, site):
    site.drip_seconds = 0.001  # about 200 bytes between two looks at the clock
    with pytest.raises(ZooError) as caught:
        fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=IMPATIENT)
    found, allowed, next_step = three_parts(caught.value)
    assert found.endswith(
        "fewer than 1,000 bytes came in 0.2 seconds, which is too slow to wait for."
    )
    assert "run the same command again" in next_step
    assert len(site.requests) == 1
    kept = (tmp_path / f".{NAME}.tar.gz.part").read_bytes()
    assert kept
    assert GOOD.startswith(kept)
    assert allowed.startswith(f"{len(kept):,} bytes have arrived and are kept in ")
    site.drip_seconds = 0
    fetch(tmp_path, site)
    assert site.requests[-1][1] == f"bytes={len(kept)}-"
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


@pytest.mark.parametrize(
    "raw",
    [HEAD + b"X: 1\r\n" * 1000, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, HEAD * 1000],
    ids=["headers", "continue", "status"],
)
def test_headers_that_drip_are_not_waited_for(tmp_path, site, raw):
    site.raw, site.drip_seconds = raw, 0.01
    with pytest.raises(ZooError, match="which is too slow to wait for"):
        fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=IMPATIENT)


def test_a_slow_end_of_a_download_counts_if_it_is_the_end(tmp_path, site):
    site.files[PATH] = tar_gz({f"{NAME}/x": b"short"})
    site.drip_seconds = 0.002
    limits = Limits(TransferLimits(timeout_seconds=5, slow_seconds=0.25, slow_bytes=1))
    assert not fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=limits).was_there


@pytest.mark.parametrize("length", ["²", "-1", "1e3", "9" * 5000, "0x10", "5, 5", ""])
def test_a_length_that_is_no_number_counts_as_none(tmp_path, site, length):
    head = f"Content-Length: {length}\r\n\r\n".encode("latin-1")
    site.raw = HEAD + head + GOOD
    assert not fetch(tmp_path, site).was_there


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("ftp://127.0.0.1:1/x", "the server sends us to ftp://127.0.0.1:1/x."),
        ("file:///etc/passwd", "the server sends us on and on, or nowhere (HTTP 302)."),
        ("javascript:alert(1)", "the server sends us on and on, or nowhere (HTTP 302)."),
    ],
)
def test_a_redirect_away_from_the_web_is_not_followed(tmp_path, site, place, reason):
    site.redirects[PATH] = place
    assert error_of(tmp_path, site)[0].endswith(reason)
    assert len(site.requests) == 1


def test_a_circle_of_redirects_is_left(tmp_path, site):
    site.redirects |= {PATH: "/b", "/b": PATH}
    found, _, next_step = error_of(tmp_path, site)
    assert found.endswith("the server sends us on and on, or nowhere (HTTP 302).")
    assert "Choose another --mirror" in next_step


def test_a_redirect_on_the_web_is_followed(tmp_path, site):
    site.redirects[PATH], site.files = "/elsewhere", {"/elsewhere": GOOD}
    assert not fetch(tmp_path, site).was_there


@pytest.mark.parametrize("place", ["http://host:99999/", "http://[", "http://" + "a" * 70, "//:x"])
def test_a_redirect_to_no_address_is_an_error(tmp_path, site, place):
    site.redirects[PATH] = place
    assert "could not be fetched" in error_of(tmp_path, site)[0]


def test_no_connection_stays_open_behind_a_redirect_to_no_address(tmp_path, site):
    site.raw = b"HTTP/1.1 302 Found\r\nContent-Length: 99\r\nLocation: http://[\r\n\r\n<html>"
    with nothing_left_open():
        assert "could not be fetched: Invalid IPv6 URL" in error_of(tmp_path, site)[0]


def partial(span: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 206 Partial\r\nContent-Range: {span}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


@pytest.mark.parametrize(
    "span", ["bytes 0-9/10", "bytes 5-9/10", "bytes */10", "bytes ²-9/10", "", "x" * 5000]
)
def test_a_part_that_nobody_asked_for_is_not_taken(tmp_path, site, span):
    (tmp_path / f".{NAME}.tar.gz.part").write_bytes(b"of something else")
    site.raw = partial(span, GOOD[:10])
    assert "the file on the server has changed" in error_of(tmp_path, site)[0]
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("start", [0, 1, 99_999, 100_001, 10**20])
def test_a_part_from_another_place_is_not_joined(tmp_path, site, start):
    site.drop_after = [100_000, 0, 0]
    error_of(tmp_path, site)
    good, site.raw = site.raw, partial(f"bytes {start}-{len(GOOD) - 1}/{len(GOOD)}", b"wrong")
    assert "the file on the server has changed" in error_of(tmp_path, site)[0]
    site.raw = good
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\0" * 100, b"HTTP/1.1 200\r\n\r\n", b"HTTP/9.9 abc OK\r\n\r\n",
        b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 Same\r\n\r\n", b"HTTP/1.1 999 ?\r\n\r\n",
        HEAD + b"A: " + b"b" * 70_000 + b"\r\n\r\n", HEAD + b"A: b\r\n" * 500 + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD[:50],
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + GOOD[:50],
        b"HTTP/1.1 403 \x1b[31mno\r\n\r\n", b"HTTP/1.1 302 Go\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: \x80\xff\r\n\r\n",
        HEAD + b"Content-Type: \x1b[2J\xe4\r\n\r\nnothing",
        HEAD + b'ETag: "\xe4\x01"\r\nContent-Length: 400000\r\n\r\n' + GOOD[:50],
    ],
)  # fmt: skip
def test_an_answer_that_is_none_ends_with_an_error(tmp_path, site, raw):
    site.raw = raw
    text = "\n".join(error_of(tmp_path, site))
    assert text.isprintable() or "\x1b" not in text
    assert not (tmp_path / NAME).exists()


def test_an_answer_in_another_language_is_said_plainly(tmp_path, site):
    site.raw = b"220 mail.example.org ESMTP\r\n"
    found = error_of(tmp_path, site)[0]
    assert found.endswith("the answer is not one of a web server (220 mail.example.org ESMTP).")


# --- what an earlier download left ----------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"total": "300000"}, {"total": -1}, {"total": 0}, {"total": 1.5}, {"total": True},
        {"total": 10}, {"total": 10**30}, {"total": []}, {"validator": "a\nHost: b"},
        {"validator": "ä€"}, {"validator": None}, {"validator": "x" * 500}, {"url": 5},
    ],
)  # fmt: skip
def test_notes_that_a_hand_has_changed_are_no_dead_end(tmp_path, site, change):
    site.drop_after = [100_000, 0, 0]
    error_of(tmp_path, site)
    (notes,) = tmp_path.glob(".*.json")
    notes.write_text(json.dumps(json.loads(notes.read_text()) | change))
    fetch(tmp_path, site)
    assert site.requests[-1][1] == ""
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


@pytest.mark.parametrize("notes", [b"", b"[]", b"\xff", b"[" * 100_000, b"null", b"{}", b"7"])
def test_notes_of_another_shape_are_no_dead_end(tmp_path, site, notes):
    (tmp_path / f".{NAME}.tar.gz.part").write_bytes(GOOD[:100])
    (tmp_path / f".{NAME}.tar.gz.part.json").write_bytes(notes)
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


def test_a_part_that_says_it_is_whole_and_is_not_is_fetched_anew_the_next_time(tmp_path, site):
    site.drop_after = [100_000, 0, 0]
    error_of(tmp_path, site)
    (notes,) = tmp_path.glob(".*.json")
    notes.write_text(json.dumps(json.loads(notes.read_text()) | {"total": 100_000}))
    assert "damaged or not complete" in error_of(tmp_path, site)[0]
    fetch(tmp_path, site)
    assert (tmp_path / NAME / "checkpoint/ckpt-0.index").read_bytes() == NOISE


@pytest.mark.parametrize("ending", ["part", "part.json"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path, site, ending, make):
    make(tmp_path / f".{NAME}.tar.gz.{ending}")
    found, _, next_step = error_of(tmp_path, site)
    assert found.endswith(f".{NAME}.tar.gz.{ending}: something that is no file stands here.")
    assert next_step.startswith("Remove it")


@pytest.mark.parametrize("record", [b"", b"[" * 100_000, b"[1]", b"\xff\xfe", b'{"url": 5}'])
def test_a_damaged_record_says_nothing(tmp_path, site, record):
    folder = fetch(tmp_path, site).folder
    (folder / ".detectune.json").write_bytes(record)
    assert fetch(tmp_path, site).was_there
    assert not fetch(tmp_path, site, force=True).was_there


def test_a_pipe_in_place_of_the_record_is_not_waited_for(tmp_path, site):
    folder = fetch(tmp_path, site).folder
    (folder / ".detectune.json").unlink()
    os.mkfifo(folder / ".detectune.json")
    assert fetch(tmp_path, site).was_there


def test_two_downloads_of_an_archive_do_not_write_into_one_file(tmp_path, site):
    said = []

    def meanwhile(done, total):
        if not said:
            said.append(error_of(tmp_path, site))

    assert not fetch(tmp_path, site, progress=meanwhile).was_there
    assert said[0][0].startswith(f"{tmp_path / NAME}: it is being fetched already: process ")
    assert len(site.requests) == 1


# --- wrong answers --------------------------------------------------------------------------------


def test_a_missing_archive_is_not_asked_for_again_and_again(tmp_path, site):
    site.files = {}
    found, _, next_step = error_of(tmp_path, site)
    assert found.endswith(f"/{NAME}.tar.gz: the server has no such file (HTTP 404).")
    assert "--mirror" in next_step
    assert len(site.requests) == 2
    assert files_in(tmp_path) == []


def test_a_server_that_refuses_is_believed(tmp_path, site):
    site.status = [403]
    assert "the server refused (HTTP 403" in error_of(tmp_path, site)[0]
    assert len(site.requests) == 1


def test_a_web_page_is_recognised(tmp_path, site):
    site.files[PATH], site.content_type = b"<!doctype html><p>Log in", "text/html"
    found, _, next_step = error_of(tmp_path, site)
    assert found.endswith("the server sent a web page instead of an archive.")
    assert next_step.startswith("Does the network ask for a log-in")
    assert files_in(tmp_path) == []


def test_no_network_is_said_plainly(tmp_path):
    with serving(Site()) as gone:
        pass
    found, allowed, next_step = error_of(tmp_path, gone)
    assert "could not be fetched" in found
    assert allowed.startswith("0 bytes have arrived")
    assert next_step.startswith("Check the network")


def test_a_truncated_archive_is_not_unpacked(tmp_path, site):
    site.files[PATH] = GOOD[:-3]
    assert "damaged or not complete" in error_of(tmp_path, site)[0]
    assert files_in(tmp_path) == []


def test_a_damaged_archive_is_not_unpacked(tmp_path, site):
    site.files[PATH] = GOOD[:1000] + b"\0" * 50 + GOOD[1050:]
    assert "damaged or not complete" in error_of(tmp_path, site)[0]
    assert files_in(tmp_path) == []


def test_members_behind_an_early_end_are_not_lost_in_silence(tmp_path, site):
    def end_early(tar):
        tar.fileobj.write(bytes(1024))
        tar.addfile(tarfile.TarInfo(f"{NAME}/after"))

    site.files[PATH] = tar_gz(FILES, end_early)
    assert error_of(tmp_path, site)[0].endswith("something stands behind its end.")
    assert files_in(tmp_path) == []


def test_an_empty_archive_is_an_error(tmp_path, site):
    site.files[PATH] = tar_gz({})
    assert error_of(tmp_path, site)[0].endswith("not complete: it is empty.")


def test_an_archive_over_the_limit_is_refused_before_it_is_fetched(tmp_path, site):
    limits = Limits(TransferLimits(max_bytes=1000))
    with pytest.raises(ZooError, match="bytes or more"):
        fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=limits)
    assert files_in(tmp_path) == []


def test_an_endless_answer_is_cut_off(tmp_path, site):
    site.send_length = False
    with pytest.raises(ZooError, match="At most 1,000 bytes"):
        fetch_archive(
            ARCHIVE, tmp_path, mirror=site.url, limits=Limits(TransferLimits(max_bytes=1000))
        )


def pax(headers):
    """Adds a member with `headers` of the kind that newer programs write."""

    def change(tar):
        member = tarfile.TarInfo(f"{NAME}/pax")
        member.pax_headers = headers
        tar.addfile(member)

    return change


def broken_pax(body, size=None):
    """Adds an extended header with any content, and of any size."""

    def change(tar):
        member = tarfile.TarInfo("pax")
        member.type, member.size = tarfile.XHDTYPE, len(body) if size is None else size
        tar.fileobj.write(member.tobuf(tarfile.USTAR_FORMAT) + body.ljust(512, b"\0"))
        tar.addfile(tarfile.TarInfo(f"{NAME}/after"))

    return change


@pytest.mark.parametrize(
    "change",
    [
        broken_pax(b"abc path=x\n"), broken_pax(b"12 path"), broken_pax(b"-5 path=x\n"),
        broken_pax(b"99999999999999999999 path=x\n"), broken_pax(b"\xb2 path=x\n"),
        broken_pax(b"", size=3 * 2**30), broken_pax(b"18 GNU.sparse.map=x\n"),
        broken_pax(b"22 GNU.sparse.size=1e\n"), broken_pax(b"24 GNU.sparse.major=one\n"),
    ],
)  # fmt: skip
def test_an_extended_header_that_lies_is_an_error_or_says_nothing(tmp_path, site, change):
    site.files[PATH] = tar_gz(FILES, change)
    try:
        fetched = fetch(tmp_path, site)
    except ZooError as error:
        three_parts(error)
        assert files_in(tmp_path) == []
    else:
        assert (fetched.folder / "checkpoint/ckpt-0.index").read_bytes() == NOISE


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"path": "../evil"}, "leads outside of the folder"),
        ({"path": f"{NAME}/\udcff"}, "is no UTF-8 name"),
        ({"path": f"{NAME}/{'n' * 300}"}, "is too long a name"),
        ({"path": f"{NAME}/pipeline.config/below"}, "is in it twice"),
        ({"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": "1000",
          "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,0"}, "is a file with holes"),
    ],
)  # fmt: skip
def test_an_extended_header_hides_nothing_unsafe(tmp_path, site, headers, reason):
    site.files[PATH] = tar_gz(FILES, pax(headers))
    found, *_ = error_of(tmp_path, site)
    assert "the archive was refused" in found
    assert found.endswith(f"{reason}.")
    assert files_in(tmp_path) == []


def test_names_of_an_archive_reach_no_terminal(tmp_path, site):
    site.files[PATH] = tar_gz({"../\x1b[2J\nevil": b"x"})
    assert '"../\\x1b[2J\\nevil" leads outside' in error_of(tmp_path, site)[0]


def add_link(tar, kind=tarfile.SYMTYPE, target="/etc/passwd"):
    member = tarfile.TarInfo(f"{NAME}/link")
    member.type, member.linkname = kind, target
    tar.addfile(member)


@pytest.mark.parametrize(
    ("files", "change", "reason"),
    [
        ({"../evil": b"x"}, None, "leads outside of the folder"),
        ({f"{NAME}/../../evil": b"x"}, None, "leads outside of the folder"),
        ({"/tmp/evil": b"x"}, None, "leads outside of the folder"),
        ({"a\\..\\evil": b"x"}, None, "leads outside of the folder"),
        ({"C:/evil": b"x"}, None, "leads outside of the folder"),
        ({}, add_link, "is a link"),
        ({}, lambda tar: add_link(tar, tarfile.LNKTYPE, f"{NAME}/x"), "is a link"),
        ({}, lambda tar: add_link(tar, tarfile.CHRTYPE), "is a device or special file"),
        ({}, lambda tar: add_link(tar, tarfile.FIFOTYPE), "is a device or special file"),
    ],
)
def test_an_unsafe_member_refuses_the_whole_archive(tmp_path, site, files, change, reason):
    site.files[PATH] = tar_gz({f"{NAME}/ok": b"x", **files}, change)
    into = tmp_path / "deep" / "er"
    found, _, next_step = error_of(into, site)
    assert "the archive was refused" in found
    assert found.endswith(f"{reason}.")
    assert next_step.startswith("This is not an archive of the zoo")
    assert files_in(tmp_path) == []


def test_a_member_that_comes_twice_is_refused(tmp_path, site):
    def again(tar):
        tar.addfile(tarfile.TarInfo(f"{NAME}/pipeline.config"))

    site.files[PATH] = tar_gz(FILES, again)
    assert error_of(tmp_path, site)[0].endswith("is in it twice.")


@pytest.mark.parametrize("limits", [UnpackLimits(max_bytes=1000), UnpackLimits(max_members=1)])
def test_a_bomb_is_not_unpacked(tmp_path, site, limits):
    with pytest.raises(ZooError, match="the archive was refused: it holds more than"):
        fetch_archive(ARCHIVE, tmp_path, mirror=site.url, limits=Limits(unpack=limits))
    assert files_in(tmp_path) == []


# --- the disk -------------------------------------------------------------------------------------


def test_a_full_disk_is_seen_before_the_download(tmp_path, site, monkeypatch):
    usage = namedtuple("usage", "total used free")(10, 10, 5)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    found, _, next_step = error_of(tmp_path, site)
    assert found.endswith("could not be written: the disk is full.")
    assert next_step.startswith("Free some space")
    assert not (tmp_path / NAME).exists()


def test_a_disk_that_fills_up_while_unpacking_leaves_nothing(tmp_path, site, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("detectune.zoo.unpack.shutil.copyfileobj", full)
    assert "the disk is full" in error_of(tmp_path, site)[0]
    assert files_in(tmp_path) == []


def test_a_file_in_the_way_is_named(tmp_path, site):
    (tmp_path / NAME).write_text("x")
    assert error_of(tmp_path, site)[0].endswith("a file stands where the folder should be.")


def test_a_file_instead_of_the_target_folder_is_named(tmp_path, site):
    (tmp_path / "into").write_text("x")
    found, *_ = error_of(tmp_path / "into", site)
    assert str(tmp_path / "into") in found


# --- folders as mirrors ---------------------------------------------------------------------------


@pytest.mark.parametrize("place", [f"{NAME}.tar.gz", PATH[1:]])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_with_archives_is_a_mirror(tmp_path, place, scheme):
    file = tmp_path / "mirror" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(GOOD)
    fetched = fetch(tmp_path / "into", f"{scheme}{tmp_path / 'mirror'}")
    assert (fetched.folder / "pipeline.config").read_bytes() == b"model { }"
    assert fetched.source == str(file)
    assert file.read_bytes() == GOOD


def test_a_folder_with_unpacked_archives_is_a_mirror(tmp_path):
    (tmp_path / "mirror" / NAME / "checkpoint").mkdir(parents=True)
    (tmp_path / "mirror" / NAME / "checkpoint" / "ckpt-0.index").write_bytes(b"x")
    fetched = fetch(tmp_path / "into", tmp_path / "mirror")
    assert files_in(fetched.folder) == [".detectune.json", "checkpoint/ckpt-0.index"]


@pytest.mark.parametrize(
    ("mirror", "found"),
    [
        ("example.org/zoo", "an address begins with http://, as in http://example.org/zoo."),
        ("localhost:8080", "an address begins with http://, as in http://localhost:8080."),
        ("zoo\0", "there is no such folder."),
        ("z" * 300, "there is no such folder."),
        ("http://", "it names no server."),
        ("http:///zoo", "it names no server."),
        ("http://host:99999/zoo", "Port out of range 0-65535."),
        ("http://host:port/zoo", "Port could not be cast to integer value as 'port'."),
        ("http://host:0/zoo", "there is no port 0."),
        ("http://[::1/zoo", "Invalid IPv6 URL."),
        ("http://my host/zoo", "it has a space or a control character; write a space as %20."),
        ("http://host/my zoo", "it has a space or a control character; write a space as %20."),
        ("http://host/\x1b[2J", "it has a space or a control character; write a space as %20."),
        ("http://me:word@host/zoo", "it has a user name, and nobody logs in here."),
        ("http://host/zoo?key=1", "it has a ? or #, but names of files are put behind it."),
        ("http://" + "h" * 70, "no server can have this name."),
        ("nowhere", "there is no such folder."),
        ("ftp://x/y", "ftp:// is not supported."),
        ("gs://bucket", "gs:// is not supported."),
        (".", f"the folder has no {NAME}.tar.gz."),
    ],
)
def test_a_wrong_mirror_is_said(tmp_path, monkeypatch, mirror, found):
    monkeypatch.chdir(tmp_path)
    assert error_of(tmp_path / "into", mirror)[0].endswith(found)
    assert files_in(tmp_path) == []


def test_an_address_may_have_letters_of_any_language(tmp_path, site):
    site.files = {f"/zo%C3%B6/%20a{PATH}": GOOD}
    fetched = fetch(tmp_path, f"{site.url}/zoö/%20a/")
    assert (fetched.folder / "pipeline.config").read_bytes() == b"model { }"


@pytest.mark.parametrize("into", ["", " ", "a\0b", "n" * 256, "caf\udce9"])
def test_a_folder_that_cannot_be_is_refused(site, into, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="--into") as caught:
        fetch(into, site)
    assert len(three_parts(caught.value)) == 3
    assert files_in(tmp_path) == []
