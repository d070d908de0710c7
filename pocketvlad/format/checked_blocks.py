"""Bytes that are mapped into memory, and held against their checksums when they are first read."""

import zlib

import numpy as np

from pocketvlad.format.error import AGAIN, FormatError
from pocketvlad.format.map_layout import BLOCK


class CheckedBlocks:
    """The bytes of a section. A block is checked once, by the first read that touches it."""

    def __init__(self, name: str, content: np.ndarray, checksums: np.ndarray) -> None:
        """
        Args:
            name: of the section, for messages.
            content: [bytes] uint8, mapped.
            checksums: [blocks] the CRC-32 of each block.
        """
        self._name = name
        self._content = content
        self._checksums = checksums
        self._good = np.zeros(len(checksums), dtype=bool)

    def read(self, start: int, stop: int) -> np.ndarray:
        """[stop - start] uint8, a view of the file.

        Raises:
            FormatError: a block of them is damaged.
        """
        first, last = start // BLOCK, -(-stop // BLOCK)
        good = self._good[first:last]
        if not good.all():
            for number in first + np.flatnonzero(~good):
                block = self._content[number * BLOCK : (number + 1) * BLOCK]
                if zlib.crc32(block) != self._checksums[number]:
                    raise FormatError(
                        f"section {self._name}: block {number} is damaged (checksum); {AGAIN}"
                    )
                self._good[number] = True
        return self._content[start:stop]
