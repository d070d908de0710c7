"""How a `.pvmap` file begins."""

import struct
from pathlib import Path

MAGIC = b"\x89PVMAP\r\n"
"""No text, and damaged where line ends are rewritten."""

VERSION = 1

PREFIX = struct.Struct("<8sHHIII")
"""Magic, version, 0, bytes of the header, number of checksums, CRC-32 of both."""

MAX_HEADER = 1 << 20
"""Bytes."""


def is_map(path: Path) -> bool:
    """Whether the file begins as a `.pvmap` file does, whatever it is called."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC
