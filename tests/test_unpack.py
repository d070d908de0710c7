"""Unpacking: flat and whole; damaged, malicious and absurd archives are refused by name."""

import errno
import gzip
import io
import shutil
import tarfile
import time
import tracemalloc
from types import SimpleNamespace

import pytest
import yaml

from pocketvlad.data.dataset import DatasetError, index_dataset
from pocketvlad.data.image_sizes import image_sizes
from pocketvlad.data.unpack import ArchiveError, Limits, unpack
from pocketvlad.util.bounded_stream import BoundedStream, BoundsError
from pocketvlad.util.disk_space import DiskSpaceError


def member(name, kind=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def archive(path, members, mode="w:gz"):
    """A tar file of (name or TarInfo, bytes)."""
    with tarfile.open(path, mode) as tar:
        for info, data in members:
            info = member(info) if isinstance(info, str) else info
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


class Zeros(io.RawIOBase):
    """So many zeros; how many were read is in `given`."""

    def __init__(self, size):
        super().__init__()
        self.size, self.given = size, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.size - self.given)
        buffer[:count] = bytes(count)
        self.given += count
        return count


def require_nothing_left(folder):
    assert not folder.exists()
    assert not folder.with_name(folder.name + ".part").exists()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_unpacking_flattens(tmp_path, mode):
    first = archive(
        tmp_path / "1",
        [
            (member("paris", tarfile.DIRTYPE), b""),
            ("paris/a/x.jpg", b"x" * 3000),
            ("paris/readme.txt", b"-"),
        ],
        mode,
    )
    second = archive(tmp_path / "2", [("./y.jpg", b"y"), ("a..b/z..jpg.jpg", b"")], mode)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "of-an-earlier-run.jpg").touch()
    assert unpack([first, second], ".jpg", tmp_path / "out") == 3
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {"x.jpg": b"x" * 3000, "y.jpg": b"y", "z..jpg.jpg": b""}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "out"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([("b/x.jpg", b"y")], r"2\.tgz holds a second file called x\.jpg \(b/x\.jpg\)"),
        ([("../y.jpg", b"y")], r"2\.tgz: '\.\./y\.jpg' leads out"),
        ([("a/../../y.jpg", b"y")], r"'a/\.\./\.\./y\.jpg' leads out"),
        ([("..\\y.jpg", b"y")], r"leads out"),
        ([("/y.jpg", b"y")], r"'/y\.jpg' leads out"),
        ([("../readme.txt", b"not even wanted")], r"'\.\./readme\.txt' leads out"),
        ([(member("y.jpg", tarfile.SYMTYPE, linkname="/etc/passwd"), b"")], r"'y\.jpg' is a link"),
        ([(member("y.jpg", tarfile.LNKTYPE, linkname="x.jpg"), b"")], r"'y\.jpg' is a link"),
        ([(member("y", tarfile.SYMTYPE, linkname=".."), b""), ("y/z.jpg", b"z")], "'y' is a link"),
        ([(member("y.jpg", tarfile.CHRTYPE), b"")], r"'y\.jpg' is a device or special file"),
        ([(member("y.jpg", tarfile.BLKTYPE), b"")], r"is a device or special file"),
        ([(member("y.jpg", tarfile.FIFOTYPE), b"")], r"is a device or special file"),
        ([("y.jpg", b"y" * 2001)], r"'y\.jpg' has 2,001 bytes, 2,000 are allowed"),
        ([("y.txt", b"y" * 2001)], r"'y\.txt' has 2,001 bytes, 2,000 are allowed"),
        (
            [(f"{k}.jpg", b"y" * 1900) for k in range(9)],
            r"2\.tgz holds more than the 16,384 bytes that are allowed, unpacked",
        ),
    ],
)
def test_what_is_refused_is_named_and_nothing_is_left(tmp_path, second, message):
    archives = [
        archive(tmp_path / "1.tgz", [("a/x.jpg", b"x")]),
        archive(tmp_path / "2.tgz", second),
    ]
    with pytest.raises(ArchiveError, match=message):
        unpack(archives, ".jpg", tmp_path / "out", Limits(file=2000, archive=16_384))
    require_nothing_left(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.tgz", "2.tgz"]


def test_no_file_of_that_kind(tmp_path):
    path = archive(tmp_path / "1.tgz", [("x.txt", b"x")])
    with pytest.raises(ArchiveError, match=r"1\.tgz: no file ends in \.jpg"):
        unpack([path], ".jpg", tmp_path / "out")
    require_nothing_left(tmp_path / "out")


def test_a_sparse_file_is_refused(tmp_path):
    """Sixteen terabytes in a few bytes: the size in the header is that of the holes."""
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**44)}
    info = member("x.jpg", pax_headers={**pax, "GNU.sparse.name": "x.jpg"})
    path = archive(tmp_path / "1.tgz", [(info, b"1\n0\n0\n".ljust(512, b"\0"))])
    with pytest.raises(ArchiveError, match=r"'x\.jpg' is a device or special file"):
        unpack([path], ".jpg", tmp_path / "out")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_archive_that_was_cut_off(tmp_path, mode, share):
    noise = bytes(range(256)) * 40
    whole = archive(tmp_path / "whole", [(f"{k}.jpg", noise) for k in range(20)], mode)
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(ArchiveError, match=r"cut (cannot be unpacked|is cut off).*fetch it again"):
        unpack([cut], ".jpg", tmp_path / "out")
    require_nothing_left(tmp_path / "out")


