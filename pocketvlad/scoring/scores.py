"""The scores of a data set's queries, by difficulty: average precision and precision at k."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.protocols import protocol_named
from pocketvlad.data.query import Query
from pocketvlad.scoring.average_precision import average_precision, precision_at

RANKS = (1, 5, 10)


def mean(scores: Mapping[str, float]) -> float:
    """The mean over the queries, as a fraction: of average precision, mAP."""
    return float(np.mean(list(scores.values())))


@dataclass(frozen=True)
class Scores:
    """By query's name; queries without positives at this difficulty are left out.

    precision: at each of RANKS.
    """

    average_precision: dict[str, float]
    precision: dict[int, dict[str, float]]

    def summary(self) -> dict[str, float]:
        """mAP, mP@k and the number of queries."""
        return {
            "map": mean(self.average_precision),
            **{f"mp_at_{rank}": mean(by_query) for rank, by_query in self.precision.items()},
            "queries": len(self.average_precision),
        }


def score_rankings(
    queries: Sequence[Query], rankings: Iterable[Sequence[str]], protocol: str = "original"
) -> dict[str, Scores]:
    """Scores of every query by difficulty. A difficulty at which no query has a positive is left
    out: of one's own lists, none may be hard.

    Args:
        rankings: of each query, in their order: image names, best first.
        protocol: see `data.protocols`.

    Raises:
        ValueError: no query has a positive at the protocol's headline difficulty.
    """
    chosen = protocol_named(protocol)
    rules, headline = chosen.difficulties, chosen.headline
    found = {name: Scores({}, {rank: {} for rank in RANKS}) for name in rules}
    for query, ranking in zip(queries, rankings, strict=True):
        for difficulty, scores in found.items():
            judgement = rules[difficulty](query)
            if not judgement.positives:
                continue
            lists = (ranking, judgement.positives, judgement.ignored)
            scores.average_precision[query.name] = average_precision(*lists)
            for rank, by_query in scores.precision.items():
                by_query[query.name] = precision_at(rank, *lists)
    if not found[headline].average_precision:
        raise ValueError(f"no query has a positive at difficulty {headline!r}")
    return {name: scores for name, scores in found.items() if scores.average_precision}


def score_row(scores: Mapping[str, Scores], protocol: str) -> dict[str, object]:
    """What a results row says of the scores.

    `map` and `average_precision` (by query) are those of the protocol's headline difficulty;
    `difficulties` has the summary of each.
    """
    headline = scores[protocol_named(protocol).headline]
    return {
        "map": mean(headline.average_precision),
        "average_precision": headline.average_precision,
        "difficulties": {name: each.summary() for name, each in scores.items()},
    }
