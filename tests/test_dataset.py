"""Archives, ground truth files, and the index that is cut to what is there."""

import hashlib
import io
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pocketvlad.archives import ArchiveError, download, unpack, unpack_verified, verify_checksum
from pocketvlad.dataset import (
    DatasetError,
    describe_counts,
    index_dataset,
    read_dataset,
    write_dataset,
)
from pocketvlad.ground_truth import GroundTruthError, read_ground_truth


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "gt"
    folder.mkdir()
    files = {
        "hall_1_query.txt": "oxc1_hall_000001 10.5 20 110 220.25\n",
        "hall_1_good.txt": "hall_000001\nhall_000002\n",
        "hall_1_ok.txt": "hall_000003\n",
        "hall_1_junk.txt": "",
        "all_souls_2_query.txt": "oxc1_other_000007 0 0 9 9",
        "all_souls_2_good.txt": "",
        "all_souls_2_ok.txt": "other_000007",
        "all_souls_2_junk.txt": "hall_000001",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


SIZES = {
    "other_000007": (640, 480),
    "hall_000001": (640, 480),
    "hall_000002": (480, 640),
    "hall_000003": (10, 10),
}
COMPLETE = {"expected_images": 4, "expected_queries": 2}


def test_official_files_are_read(lists):
    second, first = read_ground_truth(lists, "oxc1_")
    assert (first.name, first.landmark, first.image) == ("hall_1", "hall", "hall_000001")
    assert first.box == (10.5, 20.0, 110.0, 220.25)
    assert first.good == ("hall_000001", "hall_000002")
    assert second.landmark == "all_souls"
    assert second.junk == ("hall_000001",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hall_1_query.txt", "oxc1_hall_000001 1 2 3", r"hall_1_query\.txt holds 'oxc1"),
        ("hall_1_query.txt", "hall_000001 1 2 3 4", "lacks the prefix 'oxc1_'"),
        ("hall_1_query.txt", "oxc1_hall_000001 5 5 5 9", "empty box"),
        ("nonumber_query.txt", "", "is not named <landmark>_<number>"),
    ],
)
def test_wrong_files_are_named(lists, name, text, message):
    (lists / name).write_text(text)
    with pytest.raises(GroundTruthError, match=message):
        read_ground_truth(lists, "oxc1_")


def test_missing_list_and_empty_folder(lists, tmp_path):
    (lists / "hall_1_ok.txt").unlink()
    with pytest.raises(GroundTruthError, match=r"hall_1_ok\.txt is missing"):
        read_ground_truth(lists, "oxc1_")
    with pytest.raises(GroundTruthError, match=r"no \*_query\.txt"):
        read_ground_truth(tmp_path)


def test_a_complete_data_set(lists, tmp_path):
    dataset = index_dataset("city", SIZES, read_ground_truth(lists, "oxc1_"), **COMPLETE)
    assert dataset.images == sorted(SIZES)
    assert describe_counts(dataset.counts()) == "4 images, 2 queries"
    write_dataset(tmp_path / "index.json", dataset)
    assert read_dataset(tmp_path / "index.json") == dataset


def test_a_part_must_be_allowed_and_is_said(lists):
    sizes = {name: SIZES[name] for name in ("hall_000001", "hall_000003")}
    queries = read_ground_truth(lists, "oxc1_")
    with pytest.raises(DatasetError, match=r"2 images found, 4 expected; .*partial: true"):
        index_dataset("city", sizes, queries, **COMPLETE)
    dataset = index_dataset("city", sizes, queries, **COMPLETE, partial=True)
    assert describe_counts(dataset.counts()) == "2 of 4 images, 1 of 2 queries"
    (query,) = dataset.queries
    assert (query.good, query.ok) == (("hall_000001",), ("hall_000003",))
    with pytest.raises(DatasetError, match="no query has its image"):
        index_dataset("city", {"x": (1, 1)}, queries, **COMPLETE, partial=True)


def test_left_out_images_are_gone_from_everywhere(lists):
    dataset = index_dataset(
        "city", SIZES, read_ground_truth(lists, "oxc1_"), **COMPLETE, leave_out=["hall_000002"]
    )
    assert "hall_000002" not in dataset.sizes
    assert describe_counts(dataset.counts()) == "3 images, 2 queries"
    assert all("hall_000002" not in query.positives for query in dataset.queries)


def test_a_list_that_names_a_missing_image(lists):
    sizes = {**SIZES, "new": (1, 1)}
    del sizes["hall_000003"]
    with pytest.raises(DatasetError, match=r"hall_1 names 1 images .* hall_000003"):
        index_dataset("city", sizes, read_ground_truth(lists, "oxc1_"), **COMPLETE)


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_unpacking_flattens_and_never_leaves_the_folder(tmp_path):
    first = archive(tmp_path / "1.tgz", {"paris/a/x.jpg": b"x", "paris/readme.txt": b"-"})
    second = archive(tmp_path / "2.tgz", {"../../y.jpg": b"y", "/z.jpg": b"z"})
    assert unpack([first, second], ".jpg", tmp_path / "out") == 3
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["x.jpg", "y.jpg", "z.jpg"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.tgz", "2.tgz", "out"]


def test_unpacking_fails_whole(tmp_path):
    good = archive(tmp_path / "1.tgz", {"a/x.jpg": b"x" * 50_000, "b/x.jpg": b"y"})
    with pytest.raises(ArchiveError, match=r"second file called x\.jpg"):
        unpack([good], ".jpg", tmp_path / "out")
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(archive(tmp_path / "3.tgz", {"a.jpg": b"x" * 50_000}).read_bytes()[:60])
    with pytest.raises(ArchiveError, match=r"broken\.tgz cannot be unpacked"):
        unpack([broken], ".jpg", tmp_path / "out")
    with pytest.raises(ArchiveError, match=r"no file ends in \.png"):
        unpack([good], ".png", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.part").exists()


def test_checksums(tmp_path):
    path = archive(tmp_path / "1.tgz", {"x.jpg": b"x"})
    right = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    verify_checksum(path, right)
    verify_checksum(path, None)
    with pytest.raises(ArchiveError, match=f"md5 .* found, {'0' * 32} expected"):
        unpack_verified([path], [f"md5:{'0' * 32}"], ".jpg", tmp_path / "out")
    with pytest.raises(ArchiveError, match="POCKETVLAD_DATA"):
        verify_checksum(tmp_path / "absent.tgz", right)


@pytest.fixture
def server():
    """A server on this machine: /good answers, /short breaks off, all else is not found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in ("/good", "/short", "/wrong"):
                self.send_error(404)
                return
            body = b"wrong bytes" if self.path == "/wrong" else b"the archive"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:4] if self.path == "/short" else body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_download_goes_on_to_the_next_url_until_one_is_right(server, tmp_path):
    target = tmp_path / "file.tgz"
    checksum = "sha256:" + hashlib.sha256(b"the archive").hexdigest()
    urls = [f"{server}/{kind}" for kind in ("absent", "short", "wrong", "good")]
    download(urls, target, checksum)
    assert target.read_bytes() == b"the archive"
    target.unlink()
    with pytest.raises(
        ArchiveError, match=r"(?s)404.*4 bytes read, 7 more expected.*sha256"
    ) as failure:
        download(urls[:3], target, checksum)
    assert all(url in str(failure.value) for url in urls[:3])
    assert list(tmp_path.iterdir()) == []
