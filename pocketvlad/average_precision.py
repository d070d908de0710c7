"""Average precision as the Oxford Buildings program computes it.

Source: the arithmetic of the official evaluation program of Philbin et al. (CVPR 2007): junk is
skipped without advancing the rank, and precision is integrated over recall by the trapezium rule.
It is not the average precision of scikit-learn, which integrates by rectangles.
"""

from collections.abc import Collection, Iterable


def average_precision(
    ranking: Iterable[str], positives: Collection[str], junk: Collection[str] = ()
) -> float:
    """Average precision of one ranked list, in [0, 1].

    Args:
        ranking: image names, best first. It may stop early: what it does not name is not found.
        positives: the names to be found (good and ok).
        junk: names that count neither as right nor as wrong. A name that is in both lists is
            positive, as in the official program.

    Raises:
        ValueError: there are no positives, for then the figure is not defined.
    """
    positives = frozenset(positives)
    ignored = frozenset(junk) - positives
    if not positives:
        raise ValueError("average precision needs at least one positive; leave such queries out")
    total, recall, precision = 0.0, 0.0, 1.0
    hits = rank = 0
    for name in ranking:
        if name in ignored:
            continue
        rank += 1
        hits += name in positives
        new_recall, new_precision = hits / len(positives), hits / rank
        total += (new_recall - recall) * (precision + new_precision) / 2
        recall, precision = new_recall, new_precision
        if hits == len(positives):
            break  # recall stays 1: nothing further adds area
    return total
