"""How many components of the descriptor are kept, chosen on the training city alone.

Nothing is rounded here: the base model is described once, and its descriptors are cut.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.compression.rd.length import shortened
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.model import Model
from pocketvlad.retrieval.self_retrieval import (
    SelfRetrieval,
    row_scores,
    self_retrieval_loss,
    self_retrieval_rows,
)
from pocketvlad.util.atomic import replacing

_EIGHTHS = 8
_SHORTEST = 2  # of one component nothing but the sign is left
_BOX = ("x1", "y1", "x2", "y2")
_NO_DIRECTION = 1e-12  # a length below which a descriptor stays as it is


@dataclass(frozen=True)
class LengthScore:
    """What one length gave.

    map: of self-retrieval, in %.  loss: percentage points that queries lose on their mean, gains
    not set against it.  scores: average precision in (0, 1], by query.
    """

    length: int
    map: float
    loss: float
    scores: Mapping[str, float]


def tried_lengths(whole: int, lengths: Iterable[int] | None) -> list[int]:
    """All components, and shorter lengths, the longest first.

    Args:
        whole: components of the descriptor.
        lengths: None for each eighth of `whole`.

    >>> tried_lengths(512, None)
    [512, 448, 384, 320, 256, 192, 128, 64]
    >>> tried_lengths(16, [8, 12])
    [16, 12, 8]
    """
    if lengths is None:
        lengths = (whole * part // _EIGHTHS for part in range(1, _EIGHTHS))
    shorter = {length for length in lengths if _SHORTEST <= length < whole}
    return [whole, *sorted(shorter, reverse=True)]


def cut(rows: np.ndarray, length: int) -> np.ndarray:
    """[N, length] The first components of descriptors [N, D], of unit length again."""
    first = rows[:, :length]
    return first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), _NO_DIRECTION)


def length_curve(
    base: Model, task: SelfRetrieval, sizing: Sizing, lengths: Iterable[int] | None
) -> list[LengthScore]:
    """Self-retrieval of a base model with all components, and with fewer, the longest first.

    Args:
        base: its network where it computes.
        sizing: how large the task's images are.
        lengths: see `tried_lengths`.

    Raises:
        ValueError: the components of the descriptor are in no order.
        CoincidingError: the network does not tell most of the photographs apart.
    """
    tried = tried_lengths(base.network.architecture.length, lengths)
    shortened(base.network, tried[-1])  # says so where components are in no order
    rows = self_retrieval_rows(base.network, task, sizing, base.preprocessing)
    found = {length: row_scores(cut(rows, length), task) for length in tried}
    whole = found[tried[0]]
    return [
        LengthScore(
            length,
            100 * sum(scores.values()) / len(scores),
            self_retrieval_loss(whole, scores),
            scores,
        )
        for length, scores in found.items()
    ]


def shortest_within(curve: Sequence[LengthScore], drop: float) -> int:
    """The shortest length that loses `drop` points or less.

    A longer one may lose more: what queries lose need not grow from each length to the next.
    """
    return min(each.length for each in curve if each.loss <= drop)


def length_choice(
    curve: Sequence[LengthScore], chosen: int, drop: float, city: str, task: SelfRetrieval
) -> dict[str, object]:
    """The record of a chosen length: the value, the rule in words, and what it rests on.

    Args:
        curve: of all lengths that were tried.
        drop: points that a length may lose.
        city: the data set that the model was trained on.
        task: what the curve was measured on.
    """
    whole, *shorter = (str(each.length) for each in curve)
    return {
        "chosen": chosen,
        "rule": (
            f"of {whole} components, all there are, and {', '.join(shorter) or 'no other number'}, "
            f"the fewest with which queries of self-retrieval on {city}, the training city, lose "
            f"{drop:g} points of average precision or less on their mean, gains not set against it"
        ),
        "city": city,
        "photographs": len(task.database),
        "photographs_asked_for": len({query.path for query in task.queries}),
        "queries": len(task.queries),
        "curve": [
            {"length": each.length, "map": round(each.map, 4), "loss": round(each.loss, 4)}
            for each in curve
        ],
    }


def write_queries(path: Path | str, curve: Sequence[LengthScore], task: SelfRetrieval) -> None:
    """A line a query of `task`, as CSV: its photograph, its box, and its average precision with
    each length of `curve`."""
    lengths = [f"average_precision_{each.length}" for each in curve]
    scores = zip(*(each.scores.values() for each in curve), strict=True)
    with (
        replacing(Path(path)) as unfinished,
        open(unfinished, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["photograph", *_BOX, *lengths])
        for query, found in zip(task.queries, scores, strict=True):
            box = [f"{side:.1f}" for side in query.box]
            writer.writerow([query.path.stem, *box, *(f"{score:.9f}" for score in found)])
