"""Downloads from a server that misbehaves: the right file or a clear error, never a wrong file."""

import errno
import gzip
import hashlib
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
from file_server import body, chunked, file_server, stalled, status

from pocketvlad.data import download as download_module
from pocketvlad.data import transfer as transfer_module
from pocketvlad.data.download import DownloadError, Patience, download
from pocketvlad.data.sources import Source
from pocketvlad.util.disk_space import DiskSpaceError
from pocketvlad.util.progress import progress

CONTENT = np.random.default_rng(1).bytes(5000)
OTHER = np.random.default_rng(2).bytes(5000)
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(attempts=3, first_wait=0.25, read_timeout=5)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as running:
        yield running


@pytest.fixture
def waits(monkeypatch):
    """Seconds that the downloader would have waited."""
    seconds = []
    monkeypatch.setattr(download_module.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def target(tmp_path, waits):
    return tmp_path / "resources" / "city.tgz"


def source(*urls, checksum=SHA256, size=None):
    return Source("city.tgz", urls, checksum, size)


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


def require_right(target, *others):
    assert target.read_bytes() == CONTENT
    assert names(target) == sorted([target.name, *others])


def require_no_file(target):
    assert not target.exists()
    assert not list(target.parent.glob("*.lock.json"))


def test_a_file_arrives_whole_and_alone(server, target):
    url = server.put("/city.tgz", body(CONTENT))
    download(source(url, size=5000), target, QUICK)
    require_right(target)
    ((_, headers),) = server.requests
    assert headers["Accept-Encoding"] == "identity"
    assert "Range" not in headers


@pytest.mark.parametrize("byte", [1, 2500, 4999])
def test_a_cut_connection_is_resumed_at_the_byte(server, target, byte):
    url = server.put("/city.tgz", body(CONTENT, cut=byte), body(CONTENT))
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/city.tgz") == [None, f"bytes={byte}-"]
    assert server.requests[1][1]["If-Range"] == '"1"'


def test_several_cuts_and_a_modification_date_instead_of_an_etag(server, target):
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    answer = {"version": None, "if_range": False, "Last_Modified": date}
    url = server.put(
        "/x", body(CONTENT, cut=100, **answer), body(CONTENT, cut=200, **answer), body(CONTENT)
    )
    # The last answer has an ETag alone, and heeds If-Range: it sends the file from its beginning.
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == [None, "bytes=100-", "bytes=300-"]
    assert server.requests[2][1]["If-Range"] == date


@pytest.mark.parametrize("version", [None, 'W/"1"'])
def test_without_a_strong_validator_it_starts_over(server, target, version):
    """A weak ETag promises nothing about single bytes."""
    url = server.put("/x", body(CONTENT, version=version, cut=100), body(CONTENT, version=version))
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == [None, None]


def test_a_server_that_ignores_ranges(server, target):
    url = server.put("/x", body(CONTENT, cut=3000), body(CONTENT, ranges=False))
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == [None, "bytes=3000-"]


def test_a_server_that_ignores_ranges_and_always_breaks_off_is_given_up(
    server, target, monkeypatch
):
    monkeypatch.setattr(download_module, "_STEP", 10)
    url = server.put("/x", body(CONTENT, ranges=False, cut=3000))
    with pytest.raises(DownloadError, match="given up after 3 attempts"):
        download(source(url), target, QUICK)
    require_no_file(target)
    assert server.asked("/x") == [None, "bytes=3000-", "bytes=3000-"]


def test_attempts_that_get_further_are_not_counted(server, target, monkeypatch):
    monkeypatch.setattr(download_module, "_STEP", 500)
    url = server.put("/x", body(CONTENT, cut=500))
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == [None] + [f"bytes={n}-" for n in range(500, 5000, 500)]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_a_refusal_is_not_repeated_and_the_next_mirror_is_asked(server, target, waits, code):
    first, second = server.put("/gone", status(code)), server.put("/there", body(CONTENT))
    download(source(first, second), target, QUICK)
    require_right(target)
    assert [path for path, _ in server.requests] == ["/gone", "/there"]
    assert waits == []


def test_every_url_that_fails_is_named_with_its_reason(server, target):
    urls = [server.put("/gone", status(404)), server.put("/forbidden", status(403))]
    urls.append("http://127.0.0.1:9/nobody-listens")
    with pytest.raises(DownloadError, match=r"(?s)404 Not Found.*403 Forbidden") as failure:
        download(source(*urls), target, QUICK)
    assert all(f"{url}: " in str(failure.value) for url in urls)
    assert "POCKETVLAD_DATA" in str(failure.value)
    assert names(target) == []


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(server, target, waits, code):
    url = server.put("/x", status(code, Retry_After="7"), status(code), body(CONTENT))
    download(source(url), target, QUICK)
    require_right(target)
    # Without a figure the wait is that of the second failed attempt.
    assert waits == [7, 0.5]


def test_retry_after_may_be_a_date(server, target, waits):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    url = server.put("/x", status(503, Retry_After=until), body(CONTENT))
    download(source(url), target, QUICK)
    require_right(target)
    assert 15 < waits[0] <= 20


def test_a_server_that_asks_for_too_much_patience_is_left_for_the_next(server, target, waits):
    first = server.put("/busy", status(429, Retry_After="86400"))
    second = server.put("/free", body(CONTENT))
    download(source(first, second), target, QUICK)
    require_right(target)
    assert (waits, len(server.requests)) == ([], 2)
    target.unlink()
    with pytest.raises(DownloadError, match=r"429.*asks to wait 86,400 s"):
        download(source(first), target, QUICK)


def test_a_broken_server_is_asked_again_after_growing_waits(server, target, waits):
    url = server.put("/x", status(500), status(502), body(CONTENT))
    download(source(url), target, QUICK)
    require_right(target)
    assert waits == [0.25, 0.5]


def test_a_broken_server_is_given_up(server, target, waits):
    first, second = server.put("/broken", status(500)), server.put("/there", body(CONTENT))
    with pytest.raises(DownloadError, match=r"500 .*given up after 3 attempts"):
        download(source(first), target, QUICK)
    assert (server.asked("/broken"), waits) == ([None] * 3, [0.25, 0.5])
    download(source(first, second), target, QUICK)
    require_right(target)


def test_redirects_are_followed_with_the_range(server, target):
    server.put("/file", body(CONTENT, cut=1200), body(CONTENT))
    url = server.put("/x", status(302, Location="/file"))
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/file") == [None, "bytes=1200-"]


def test_a_circle_of_redirects_is_left(server, target, waits):
    first = server.put("/round", status(302, Location="/round"))
    second = server.put("/there", body(CONTENT))
    download(source(first, second), target, QUICK)
    require_right(target)
    assert waits == []


def test_wrong_bytes_are_deleted_and_the_next_mirror_is_asked(server, target, waits):
    first, second = server.put("/wrong", body(OTHER)), server.put("/right", body(CONTENT))
    with pytest.raises(DownloadError, match=rf"sha256 \w+ found, {SHA256[7:]} expected"):
        download(source(first), target, QUICK)
    assert names(target) == []
    download(source(first, second), target, QUICK)
    require_right(target)
    assert server.asked("/wrong") == [None, None]
    assert waits == []


def test_a_slow_server_runs_into_the_timeout_and_is_resumed(server, target):
    url = server.put("/x", stalled(CONTENT, 1000, server), body(CONTENT))
    download(source(url), target, Patience(attempts=2, read_timeout=0.2))
    require_right(target)
    assert server.asked("/x") == [None, "bytes=1000-"]


def test_a_server_that_is_always_slow_is_given_up(server, target):
    url = server.put("/x", stalled(CONTENT, 1000, server))
    with pytest.raises(DownloadError, match=r"(?i)timed out.*given up after 2 attempts"):
        download(source(url), target, Patience(attempts=2, read_timeout=0.1))
    require_no_file(target)


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        # The server sees by If-Range that it is another file, and sends it whole.
        (body(CONTENT, version='"2"'), [None, "bytes=700-"]),
        # It does not look at If-Range; the answer's ETag says so.
        (body(CONTENT, version='"2"', if_range=False), [None, "bytes=700-", None]),
        # No ETag, but another length.
        (status(206, Content_Range="bytes 700-6999/7000"), [None, "bytes=700-", None]),
        # The new file is shorter than what has come of the old one.
        (status(416, Content_Range="bytes */600"), [None, "bytes=700-", None]),
        # Another range than the one asked for.
        (body(CONTENT, shift=1), [None, "bytes=700-", None]),
        (status(206), [None, "bytes=700-", None]),
    ],
    ids=["if-range", "etag", "length", "416", "shifted", "no range"],
)
def test_a_file_that_changes_between_two_ranges_is_fetched_from_its_start(
    server, target, changed, asked
):
    url = server.put("/x", body(OTHER, cut=700), changed, body(CONTENT, version='"2"'))
    # Without a checksum: nothing but the answers themselves tells the two files apart.
    download(source(url, checksum=None), target, QUICK)
    require_right(target, "city.tgz.lock.json")
    assert server.asked("/x") == asked