def test_an_archive_that_was_cut_off_between_two_files(tmp_path):
    """tarfile itself takes this for a complete archive."""
    whole = archive(tmp_path / "1.tar", [("x.jpg", b"x" * 512), ("y.jpg", b"y" * 512)], "w")
    whole.write_bytes(whole.read_bytes()[:1024])
    with tarfile.open(whole) as tar:
        assert tar.getnames() == ["x.jpg"]
    with pytest.raises(ArchiveError, match=r"cut off or damaged after 1,024 .* 1 file;"):
        unpack([whole], ".jpg", tmp_path / "out")


def test_a_damaged_header_is_no_end(tmp_path):
    path = archive(tmp_path / "1.tar", [("x.jpg", b"x" * 512), ("y.jpg", b"y" * 512)], "w")
    data = bytearray(path.read_bytes())
    data[1024] ^= 1  # the second name's first letter: the header's checksum is wrong
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="cut off or damaged after 1,024"):
        unpack([path], ".jpg", tmp_path / "out")


def test_a_damaged_byte_in_a_file_is_noticed(tmp_path):
    """tar has no checksum of contents; that of the compression comes after the last file."""
    tar = archive(tmp_path / "1.tar", [("x.jpg", b"x" * 5000)], "w").read_bytes()
    path = tmp_path / "1.tgz"
    data = bytearray(gzip.compress(tar, compresslevel=0))
    data[data.index(b"xxxx") + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"(?i)cannot be unpacked.*crc"):
        unpack([path], ".jpg", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no archive", b"<html>" * 200])
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "1.tgz"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"1\.tgz cannot be unpacked"):
        unpack([path], ".jpg", tmp_path / "out")


def bomb(path, size, kind=tarfile.REGTYPE):
    """A compressed archive of one member of so many zeros."""
    header = member("x.jpg", kind)
    header.size = size
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.tobuf())
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return path


def test_a_compression_bomb_is_refused_by_the_size_that_it_announces(tmp_path):
    path = bomb(tmp_path / "bomb.tgz", 64 << 20)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ArchiveError, match=r"'x\.jpg' has 67,108,864 bytes, 1,000,000 are allowed"):
        unpack([path], ".jpg", tmp_path / "out", Limits(file=1_000_000))
    require_nothing_left(tmp_path / "out")


