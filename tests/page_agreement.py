"""A packed city's answers in a browser beside those of Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from page_worker import PageWorker

from pocketvlad.api.city import City

Asked = tuple[Path, Sequence[float] | None]
"""A photograph, and the box in it that counts, in pixels; None: all of it."""


@dataclass(frozen=True)
class Agreement:
    """cosines [P] of descriptors of whole photographs.  same, same_other [Q]: whether the first
    answer is the same, and the first one that is not the query's own photograph.  seconds [Q] from
    a photograph to the answer in the page."""

    cosines: np.ndarray
    same: np.ndarray
    same_other: np.ndarray
    seconds: np.ndarray

    def __str__(self) -> str:
        return (
            f"cosine to Python's descriptor, {len(self.cosines)} photographs: "
            f"least {self.cosines.min():.9f}, median {np.median(self.cosines):.9f}\n"
            f"same first answer: {self.same.sum()} of {len(self.same)} queries; "
            f"same first other photograph: {self.same_other.sum()} of {len(self.same_other)}\n"
            f"photograph to answer: median {np.median(self.seconds):.2f} s, "
            f"least {self.seconds.min():.2f} s"
        )


def agreement(
    city: City, worker: PageWorker, photographs: Sequence[Path], queries: Sequence[Asked]
) -> Agreement:
    """Ask both."""
    rows = city.describe(photographs)
    cosines = [row @ worker.ask(path)["descriptor"] for row, path in zip(rows, photographs, strict=True)]
    same, same_other, seconds = [], [], []
    for path, box in queries:
        asked = worker.ask(path, box)
        mine = [each["file"] for each in asked["found"]]
        theirs = [str(answer.path) for answer in city.search(path, box=box, top=len(mine))]
        same.append(mine[0] == theirs[0])
        others = [[each for each in found if each != path.name] for found in (mine, theirs)]
        same_other.append(others[0][0] == others[1][0])
        seconds.append(asked["milliseconds"]["all"] / 1000)
    return Agreement(*map(np.array, (cosines, same, same_other, seconds)))
