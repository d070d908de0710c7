"""Average precision as the Oxford Buildings program computes it.

Source: the arithmetic of the official evaluation program of Philbin et al. (CVPR 2007): junk is
skipped without advancing the rank, and precision is integrated over recall by the trapezium rule.
It is not the average precision of scikit-learn, which integrates by rectangles.
"""

from collections.abc import Collection, Iterable, Iterator


def _judged(
    ranking: Iterable[str], positives: Collection[str], junk: Collection[str]
) -> Iterator[bool]:
    """Whether each image of the ranking is positive; junk is left out.

    Raises:
        ValueError: there are no positives, for then no score is defined.
    """
    if not positives:
        raise ValueError("average precision needs at least one positive; leave such queries out")
    ignored = frozenset(junk) - frozenset(positives)
    return (name in positives for name in ranking if name not in ignored)


def average_precision(
    ranking: Iterable[str], positives: Collection[str], junk: Collection[str] = ()
) -> float:
    """Average precision of one ranked list, in [0, 1].

    Args:
        ranking: image names, best first. It may stop early: what it does not name is not found.
        positives: the names to be found (good and ok).
        junk: names that count neither as right nor as wrong. A name that is in both lists is
            positive. (The official program skips it, so that it is never found.)

    Raises:
        ValueError: there are no positives; the score is not defined.
    """
    positives = frozenset(positives)
    total, recall, precision = 0.0, 0.0, 1.0
    hits = 0
    for rank, right in enumerate(_judged(ranking, positives, junk), start=1):
        hits += right
        new_recall, new_precision = hits / len(positives), hits / rank
        total += (new_recall - recall) * (precision + new_precision) / 2
        recall, precision = new_recall, new_precision
        if hits == len(positives):
            break  # recall stays 1: nothing further adds area
    return total


def precision_at(
    rank: int, ranking: Iterable[str], positives: Collection[str], junk: Collection[str] = ()
) -> float:
    """Share of positives among the first `rank` images that count, in [0, 1].

    Where the last positive stands before `rank`, only the images up to it count, as in the
    evaluation of Revisited Oxford and Paris (Radenovic et al., CVPR 2018).

    Raises:
        ValueError: there are no positives.
    """
    positives = frozenset(positives)
    hits = last = 0
    for place, right in enumerate(_judged(ranking, positives, junk), start=1):
        if place > rank or hits == len(positives):
            break
        hits += right
        last = place
    return hits / last if hits else 0.0