def test_a_bomb_of_a_header_does_not_fill_the_memory(tmp_path):
    """tarfile reads headers whole; one of 64 MB is announced here, and not read."""
    path = bomb(tmp_path / "bomb.tgz", 64 << 20, tarfile.XHDTYPE)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match=r"a header of 67,108,864 bytes, 16,777,216 are"):
            unpack([path], ".jpg", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_behind_the_end_is_noticed_on_the_way(tmp_path):
    """What follows tar's end is read for the compression's checksum, within the limits."""
    tar = archive(tmp_path / "1.tar", [("x.jpg", b"x")], "w").read_bytes()
    path = tmp_path / "bomb.tgz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(tar)
        for _ in range(64):
            file.write(bytes(1 << 20))
    start = time.process_time()
    with pytest.raises(ArchiveError, match=r"more than the 1,000,000 bytes that are allowed"):
        unpack([path], ".jpg", tmp_path / "out", Limits(archive=1_000_000))
    assert time.process_time() - start < 1


def test_a_stream_is_never_read_beyond_its_bounds():
    zeros = Zeros(2**40)
    stream = BoundedStream(SimpleNamespace(read=zeros.read, tell=lambda: zeros.given), 1000, 600)
    assert len(stream.read(600)) == 600
    with pytest.raises(BoundsError, match="601 bytes, 600 are allowed"):
        stream.read(601)
    with pytest.raises(BoundsError, match="more than the 1,000 bytes"):
        stream.read(600)
    assert zeros.given == 1001
    with pytest.raises(BoundsError, match="more than the 1,000 bytes"):
        stream.seek(2**39)


def test_a_full_disk_is_noticed_before_the_first_file(tmp_path, monkeypatch):
    usage = SimpleNamespace(total=10**9, used=0, free=3 * 4096 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    paths = [
        archive(tmp_path / "1.tgz", [("x.jpg", b"x" * 5000), ("skipped.txt", b"-" * 9000)]),
        archive(tmp_path / "2.tgz", [("y.jpg", b"y")]),
    ]
    # Two blocks of the disk for one file, one for the other.
    with pytest.raises(DiskSpaceError, match=r"1\.tgz, .*2\.tgz needs 12,288 bytes.* 12,287 "):
        unpack(paths, ".jpg", tmp_path / "out")
    require_nothing_left(tmp_path / "out")
    usage.free += 1
    assert unpack(paths, ".jpg", tmp_path / "out") == 2


def test_a_disk_that_fills_up_meanwhile(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = archive(tmp_path / "1.tgz", [("x.jpg", b"x")])
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DiskSpaceError, match="No space left"):
        unpack([path], ".jpg", tmp_path / "out")
    require_nothing_left(tmp_path / "out")


def test_a_disk_that_cannot_be_written_is_no_fault_of_the_archive(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EROFS, "Read-only file system", "out/x.jpg")

    path = archive(tmp_path / "1.tgz", [("x.jpg", b"x")])
    monkeypatch.setattr(shutil, "copyfileobj", refuse)
    with pytest.raises(OSError, match=r"Read-only file system.*out/x\.jpg"):
        unpack([path], ".jpg", tmp_path / "out")
    require_nothing_left(tmp_path / "out")


def test_all_damaged_images_are_named_with_the_remedy(photograph):
    whole = [photograph("a.jpg", seed=1), photograph("b.jpg", 90, 120, seed=2)]
    by_name = {path.stem: path for path in whole}
    assert image_sizes(by_name, iter) == ({"a": (200, 150), "b": (90, 120)}, {})
    cut, text = photograph("cut.jpg", 640, 480, seed=3), photograph("text.jpg")
    # The header is there, and says the size: only decoding tells.
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    text.write_text("no picture")
    sizes, faults = image_sizes({**by_name, "cut": cut, "text": text}, iter)
    assert list(sizes) == ["a", "b"]
    with pytest.raises(DatasetError) as failure:
        index_dataset("city", sizes, [], expected_images=4, faults=faults)
    message = str(failure.value)
    assert "2 images found, 4 expected" in message
    assert "2 images cannot be decoded" in message
    assert f"{cut} is damaged: " in message
    assert f"{text} is not a readable image: " in message
    assert '`leave_out` of the data set: ["cut", "text"]' in message


def test_the_remedy_for_damaged_images_can_be_copied():
    names = ["000013", "1e5", "no", "a, b", "c: #d", "Köln"]
    with pytest.raises(DatasetError) as failure:
        index_dataset("city", {"a": (9, 9)}, [], expected_images=9, faults=dict.fromkeys(names, ""))
    assert yaml.safe_load(str(failure.value).rpartition("data set: ")[2]) == names
