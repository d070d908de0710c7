"""Photographs by what they are called, and their descriptors in a journal."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.format.map_layout import STAMP_BYTES
from pocketvlad.format.map_names import packed_name
from pocketvlad.maps.journal import Journal, Key
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.foreign import reason
from pocketvlad.util.progress import progress
from pocketvlad.util.read_ahead import decoding_threads

_CHUNK = 512  # photographs that are decoded on trial before they are described


@dataclass(frozen=True)
class Describer:
    """What photographs are described with.

    made_with: see `provenance`.  length: numbers of a descriptor.  rows: (numbers of pictures,
    their rows [n, length]), batch by batch.  fault: what is wrong with a picture, or None.
    """

    made_with: str
    length: int
    rows: Callable[[Sequence[Picture]], Iterator[tuple[list[int], np.ndarray]]]
    fault: Callable[[Picture], str | None]


def stamp(path: Path) -> bytes:
    """[STAMP_BYTES] What changes when the file does.

    Raises:
        OSError: it has gone.
    """
    status = path.stat()
    # Some programs keep size and time; the time of the change itself they cannot set.
    text = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    return hashlib.sha256(text.encode()).digest()[:STAMP_BYTES]


def keys_of(
    pictures: Mapping[str, Picture], name_of: Callable[[str], object] = packed_name
) -> tuple[dict[str, Key], list[str]]:
    """(keys by name, what is wrong with the others)

    Args:
        name_of: raises ValueError where a photograph cannot be called so.
    """
    keys, faults = {}, []
    for name, picture in pictures.items():
        try:
            name_of(name)
            keys[name] = name, stamp(picture.path).hex()
        except OSError as error:  # it has gone meanwhile
            faults.append(f"{picture.path}: {reason(error)}")
        except ValueError as error:
            faults.append(f"{picture.path}: {error}")
    return keys, faults


def describe_into(
    journal: Journal, wanted: Mapping[Key, Picture], describer: Describer
) -> dict[Key, str]:
    """Describe what the journal lacks; what is wrong with those that cannot be described."""
    faults: dict[Key, str] = {}
    missing = [key for key in wanted if key not in journal]
    if not missing:
        return faults
    with (
        progress(len(wanted), "index", "image", done=len(wanted) - len(missing)) as bar,
        ThreadPoolExecutor(decoding_threads()) as pool,
    ):
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            found = pool.map(describer.fault, [wanted[key] for key in chunk])
            faults |= {key: fault for key, fault in zip(chunk, found, strict=True) if fault}
            good = [key for key in chunk if key not in faults]
            bar.update(len(chunk) - len(good))
            if good:
                for numbers, rows in describer.rows([wanted[key] for key in good]):
                    journal.add([good[number] for number in numbers], rows)
                    bar.update(len(numbers))
    return faults
