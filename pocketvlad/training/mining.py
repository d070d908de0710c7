"""Choosing tuples of anchor, positive and hard negatives from cached descriptors.

NetVLAD's weakly supervised mining (Arandjelovic et al. 2016, section 4), with landmarks in place
of GPS positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.images import Box
from pocketvlad.data.landmarks import Landmark

# Share of a landmark's anchors that are its queries, cropped to their boxes as in the test.
QUERY_SHARE = 0.5


@dataclass(frozen=True)
class TrainingTuple:
    """Image names: one anchor, one image of the same landmark, several of other places."""

    anchor: str
    positive: str
    negatives: tuple[str, ...]
    landmark: Landmark | None = None  # of the anchor; None: no list names it
    box: Box | None = None  # the part of the anchor that is used; None: all of it

    @property
    def images(self) -> tuple[str, ...]:
        return (self.anchor, self.positive, *self.negatives)


def _hardest(
    candidates: Sequence[int], similarity: np.ndarray, names: Sequence[str], count: int
) -> tuple[str, ...]:
    """The `count` candidates (row numbers) of greatest similarity [N], ties in their order."""
    order = sorted(candidates, key=lambda row: -similarity[row])
    return tuple(names[row] for row in order[:count])


def mine_tuples(
    training: Sequence[Landmark],
    background: Sequence[str],
    names: Sequence[str],
    descriptors: np.ndarray,
    *,
    count: int,
    negatives: int,
    negative_candidates: int,
    nearest_positives: int,
    instance_share: float,
    generator: np.random.Generator,
) -> list[TrainingTuple]:
    """`count` tuples in random order, the landmarks taking turns.

    A network trained on a few labelled landmarks overfits them. So a share of the tuples is made of
    images that no list names. The positive is the anchor itself, which augmentation crops and
    colours differently, and the negatives are the hardest of the landmarks' images, which certainly
    show something else.

    Args:
        training: the landmarks to learn from.
        background: images of none of them, all of them cached.
        names: N cached image names.
        descriptors: [N, D], unit length.
        negatives: how many hardest negatives (largest inner product) each anchor gets.
        negative_candidates: among how many, drawn at random for each tuple (NetVLAD: 1000). Few
            candidates give easy negatives. An untrained network needs these: with the hardest
            negatives it learns to map every image to one point.
        nearest_positives: the positive is drawn from this many nearest images of the anchor's
            landmark; the farther ones may show another side of the building.
        instance_share: share of the tuples that are made of the background.

    Raises:
        ValueError: no landmark has two cached positives, or there are no negatives.
    """
    row = {name: index for index, name in enumerate(names)}
    usable = [
        (landmark, [name for name in landmark.positives if name in row]) for landmark in training
    ]
    usable = [(landmark, positives) for landmark, positives in usable if len(positives) > 1]
    if not usable:
        raise ValueError("no training landmark has two positives among the cached images")
    labelled = sorted({row[name] for _, positives in usable for name in positives})
    tuples = []
    for turn in range(count):
        landmark = box = None
        if background and generator.random() < instance_share:
            anchor = positive = background[generator.integers(len(background))]
            similarity = descriptors @ descriptors[row[anchor]]
            candidates = labelled
        else:
            landmark, positives = usable[turn % len(usable)]
            queries = [query for query in landmark.queries if query[0] in row]
            if queries and generator.random() < QUERY_SHARE:
                anchor, box = queries[generator.integers(len(queries))]
            else:
                anchor = positives[generator.integers(len(positives))]
            similarity = descriptors @ descriptors[row[anchor]]
            others = _hardest(
                [row[name] for name in positives if name != anchor],
                similarity,
                names,
                nearest_positives,
            )
            positive = others[generator.integers(len(others))]
            candidates = [r for r, name in enumerate(names) if name not in landmark.shown]
            if not candidates:
                raise ValueError(
                    f"every cached image shows landmark {landmark.name}: there are no negatives; "
                    "add images of other places to the training city, or take a loss without "
                    "negatives"
                )
        if len(candidates) > negative_candidates:
            candidates = generator.choice(candidates, negative_candidates, replace=False)
        tuples.append(
            TrainingTuple(
                anchor,
                positive,
                _hardest(candidates, similarity, names, negatives),
                landmark,
                box,
            )
        )
    generator.shuffle(tuples)
    return tuples


def step_triplets(step: Sequence[TrainingTuple], labelled: frozenset[str]) -> np.ndarray:
    """Every triplet that the tuples of one step hold, across tuples too.

    An anchor's negatives are its own and all images of the other tuples that certainly show
    something else: what its landmark's lists do not name, or, for an anchor that no list names,
    what some landmark's positives do (`labelled`).

    Returns:
        [T, 3] numbers of anchor, positive and negative among the step's images, taken tuple by
        tuple in the order of `TrainingTuple.images`.
    """
    images = [(number, name) for number, each in enumerate(step) for name in each.images]
    triplets = []
    first = 0
    for number, each in enumerate(step):
        for row, (owner, name) in enumerate(images):
            if owner == number:
                negative = row >= first + 2
            elif each.landmark is None:
                negative = name in labelled
            else:
                negative = name not in each.landmark.shown
            if negative:
                triplets.append((first, first + 1, row))
        first += len(each.images)
    return np.array(triplets, dtype=np.int64)
