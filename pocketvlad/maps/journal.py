"""Descriptors as they are made, kept in a file so that a killed run goes on where it was.

The file is one line of JSON, and then a record a batch: bytes of its keys, CRC-32 of all that
follows, the keys as JSON, their rows as float32. What a killed run has half written is cut off.
"""

import json
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pocketvlad.util.file_lock import try_lock

Key = tuple[str, str]
"""What a photograph is called, and its stamp."""

_RECORD = struct.Struct("<II")
_LONGEST = 1 << 24  # bytes of the keys of a batch


class JournalError(ValueError):
    """Another run is writing the same; names the file."""


class Journal:
    """Descriptors [D] float32 by key.

    Without a path they are kept in a file that ends with the process. Use it in `with`.
    """

    def __init__(self, path: Path | None, made_with: str, length: int) -> None:
        """Open the file, and go on with what it holds if that was `made_with` the same.

        Raises:
            JournalError: another process has it open.
            OSError: it cannot be written.
        """
        self.path = path
        self._length = length
        self._places: dict[Key, int] = {}  # where each row begins
        if path is None:
            self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        else:
            self._file = open(path, "a+b")  # noqa: SIM115 - closed by `close`
            if not try_lock(self._file):
                self._file.close()
                raise JournalError(
                    f"{path} is being written by another run; wait until it has ended"
                )
        first = json.dumps({"made_with": made_with, "length": length}).encode() + b"\n"
        self._file.seek(0)
        if self._file.read(len(first)) == first:
            self._file.truncate(self._read_records(len(first)))
        else:
            self._file.truncate(0)
            self._file.write(first)
            self._file.flush()

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def add(self, keys: Sequence[Key], rows: np.ndarray) -> None:
        """Keep `rows` [n, D]; they are in the file when this returns."""
        names = json.dumps(keys).encode("ascii")
        content = rows.astype("<f4").tobytes()
        end = self._file.seek(0, 2)
        crc = zlib.crc32(content, zlib.crc32(names))
        self._file.write(_RECORD.pack(len(names), crc) + names + content)
        self._file.flush()
        self._note(keys, end + _RECORD.size + len(names))

    def rows(self, keys: Sequence[Key]) -> np.ndarray:
        """[n, D] What was kept of them."""
        found = np.empty((len(keys), self._length), np.float32)
        for row, key in enumerate(keys):
            self._file.seek(self._places[key])
            found[row] = np.frombuffer(self._file.read(4 * self._length), "<f4")
        return found

    def close(self) -> None:
        """Stop writing; the file stays for another run."""
        self._file.close()

    def remove(self) -> None:
        """Stop writing, and remove the file: all is in the map."""
        self.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, keys: Sequence[Key], begin: int) -> None:
        for row, key in enumerate(keys):
            self._places[key] = begin + 4 * self._length * row

    def _read_records(self, at: int) -> int:
        """Note all whole records from byte `at` on; where they end."""
        while True:
            self._file.seek(at)
            head = self._file.read(_RECORD.size)
            if len(head) < _RECORD.size:
                return at
            size, crc = _RECORD.unpack(head)
            names = self._file.read(min(size, _LONGEST))
            keys = _keys(names)
            content = self._file.read(4 * self._length * len(keys))
            whole = len(names) == size and len(content) == 4 * self._length * len(keys)
            if not (keys and whole and zlib.crc32(content, zlib.crc32(names)) == crc):
                return at
            self._note(keys, at + _RECORD.size + size)
            at += _RECORD.size + size + len(content)


def _keys(text: bytes) -> list[Key]:
    """The keys of a record; none where it is damaged."""
    try:
        return [(str(name), str(stamp)) for name, stamp in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        return []
