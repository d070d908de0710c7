"""What the parts of a city weigh: on the disk, and as a server sends them."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GZIP = 31  # of zlib's `wbits`: with the header of gzip
_LEVEL = 6  # that of servers
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class PartSize:
    """name: of the part.  files: how many it has.  bytes: of them.  gzipped: bytes, each file by
    itself."""

    name: str
    files: int
    bytes: int
    gzipped: int


def part_sizes(parts: Mapping[str, Sequence[Path]]) -> list[PartSize]:
    """Of each part's files; a part without any is left out."""
    return [
        PartSize(
            name,
            len(files),
            sum(path.stat().st_size for path in files),
            sum(map(_gzipped, files)),
        )
        for name, files in parts.items()
        if files
    ]


def summed(name: str, sizes: Iterable[PartSize]) -> PartSize:
    """Several parts as one.

    >>> summed("both", [PartSize("a", 1, 10, 8), PartSize("b", 2, 20, 9)])
    PartSize(name='both', files=3, bytes=30, gzipped=17)
    """
    sizes = list(sizes)
    return PartSize(
        name,
        sum(each.files for each in sizes),
        sum(each.bytes for each in sizes),
        sum(each.gzipped for each in sizes),
    )


def _gzipped(path: Path) -> int:
    packer, size = zlib.compressobj(_LEVEL, wbits=_GZIP), 0
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            size += len(packer.compress(piece))
    return size + len(packer.flush())
