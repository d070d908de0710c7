"""One look for every progress bar."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(total: int, label: str, unit: str) -> tqdm:
    """A bar on standard error with rate and time left; in a log file, a line every 30 s."""
    interactive = sys.stderr.isatty()
    return tqdm(
        total=total,
        desc=label,
        unit=unit,
        file=sys.stderr,
        mininterval=0.5 if interactive else 30.0,
        dynamic_ncols=interactive,
    )


def progress_over(label: str, unit: str) -> Callable[[Sequence[Item]], Iterator[Item]]:
    """A function that yields a sequence's items and shows a bar meanwhile."""

    def over(items: Sequence[Item]) -> Iterator[Item]:
        with progress(len(items), label, unit) as bar:
            for item in items:
                yield item
                bar.update()

    return over
