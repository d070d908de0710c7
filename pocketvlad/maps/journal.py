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

from pocketvlad.util.file_lock import open_locked, remove_locked
from pocketvlad.util.foreign import reason

Key = tuple[str, str]
"""What a photograph is called, and its stamp."""

_RECORD = struct.Struct("<II")
_LONGEST = 1 << 24  # bytes of the keys of a batch


class JournalError(ValueError):
    """Another run is writing the same, or the disk is full; names the file."""


class Journal:
    """Descriptors [D] float32 by key.

    Without a path they are kept in a file that ends with the process. Use it in `with`. As long as
    it is open no other run makes the same map. The file is changed by the first `add`; one in which
    nothing is kept goes when it is closed.
    """

    def __init__(self, path: Path | None, made_with: str, length: int) -> None:
        """Open the file, and go on with what it holds if that was `made_with` the same.

        Raises:
            JournalError: another process has it open.
            OSError: it cannot be opened.
        """
        self.path = path
        self._length = length
        self._places: dict[Key, int] = {}  # where each row begins
        # Without a buffer: what a full disk has refused is not tried again when the file is closed.
        self._file: BinaryIO = _temporary() if path is None else _locked(path)
        self._first = json.dumps({"made_with": made_with, "length": length}).encode() + b"\n"
        self._file.seek(0)
        same = self._file.read(len(self._first)) == self._first
        self._end = self._read_records(len(self._first)) if same else 0

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def add(self, keys: Sequence[Key], rows: np.ndarray) -> None:
        """Keep `rows` [n, D]; they are in the file when this returns.

        Raises:
            JournalError: they cannot be written. What was kept before stays.
        """
        names = json.dumps(keys).encode("ascii")
        content = rows.astype("<f4").tobytes()
        crc = zlib.crc32(content, zlib.crc32(names))
        try:
            self._file.truncate(self._end)
            if not self._end:
                self._append(self._first)
            begin = self._end
            self._append(_RECORD.pack(len(names), crc) + names + content)
        except OSError as error:
            where = self.path or f"a file in {tempfile.gettempdir()}"
            raise JournalError(f"{where} cannot be written: {reason(error)}; make room") from None
        self._note(keys, begin + _RECORD.size + len(names))

    def take(self, other: "Journal") -> None:
        """Keep what another one does. Raises JournalError, see `add`."""
        for key in other._places:
            self.add([key], other.rows([key]))

    def rows(self, keys: Sequence[Key]) -> np.ndarray:
        """[n, D] What was kept of them."""
        found = np.empty((len(keys), self._length), np.float32)
        for row, key in enumerate(keys):
            self._file.seek(self._places[key])
            found[row] = np.frombuffer(self._file.read(4 * self._length), "<f4")
        return found

    def close(self) -> None:
        """Stop writing; the file stays for another run."""
        if not self._file.closed and self.path is not None and not self._file.seek(0, 2):
            self.remove()
        self._file.close()

    def remove(self) -> None:
        """Stop writing, and remove the file: all is in the map."""
        if self.path is None:
            self._file.close()
        else:
            remove_locked(self.path, self._file)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]
        self._end += len(content)

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


def _temporary() -> BinaryIO:
    return tempfile.TemporaryFile(buffering=0)


def _locked(path: Path) -> BinaryIO:
    """The file of this name, open and locked.

    Raises:
        JournalError: another process has locked it.
        OSError: it cannot be opened.
    """
    file = open_locked(path)
    if file is None:
        raise JournalError(f"{path} is being written by another run; wait until it has ended")
    return file


def _keys(text: bytes) -> list[Key]:
    """The keys of a record; none where it is damaged."""
    try:
        return [(str(name), str(stamp)) for name, stamp in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        return []
