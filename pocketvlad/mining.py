"""Choosing tuples of anchor, positive and hard negatives from cached descriptors.

NetVLAD's weakly supervised mining (Arandjelovic et al. 2016, section 4), with landmarks in place
of GPS positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.landmarks import Landmark


@dataclass(frozen=True)
class TrainingTuple:
    """Image names: one anchor, one image of the same landmark, several of other places."""

    anchor: str
    positive: str
    negatives: tuple[str, ...]

    @property
    def images(self) -> tuple[str, ...]:
        return (self.anchor, self.positive, *self.negatives)


def mine_tuples(
    training: Sequence[Landmark],
    names: Sequence[str],
    descriptors: np.ndarray,
    *,
    count: int,
    negatives: int,
    nearest_positives: int,
    generator: np.random.Generator,
) -> list[TrainingTuple]:
    """`count` tuples, the landmarks taking turns, in random order.

    Args:
        names: N cached image names.
        descriptors: [N, D], unit length.
        negatives: how many hardest negatives (largest inner product) each anchor gets.
        nearest_positives: the positive is drawn from this many nearest images of the anchor's
            landmark; the farther ones may show another side of the building.

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
    tuples = []
    for turn in range(count):
        landmark, positives = usable[turn % len(usable)]
        anchor = positives[generator.integers(len(positives))]
        similarity = descriptors @ descriptors[row[anchor]]
        others = sorted(
            (name for name in positives if name != anchor), key=lambda n: -similarity[row[n]]
        )[:nearest_positives]
        positive = others[generator.integers(len(others))]
        order = np.argsort(-similarity, kind="stable")
        hardest = [names[index] for index in order if names[index] not in landmark.shown]
        if not hardest:
            raise ValueError(f"every cached image shows landmark {landmark.name}: no negatives")
        tuples.append(TrainingTuple(anchor, positive, tuple(hardest[:negatives])))
    generator.shuffle(tuples)
    return tuples
