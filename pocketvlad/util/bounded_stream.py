"""A readable stream with bounds, so that a compression bomb is noticed while it unpacks."""

import io
from typing import BinaryIO


class BoundsError(ValueError):
    """A read beyond the bounds; the message has the numbers."""


class BoundedStream:
    """Reads and seeks like `stream`, but neither beyond `total` bytes nor `piece` bytes at once.

    Where a header announces terabytes, nothing beyond the bounds is decompressed.
    """

    def __init__(self, stream: BinaryIO, total: int, piece: int) -> None:
        self._stream = stream
        self._total = total
        self._piece = piece

    def read(self, size: int) -> bytes:
        """Up to `size` bytes.

        Raises:
            BoundsError: that is too much at once, or there is more than allowed.
        """
        if size > self._piece:
            raise BoundsError(f"a header of {size:,} bytes, {self._piece:,} are allowed")
        data = self._stream.read(min(size, self._total + 1 - self.tell()))
        self._require(self.tell())
        return data

    def seek(self, offset: int) -> int:
        """Go to `offset`, which must not lie beyond the bounds."""
        self._require(offset)
        return self._stream.seek(offset, io.SEEK_SET)

    def tell(self) -> int:
        return self._stream.tell()

    def _require(self, position: int) -> None:
        if position > self._total:
            raise BoundsError(f"more than the {self._total:,} bytes that are allowed, unpacked")
