"""What a query's ranking is held against, by the protocol of its data set.

Original (Philbin et al., CVPR 2007 and 2008): find good and ok, skip junk. Revisited (Radenovic et
al., CVPR 2018): lists of easy, hard and junk images, and three difficulties. A `Query` holds easy
images as `good` and hard ones as `ok`, so that the original rule is Medium.
"""

from dataclasses import dataclass
from pathlib import PurePath

from pocketvlad.data.dataset import Query

ALL = "all"
DIFFICULTIES = {"original": (ALL,), "revisited": ("easy", "medium", "hard")}
HEADLINES = (ALL, "medium")
"""The difficulty whose mAP stands for the whole in tables: of either protocol, one is here."""


def protocols_of_file(path: PurePath) -> tuple[str, ...]:
    """The protocols that a ground truth is for, by its file's suffix.

    The lists of one say nothing in the other: good and ok are not easy and hard, and a query whose
    image is not in its own lists would find it first and be wrong. A table of one's own may be
    for either, its `good` then meaning easy and its `ok` hard.
    """
    if path.suffix == ".csv":
        return ("original", "revisited")
    return ("revisited",) if path.suffix == ".pkl" else ("original",)


@dataclass(frozen=True)
class Judgement:
    """Images to find, and images that count neither as right nor as wrong."""

    positives: frozenset[str]
    ignored: frozenset[str]


def judge(query: Query, difficulty: str) -> Judgement:
    """The images of `query` at one of DIFFICULTIES; there may be none to find."""
    good, ok, junk = frozenset(query.good), frozenset(query.ok), frozenset(query.junk)
    if difficulty == "easy":
        return Judgement(good, ok | junk)
    if difficulty == "hard":
        return Judgement(ok, good | junk)
    return Judgement(good | ok, junk - good - ok)
