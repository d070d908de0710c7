"""Huffman codes of bytes: those of zlib's Huffman-only strategy.

Each block of some 32,000 bytes has a code of its own, stored before it. Repetitions are not
searched for.
"""

import zlib

import numpy as np

from pocketvlad.format.error import FormatError

_RAW = -15  # deflate without header and checksum, which the container has


def huffman(symbols: np.ndarray) -> np.ndarray:
    """uint8 `symbols` [N], Huffman-coded: uint8 [M]."""
    coder = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zlib.Z_HUFFMAN_ONLY)
    return np.frombuffer(coder.compress(symbols.tobytes()) + coder.flush(), np.uint8)


def unhuffman(coded: np.ndarray) -> np.ndarray:
    """The inverse of `huffman`.

    Raises:
        FormatError: `coded` is damaged.
    """
    try:
        return np.frombuffer(zlib.decompress(coded.tobytes(), _RAW), np.uint8)
    except zlib.error as error:
        raise FormatError(f"Huffman codes: {error}") from None
