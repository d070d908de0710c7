"""Recall@N with its intervals as columns of tables, and its drop below the base model's."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from pocketvlad.scoring.bootstrap import Drop
from pocketvlad.scoring.recall_intervals import (
    found_points,
    interval_by_landmarks,
    plain_interval,
)

Trainings = Sequence[Sequence[Mapping]]
"""Of each training the JSON rows of its models on one data set; a query counts as their mean."""

LANDMARKS = "_landmarks"
"""After a column's name, before the ends of its interval by landmarks."""


def recall_column(count: int | str, name: str) -> str:
    """The column of Recall@`count` on a data set."""
    return f"recall_at_{count}_{name}"


def recall_drop_column(count: int | str, name: str) -> str:
    """The column of its drop below the base model's."""
    return f"recall_drop_at_{count}_{name}"


def recall_counts(columns: Iterable[str], name: str) -> list[int]:
    """The N of Recall@N that a table has of a data set."""
    found = (re.fullmatch(recall_column(r"(\d+)", re.escape(name)), each) for each in columns)
    return [int(match[1]) for match in found if match]


def has_recall(rows: Iterable[Mapping]) -> bool:
    """Whether each of some JSON rows has Recall@N."""
    return all("recall" in row for row in rows)


def recall_of(line: Mapping[str, object], column: str) -> Drop:
    """A figure of a table's line with its interval: by landmarks where these are known."""
    kind = LANDMARKS if f"{column}{LANDMARKS}_low" in line else ""
    return Drop(line[column], line[f"{column}{kind}_low"], line[f"{column}{kind}_high"])


def _every(trainings: Trainings) -> list[Mapping]:
    return [row for rows in trainings for row in rows]


def _points(trainings: Trainings, counts: Sequence[int]) -> np.ndarray:
    """[C, S, N] See `found_points`."""
    return found_points([[row["recall_first_right"] for row in rows] for rows in trainings], counts)


def _columns(
    points: np.ndarray, landmarks: Sequence[str] | None, names: Mapping[str, float]
) -> Iterator[tuple[str, float]]:
    """The figure of each name and its intervals; no end lies beyond what there can be.

    Args:
        points: [C, S, N], a row a name.
        names: with the least that the figure of each can be.
    """
    mean, *ends = plain_interval(points)
    kinds = {"": ends}
    if landmarks is not None:
        kinds[LANDMARKS] = interval_by_landmarks(points, landmarks)[1:]
    for number, (name, least) in enumerate(names.items()):
        yield name, float(mean[number])
        for kind, both in kinds.items():
            for end, values in zip(("low", "high"), both, strict=True):
                yield f"{name}{kind}_{end}", float(np.clip(values[number], least, 100))


def recall_columns(other: Trainings, name: str, base: Trainings | None = None) -> dict[str, object]:
    """Recall@N on a data set, its intervals, and what they rest on.

    Args:
        other: the models of a line.
        name: of the data set, in columns.
        base: the base models of the same trainings, for the drop below them; None: no drop.

    Raises:
        ValueError: rows do not agree in the queries, the radius or the values of N.
    """
    rows = _every(other) + _every(base or [])
    first = rows[0]
    if len({(row["recall_metres"], *row["recall"]) for row in rows}) > 1:
        raise ValueError(
            f"scores on {name} do not agree in the radius or the values of Recall@N; delete those "
            "that are out of date and run again"
        )
    counts = list(map(int, first["recall"]))
    known = first.get("recall_landmarks")
    landmarks = known and [known[query] for query in first["recall_first_right"]]

    names = {recall_column(count, name): 0.0 for count in counts}
    try:
        points = found = _points(other, counts)
        if base is not None:
            names |= {recall_drop_column(count, name): -100.0 for count in counts}
            before = _points([*other, *base], counts)[:, len(other) :]
            points = np.concatenate([found, before - found])
        columns: dict[str, object] = dict(_columns(points, landmarks, names))
    except ValueError as error:
        raise ValueError(
            f"scores on {name}: {error}; delete those that are out of date and run again"
        ) from None
    return columns | {
        f"recall_queries_{name}": len(first["recall_first_right"]),
        f"recall_without_positives_{name}": first["recall_without_positives"],
        f"recall_metres_{name}": first["recall_metres"],
    }