def test_a_mixture_of_two_files_is_refused(server, target):
    """A file that changes under the same ETag: the checksum tells."""
    url = server.put("/x", body(OTHER, cut=700), body(CONTENT))
    with pytest.raises(DownloadError, match=r"sha256 \w+ found"):
        download(source(url), target, QUICK)
    assert server.asked("/x") == [None, "bytes=700-"]
    assert names(target) == []


def test_a_content_length_that_is_too_great(server, target):
    url = server.put("/x", body(CONTENT, length=6000, ranges=False))
    with pytest.raises(DownloadError, match=r"after 5,000 bytes.*given up"):
        download(source(url, checksum=None), target, QUICK)
    require_no_file(target)


def test_a_content_length_that_is_too_small(server, target):
    url = server.put("/x", body(CONTENT, length=4000))
    with pytest.raises(DownloadError, match=r"sha256 \w+ found"):
        download(source(url), target, QUICK)
    assert names(target) == []


def test_a_wrong_size_is_refused_before_it_is_fetched(server, target, waits):
    url = server.put("/x", body(CONTENT))
    with pytest.raises(DownloadError, match="5,000 bytes offered, 4,000 declared"):
        download(source(url, checksum=None, size=4000), target, QUICK)
    assert (names(target), waits) == ([], [])


