"""Batches of several photographs of each of several landmarks, and what is known of their pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.images import Box
from pocketvlad.data.landmarks import Landmark, Split
from pocketvlad.training.mining import QUERY_SHARE
from pocketvlad.util.sampling import drawn


@dataclass(frozen=True)
class View:
    """A photograph in a batch. landmark: that it is there for; None: no list names it."""

    name: str
    landmark: Landmark | None = None
    box: Box | None = None  # the part that is used; None: all of it


class _Turns:
    """Draws numbers below `count`; no number has ever been drawn two times more than another."""

    def __init__(self, count: int, generator: np.random.Generator) -> None:
        self._drawn = np.zeros(count, np.int64)
        self._generator = generator

    def next(self, size: int) -> list[int]:
        """`size` different numbers, or all where there are fewer."""
        ties = self._generator.random(len(self._drawn))
        chosen = np.lexsort((ties, self._drawn))[:size]
        self._drawn[chosen] += 1
        return chosen.tolist()


def _views(landmark: Landmark, count: int, generator: np.random.Generator) -> list[View]:
    """`count` different photographs of a landmark, or all; one may be a query, within its box."""
    views, names = [], list(landmark.positives)
    if landmark.queries and generator.random() < QUERY_SHARE:
        name, box = landmark.queries[generator.integers(len(landmark.queries))]
        views, names = [View(name, landmark, box)], [each for each in names if each != name]
    rest = drawn(names, count - len(views), generator)
    return views + [View(name, landmark) for name in rest]


def landmark_batches(
    split: Split,
    *,
    batches: int,
    landmarks: int,
    views: int,
    instances: int,
    generator: np.random.Generator,
) -> list[list[View]]:
    """Batches of `landmarks` different landmarks with `views` different photographs of each, and of
    `instances` photographs of the background, each twice. Where there are fewer, all are taken.

    Landmarks take turns, and so do photographs of the background. Nothing that is validated on is
    in any batch.

    Raises:
        ValueError: fewer than two landmarks can be learnt from.
    """
    if len(split.training) < 2:
        raise ValueError(
            f"{len(split.training)} landmark to learn from, and a batch needs two with two "
            "positives each; lower validation.fraction, or write `loss: {type: triplet}`"
        )
    marks = _Turns(len(split.training), generator)
    others = _Turns(len(split.background), generator)
    return [
        [
            *(
                view
                for number in marks.next(landmarks)
                for view in _views(split.training[number], views, generator)
            ),
            *(
                View(split.background[number])
                for number in others.next(instances)
                for _ in range(2)
            ),
        ]
        for _ in range(batches)
    ]


def _different(one: View, other: View) -> bool:
    """Whether two views certainly do not show the same."""
    marks = [view.landmark for view in (one, other)]
    if marks[0] is marks[1]:
        return False
    names = (other.name, one.name)
    return all(m is None or name not in m.shown for m, name in zip(marks, names, strict=True))


def _same(one: View, other: View) -> bool:
    return one.landmark is other.landmark and (one.landmark is not None or one.name == other.name)


def relations(batch: Sequence[View]) -> tuple[np.ndarray, np.ndarray]:
    """Which views of a batch show the same, and which certainly something else: [N, N] bool each.

    What is known of neither is in none: two photographs that no list names may show one building.
    """
    same = np.array([[_same(one, other) for other in batch] for one in batch])
    np.fill_diagonal(same, False)
    return same, np.array([[_different(one, other) for other in batch] for one in batch])
