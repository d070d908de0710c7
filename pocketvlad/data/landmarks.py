"""What the ground truth teaches: which images show the same landmark, and which to hold out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.images import Box
from pocketvlad.data.positions import some
from pocketvlad.util.counted import counted


@dataclass(frozen=True)
class Landmark:
    """A landmark's images; all its queries' lists taken together."""

    name: str
    positives: tuple[str, ...]  # good or ok for one of its queries, sorted
    shown: frozenset[str]  # positives, junk and its queries' images: never a negative
    queries: tuple[tuple[str, Box | None], ...] = ()  # image and box of each query


def landmarks(dataset: Dataset) -> list[Landmark]:
    """Every landmark of the data set that has at least two positives, sorted by name."""
    positives: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, set[str]] = defaultdict(set)
    queries: dict[str, list[tuple[str, Box | None]]] = defaultdict(list)
    for query in dataset.queries:
        positives[query.landmark] |= query.positives
        shown[query.landmark] |= query.positives | {*query.junk, query.image}
        queries[query.landmark].append((query.image, query.box))
    return [
        Landmark(name, tuple(sorted(found)), frozenset(shown[name]), tuple(queries[name]))
        for name, found in sorted(positives.items())
        if len(found) > 1
    ]


def landmark_names(dataset: Dataset) -> dict[str, str]:
    """What people call the landmark that an image shows, by image; images of none or of several
    are left out. Junk shows a part of its landmark, and is of it, too."""
    shown: dict[str, set[str]] = defaultdict(set)
    for query in dataset.queries:
        for image in (*query.positives, *query.junk):
            shown[image].add(query.landmark)
    return {
        image: next(iter(names)).replace("_", " ")
        for image, names in sorted(shown.items())
        if len(names) == 1
    }


@dataclass(frozen=True)
class Split:
    """Landmarks to learn from, landmarks to validate on, and images that show neither."""

    training: tuple[Landmark, ...]
    validation: tuple[Landmark, ...]
    background: tuple[str, ...]


def _nothing_left(
    others: Sequence[Landmark], validation: Sequence[Landmark], closed: frozenset[str]
) -> ValueError:
    """The error where no landmark can be learnt from, for those held out show its images."""
    shared = sorted({name for landmark in others for name in landmark.positives} & closed)
    fewer = ", or lower `validation.fraction`" if len(validation) > 1 else ""
    return ValueError(
        f"no landmark is left to learn from: validation takes {some([m.name for m in validation])} "
        f"and all images that the lists of these name, junk too, and so too many of "
        f"{some([m.name for m in others])} (shared: {some(shared)}); list images for one landmark "
        f"alone, or add landmarks to the training city{fewer}"
    )


def split_landmarks(
    found: Iterable[Landmark], images: Iterable[str], fraction: float, seed: int
) -> Split:
    """Hold out a `fraction` of the landmarks (at least one) for validation.

    An image that shows a landmark of both sides counts for validation only, so that nothing
    that is validated on has been learnt from.

    Raises:
        ValueError: fewer than two landmarks, or none is left to learn from; names the images that
            landmarks of both sides show.
    """
    found = list(found)
    if len(found) < 2:
        raise ValueError(
            f"{counted(len(found), 'landmark')} cannot be split into training and validation; the "
            "training city needs at least two with two positives each"
        )
    held = min(len(found) - 1, max(1, round(fraction * len(found))))
    order = np.random.default_rng(seed).permutation(len(found))
    validation = tuple(found[index] for index in sorted(order[:held]))
    closed = frozenset().union(*(landmark.shown for landmark in validation))
    others = [found[index] for index in sorted(order[held:])]
    training = []
    for landmark in others:
        positives = tuple(name for name in landmark.positives if name not in closed)
        if len(positives) > 1:
            queries = tuple(query for query in landmark.queries if query[0] not in closed)
            training.append(Landmark(landmark.name, positives, landmark.shown, queries))
    if not training:
        raise _nothing_left(others, validation, closed)
    shown = closed.union(*(landmark.shown for landmark in training))
    background = tuple(name for name in images if name not in shown)
    return Split(tuple(training), validation, background)