def test_more_than_the_declared_size_is_not_received(server, target):
    url = server.put("/x", chunked(CONTENT))
    with pytest.raises(DownloadError, match="more than the 400 bytes"):
        download(source(url, checksum=None, size=400), target, QUICK)
    assert names(target) == []


def test_a_file_without_length_needs_a_checksum_or_a_size(server, target):
    """Its end is the connection's: a part could not be told from the whole."""
    url = server.put("/x", body(CONTENT, length=-1))
    with pytest.raises(DownloadError, match="does not say how long the file is"):
        download(source(url, checksum=None), target, QUICK)
    assert names(target) == []
    download(source(url), target, QUICK)
    require_right(target)


def test_a_chunked_file_has_an_end(server, target):
    url = server.put("/x", chunked(CONTENT, whole=False), chunked(CONTENT))
    download(source(url, checksum=None), target, QUICK)
    require_right(target, "city.tgz.lock.json")
    assert len(server.requests) == 2


def test_a_web_page_is_no_first_version(server, target):
    """What a hotel's network answers to everything must not be recorded in the lock file."""
    page = body(b"<html>Log in</html>", Content_Type="text/html; charset=utf-8")
    with pytest.raises(DownloadError, match="a web page came instead"):
        download(source(server.put("/x", page), checksum=None), target, QUICK)
    require_no_file(target)


