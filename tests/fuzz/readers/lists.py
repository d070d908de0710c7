"""Archives of official ground truth: unpacked, and each list read."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzz.mutations import Change
from pocketvlad.data.ground_truth import GroundTruthError
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.unpack import ArchiveError

SUFFIX = ".tgz"
ERRORS = (GroundTruthError, ArchiveError)
_BLOCK = 512
_SUM = slice(148, 156)  # of a header's bytes
_PACKED = {b"\x1f\x8b": gzip, b"BZ": bz2, b"\xfd7": lzma}


def read(path: Path) -> None:
    read_any_ground_truth(path, "original")


def _summed(header: bytes) -> bytes:
    """A header whose sum of bytes is right."""
    total = sum(header[: _SUM.start]) + 8 * 32 + sum(header[_SUM.stop :])
    return header[: _SUM.start] + b"%06o\0 " % total + header[_SUM.stop :]


def changed(data: bytes, random: Random, change: Change) -> bytes:
    packing = _PACKED.get(data[:2])
    tar = packing.decompress(data) if packing else data
    if random.random() < 0.2:
        tar = change(tar)
    else:
        at = random.randrange(max(1, len(tar) // _BLOCK)) * _BLOCK
        block = change(tar[at : at + _BLOCK])[:_BLOCK].ljust(_BLOCK, b"\0")
        header = b"ustar" in tar[at : at + _BLOCK]
        tar = tar[:at] + (_summed(block) if header else block) + tar[at + _BLOCK :]
    return packing.compress(tar) if packing else tar


def _tar(lists: dict[str, bytes], **options: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", **options) as tar:
        for name, content in lists.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue().rstrip(b"\0") + bytes(3 * _BLOCK)


def seeds() -> Iterator[bytes]:
    lists = {
        "in/hall_1_query.txt": b"hall_000001 0 0 9.5 9\n",
        "in/hall_1_good.txt": b"hall_000002\nin/a.JPG\n",
        "hall_1_ok.txt": b"",
        "hall_1_junk.txt": "K\u00f6ln\r\n".encode("utf-8-sig"),
    }
    for options in ({"format": tarfile.USTAR_FORMAT}, {"format": tarfile.GNU_FORMAT}):
        tar = _tar(lists, **options)
        yield tar + bytes(-len(tar) % _BLOCK)
    longer = {**lists, "x" * 120 + ".txt": "\u00e9".encode("utf-16")}
    for packing in _PACKED.values():
        yield packing.compress(_tar(longer, format=tarfile.PAX_FORMAT))
