"""The protocol of Revisited Oxford and Paris (Radenovic et al., CVPR 2018): lists of easy, hard and
junk images, and three difficulties. The official files are pickles; a table of one's own will do,
its `good` then meaning easy and its `ok` hard."""

from pocketvlad.data.protocols import Protocol
from pocketvlad.data.query import Judgement, Query


def _easy(query: Query) -> Judgement:
    return Judgement(frozenset(query.good), frozenset(query.ok) | frozenset(query.junk))


def _medium(query: Query) -> Judgement:
    return Judgement(query.positives, frozenset(query.junk) - query.positives)


def _hard(query: Query) -> Judgement:
    return Judgement(frozenset(query.ok), frozenset(query.good) | frozenset(query.junk))


PROTOCOL = Protocol(
    difficulties={"easy": _easy, "medium": _medium, "hard": _hard},
    headline="medium",
    fits=lambda path: path.suffix.lower() in (".pkl", ".csv"),
    outside=True,
    labels=("easy", "hard"),
)