def test_the_bytes_are_kept_as_they_are(server, target):
    """Some servers call a .tgz an encoded .tar; it is the .tgz that has the checksum."""
    packed = gzip.compress(CONTENT)
    url = server.put("/x", body(packed, Content_Encoding="gzip"))
    checksum = "sha256:" + hashlib.sha256(packed).hexdigest()
    download(source(url, checksum=checksum), target, QUICK)
    assert target.read_bytes() == packed


class KillingBar:
    """A progress bar during which the process is killed."""

    def __init__(self, *arguments):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def update(self, count):
        raise KeyboardInterrupt


def test_a_killed_download_goes_on_in_the_next_process(server, target, monkeypatch):
    url = server.put("/x", body(CONTENT, cut=2000), body(CONTENT))
    with monkeypatch.context() as patch:
        patch.setattr(transfer_module, "progress", KillingBar)
        with pytest.raises(KeyboardInterrupt):
            download(source(url), target, QUICK)
    assert names(target) == ["city.tgz.part", "city.tgz.part.json"]
    there = (target.parent / "city.tgz.part").stat().st_size
    assert 0 < there <= 2000
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == [None, f"bytes={there}-"]


def leave_part(target, url, content, total=5000, validator='"1"'):
    """What a killed process has left."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_bytes(content)
    note = {"url": url, "validator": validator, "total": total}
    part.with_name(part.name + ".json").write_text(json.dumps(note))
    return part


def test_a_part_of_an_earlier_process_is_continued(server, target):
    url = server.put("/x", body(CONTENT))
    leave_part(target, url, CONTENT[:1234])
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == ["bytes=1234-"]


def test_a_complete_part_needs_no_request(server, target):
    leave_part(target, "http://127.0.0.1:9/x", CONTENT)
    download(source("http://127.0.0.1:9/x"), target, QUICK)
    require_right(target)
    assert server.requests == []


def test_a_complete_but_wrong_part_is_fetched_from_the_next_mirror(server, target):
    first, second = server.put("/first", body(CONTENT)), server.put("/second", body(CONTENT))
    leave_part(target, first, OTHER)
    download(source(first, second), target, QUICK)
    require_right(target)
    assert [path for path, _ in server.requests] == ["/second"]


def test_a_part_of_unknown_origin_is_not_continued(server, target):
    url = server.put("/x", body(CONTENT))
    part = leave_part(target, "http://elsewhere/x", OTHER[:100])
    download(source(url), target, QUICK)
    require_right(target)
    target.unlink()
    leave_part(target, url, OTHER[:100])
    part.with_name(part.name + ".json").write_text("{cut off")
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == [None, None]


def test_a_part_longer_than_the_file_is_dropped(server, target):
    url = server.put("/x", body(CONTENT))
    leave_part(target, url, OTHER + b"more")
    download(source(url), target, QUICK)
    require_right(target)
    assert server.asked("/x") == ["bytes=5004-", None]


def test_the_mirror_that_was_begun_with_goes_on(server, target):
    first, second = server.put("/first", body(CONTENT)), server.put("/second", body(CONTENT))
    leave_part(target, second, CONTENT[:4000])
    download(source(first, second), target, QUICK)
    require_right(target)
    assert [path for path, _ in server.requests] == ["/second"]


def test_a_failed_download_keeps_its_bytes_for_the_next(server, target):
    """The other mirror's refusal does not cost them."""
    first = server.put("/first", body(CONTENT, cut=900), status(500))
    second = server.put("/second", status(404))
    with pytest.raises(DownloadError, match="900 bytes are kept; the same command goes on"):
        download(source(first, second), target, QUICK)
    assert names(target) == ["city.tgz.part", "city.tgz.part.json"]
    server.put("/first", body(CONTENT))
    download(source(first, second), target, QUICK)
    require_right(target)
    assert server.asked("/first")[-1] == "bytes=900-"


def test_bytes_that_cannot_be_continued_are_not_kept(server, target):
    url = server.put("/x", body(CONTENT, version=None, cut=900))
    with pytest.raises(DownloadError, match="broke off after 900 bytes"):
        download(source(url), target, QUICK)
    assert names(target) == []


