"""What a query's ranking is held against, by the protocol of its data set.

Original (Philbin et al., CVPR 2007 and 2008): find good and ok, skip junk. Revisited (Radenovic et
al., CVPR 2018): lists of easy, hard and junk images, and three difficulties. A `Query` holds easy
images as `good` and hard ones as `ok`, so that the original rule is Medium.
"""

from dataclasses import dataclass

from pocketvlad.dataset import Query

ALL = "all"
DIFFICULTIES = {"original": (ALL,), "revisited": ("easy", "medium", "hard")}
HEADLINES = (ALL, "medium")
"""The difficulty whose mAP stands for the whole in tables: of either protocol, one is here."""


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
