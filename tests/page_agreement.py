"""A packed city's answers in a browser beside those of Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from page_worker import PageWorker

from pocketvlad.api.city import City

Asked = tuple[Path, Sequence[float] | None]
"""A photograph, and the box in it that counts, in pixels; None: all of it."""


def cosines(city: City, worker: PageWorker, photographs: Sequence[Path]) -> np.ndarray:
    """[P] of the page's descriptor of each whole photograph to Python's."""
    rows = city.describe(photographs)
    found = [worker.ask(path)["descriptor"] for path in photographs]
    return np.array([row @ mine for row, mine in zip(rows, found, strict=True)])


@dataclass(frozen=True)
class Answers:
    """Of each query, [Q]: `same`, whether the page's first answer is Python's; `same_other`,
    whether the first one that is not the query's own photograph is; `seconds` from the photograph
    to the page's answer."""

    same: np.ndarray
    same_other: np.ndarray
    seconds: np.ndarray


def answers(city: City, worker: PageWorker, queries: Sequence[Asked]) -> Answers:
    """Ask the page and Python the same."""
    same, same_other, seconds = [], [], []
    for path, box in queries:
        asked = worker.ask(path, box)
        mine = [each["file"] for each in asked["found"]]
        theirs = [str(answer.path) for answer in city.search(path, box=box, top=len(mine))]
        same.append(mine[0] == theirs[0])
        others = [[each for each in found if each != path.name] for found in (mine, theirs)]
        same_other.append(others[0][0] == others[1][0])
        seconds.append(asked["milliseconds"]["all"] / 1000)
    return Answers(*map(np.array, (same, same_other, seconds)))
