"""Keep the few small inputs that together reach every line that a search reached.

    python tests/fuzz/minimise.py READER

They are taken from tests/fuzz/corpus/READER, from the reader's own seeds and from what `run` found
in fuzz/READER, and written to tests/fuzz/corpus/READER. Inputs that a defect was found by, called
`mended-...`, stay.
"""

import hashlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.trial import FindingError, limit_depth, names, reader, trial

CORPUS = Path(__file__).parent / "corpus"
WORK = Path(__file__).parents[2] / "fuzz"
MENDED = "mended-"
_MOST = 12_288  # bytes of a reader's inputs together
_LONGEST = 6144  # of one
_NOT_TRACED = ("importlib", str(Path(__file__).parent), "<")


def lines_of(module: ModuleType, data: bytes) -> set[tuple[str, int]]:
    """The lines of Python that an input reaches, our own and those of parsers; none where it is a
    finding."""
    found = set()

    def trace(frame: FrameType, event: str, _: object) -> object:
        file = frame.f_code.co_filename
        if any(each in file for each in _NOT_TRACED):
            return None
        if event == "line":
            found.add((file, frame.f_lineno))
        return trace

    with tempfile.TemporaryDirectory() as folder:
        threading.settrace(trace)
        sys.settrace(trace)
        try:
            trial(module, data, Path(folder))
        except FindingError:
            return set()
        finally:
            sys.settrace(None)
            threading.settrace(None)
    return found


def inputs(name: str, module: ModuleType) -> Iterator[bytes]:
    """All that there are, short ones first."""
    folders = CORPUS / name, WORK / name / "corpus"
    held = [path.read_bytes() for folder in folders if folder.is_dir() for path in folder.iterdir()]
    yield from sorted({*held, *module.seeds()}, key=lambda data: (len(data), data))


def shortest_good(module: ModuleType) -> bytes:
    """Of the reader's own seeds."""

    def taken(data: bytes) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            return trial(module, data, Path(folder))

    return min(filter(taken, module.seeds()), key=len)


def minimise(name: str) -> None:
    """Write the corpus of a reader."""
    module = reader(name)
    next(module.seeds())  # what is computed once is no input's
    for data in module.seeds():
        lines_of(module, data)
    good = shortest_good(module)
    reached, kept = lines_of(module, good), [good]
    for data in inputs(name, module):
        if len(data) <= _LONGEST and (new := lines_of(module, data) - reached):
            if sum(map(len, kept)) + len(data) > _MOST:
                break
            reached |= new
            kept.append(data)
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if not path.name.startswith(MENDED):
            path.unlink()
    for data in kept:
        (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    print(f"{name}: {len(kept)} inputs, {sum(map(len, kept))} bytes, {len(reached)} lines")


if __name__ == "__main__":
    limit_depth()
    for each in sys.argv[1:] or names():
        minimise(each)
