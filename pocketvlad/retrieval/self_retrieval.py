"""Retrieval without labels: a part of a photograph is to find the whole among other photographs.

The drop of a compressed model at this task can be measured on anybody's photographs. There are as
many queries as needed to tell half a point from chance, unlike the few labelled ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.retrieval.coinciding import require_distinct
from pocketvlad.retrieval.crops import random_crops
from pocketvlad.retrieval.describe import describe
from pocketvlad.retrieval.picture import Picture
from pocketvlad.scoring.average_precision import average_precision
from pocketvlad.scoring.ranking import rankings

HELD = 5  # every fifth photograph is kept from calibration, and is a query
_QUERIES = 400
_MAX_PARTS = 12  # of one photograph: more say little new
_DATABASE = 500
_SHARES = (0.35, 0.9)  # of each side, as have the boxes of the queries of Oxford and Paris


def held_out(names: Sequence[str]) -> list[str]:
    """The photographs that calibration does not use, so that they can test it."""
    return sorted(names)[::HELD]


def random_parts(
    pictures: Sequence[Picture], count: int, seed: int, min_side: int
) -> list[Picture]:
    """`count` parts of each picture, one picture after another.

    Each picture has a seed of its own: others before it do not change its parts.
    """
    return [
        part
        for number, picture in enumerate(pictures)
        for part in random_crops([picture], count, seed + number, min_side, _SHARES)
    ]


@dataclass(frozen=True)
class SelfRetrieval:
    """database: whole photographs.  queries: parts of some of them, each with its box."""

    database: tuple[Picture, ...]
    queries: tuple[Picture, ...]


def self_retrieval(
    held: Sequence[Picture], others: Sequence[Picture], min_side: int, seed: int
) -> SelfRetrieval:
    """The task that asks for the photographs `held` among themselves and `others`.

    The same seed gives the same task. Of many `others`, an evenly spaced subset is the database.

    Args:
        min_side: pixels that the network needs on either side.

    Raises:
        ValueError: nothing is held, or there is nothing else to be found.
    """
    if not held or not others:
        raise ValueError(f"self-retrieval needs photographs to ask for and others, not {len(held)}")
    parts = min(_MAX_PARTS, -(-_QUERIES // len(held)))
    step = max(1, -(-len(others) // _DATABASE))
    queries = random_parts(held, parts, seed, min_side)
    return SelfRetrieval((*held, *others[::step]), tuple(queries))


def self_retrieval_rows(
    network: RetrievalNetwork, task: SelfRetrieval, sizing: Sizing, preprocessing: Preprocessing
) -> np.ndarray:
    """[N + Q, D] Descriptors of the database, then of the queries.

    Raises:
        CoincidingError: the network does not tell most of the photographs apart.
    """
    network.eval()
    pictures = [*task.database, *task.queries]
    rows = describe(network, pictures, sizing, preprocessing, label="self-retrieval")
    count = len(task.database)
    require_distinct(rows[:count], [picture.path for picture in task.database], "photographs")
    return rows


def row_scores(rows: np.ndarray, task: SelfRetrieval) -> dict[str, float]:
    """Average precision of each query, in (0, 1]; its own photograph is the only positive.

    A query is called by its number in the task, not by its path: scores are kept for searches that
    go on later, when the folder may be given in another way, or have another name.

    Args:
        rows: [N + Q, D] of unit length, in the order of `self_retrieval_rows`.
    """
    count = len(task.database)
    names = [str(picture.path) for picture in task.database]
    ranked = rankings(rows[count:], names, rows[:count])
    return {
        str(number): average_precision(ranking, {str(query.path)})
        for number, (query, ranking) in enumerate(zip(task.queries, ranked, strict=True))
    }


def self_retrieval_scores(
    network: RetrievalNetwork, task: SelfRetrieval, sizing: Sizing, preprocessing: Preprocessing
) -> dict[str, float]:
    """`row_scores` of a network's own descriptors.

    Raises:
        CoincidingError: the network does not tell most of the photographs apart.
    """
    return row_scores(self_retrieval_rows(network, task, sizing, preprocessing), task)


def self_retrieval_loss(base: Mapping[str, float], scores: Mapping[str, float]) -> float:
    """Percentage points of average precision that queries lose, on their mean.

    Gains of other queries are not set against it. A model is overfitted to the photographs that it
    was trained on, these among them. Rounding may undo some of that, which helps at this task and
    at no other.

    Args:
        base, scores: by query, of the base model and of the compressed one.

    Raises:
        ValueError: they are of different queries.
    """
    if base.keys() != scores.keys():
        raise ValueError("the self-retrieval of two models is not of the same queries")
    return 100 * sum(max(0.0, base[query] - scores[query]) for query in base) / len(base)