def test_the_first_download_is_locked_and_enforced(server, target):
    url = server.put("/x", body(CONTENT), body(OTHER, version='"2"'))
    free = source(url, checksum=None)
    download(free, target, QUICK)
    lock = target.with_name("city.tgz.lock.json")
    assert json.loads(lock.read_text()) == {"checksum": SHA256, "size": 5000, "url": url}
    target.unlink()
    with pytest.raises(DownloadError, match=r"(?s)city\.tgz\.lock\.json recorded .*delete that"):
        download(free, target, QUICK)
    assert names(target) == ["city.tgz.lock.json"]
    lock.unlink()
    download(free, target, QUICK)
    assert target.read_bytes() == OTHER
    assert json.loads(lock.read_text())["checksum"] != SHA256


def test_a_declared_checksum_needs_no_lock(server, target):
    download(source(server.put("/x", body(CONTENT))), target, QUICK)
    assert names(target) == ["city.tgz"]


def test_two_downloads_that_finish_at_once_lock_both(server, target):
    files = [Source(f"{k}.tgz", (server.put(f"/{k}", body(CONTENT)),)) for k in range(4)]
    threads = [
        Thread(target=download, args=(file, target.with_name(file.name), QUICK)) for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(target) == sorted(
        name for k in range(4) for name in (f"{k}.tgz", f"{k}.tgz.lock.json")
    )
    for k in range(4):
        lock = json.loads(target.with_name(f"{k}.tgz.lock.json").read_text())
        assert lock["checksum"] == SHA256


@pytest.mark.parametrize("checksum", [SHA256, None])
def test_a_right_file_is_kept(server, target, checksum):
    url = server.put("/x", body(CONTENT))
    download(source(url, checksum=checksum), target, QUICK)
    os.utime(target, (0, 0))
    download(source(url, checksum=checksum), target, QUICK)
    assert len(server.requests) == 1
    # Newer than what made the workflow ask again, or it would ask every time.
    assert target.stat().st_mtime > 0


def test_a_wrong_file_in_its_place_is_fetched_again(server, target):
    url = server.put("/x", body(CONTENT))
    target.parent.mkdir()
    target.write_bytes(OTHER)
    download(source(url), target, QUICK)
    require_right(target)


@pytest.mark.parametrize("size", [5000, None])
def test_a_full_disk_is_noticed_first(server, target, monkeypatch, size):
    usage = SimpleNamespace(total=10**9, used=10**9 - 4999, free=4999)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    first, second = server.put("/first", body(CONTENT)), server.put("/second", body(CONTENT))
    with pytest.raises(DiskSpaceError, match=r"city\.tgz needs 5,000 bytes .* 4,999 "):
        download(source(first, second, size=size), target, QUICK)
    assert names(target) == []
    assert [path for path, _ in server.requests] == ["/first"]
    # What is there need not fit again.
    leave_part(target, first, CONTENT[:10])
    download(source(first, second, size=size), target, QUICK)
    require_right(target)


def test_a_disk_that_fills_up_meanwhile(server, target, monkeypatch):
    class FullDisk(KillingBar):
        def update(self, count):
            raise OSError(errno.ENOSPC, "No space left on device")

    url = server.put("/x", body(CONTENT))
    with monkeypatch.context() as patch:
        patch.setattr(transfer_module, "progress", FullDisk)
        with pytest.raises(DiskSpaceError, match=r"part is full.*goes on from there"):
            download(source(url), target, QUICK)
    require_no_file(target)
    download(source(url), target, QUICK)
    require_right(target)


def test_the_progress_bar_begins_where_the_download_does(server, target, monkeypatch):
    bars = []
    monkeypatch.setattr(
        transfer_module, "progress", lambda *a: bars.append(progress(*a)) or bars[-1]
    )
    url = server.put("/x", body(CONTENT))
    leave_part(target, url, CONTENT[:3000])
    download(source(url), target, QUICK)
    (bar,) = bars
    assert (bar.initial, bar.n, bar.total, bar.unit_scale) == (3000, 5000, 5000, True)
