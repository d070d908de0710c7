"""One look for every progress bar."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(total: int | None, label: str, unit: str, done: int = 0) -> tqdm:
    """A bar on standard error with rate and time left; in a log file, a line every 30 s.

    Args:
        total: how many units there are; None if that is not known.
        unit: bytes are "B", and are shown as kB, MB and so on.
        done: how many of them an earlier run completed.
    """
    interactive = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=done,
        desc=label,
        unit=unit,
        unit_scale=unit == "B",
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
