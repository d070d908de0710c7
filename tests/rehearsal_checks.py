"""What a rehearsal must have left behind."""
from collections.abc import Iterator
from pathlib import Path


def faults(folder: Path) -> Iterator[str]:
    yield from ()
