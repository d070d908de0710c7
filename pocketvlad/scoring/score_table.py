"""Scores for readers: a line a landmark, a row a query."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from tabulate import tabulate

from pocketvlad.data.query import Query
from pocketvlad.scoring.scores import RANKS, Scores


def query_table(queries: Sequence[Query], scores: Mapping[str, Scores]) -> pd.DataFrame:
    """A row a query and difficulty: average precision and precision at each of RANKS (fractions).

    Queries without positives at a difficulty have no row for it.
    """
    return pd.DataFrame(
        [
            {
                "query": query.name,
                "landmark": query.landmark,
                "difficulty": difficulty,
                "average_precision": each.average_precision[query.name],
                **{f"precision_at_{k}": each.precision[k][query.name] for k in RANKS},
            }
            for difficulty, each in scores.items()
            for query in queries
            if query.name in each.average_precision
        ]
    )


def landmark_table(queries: Sequence[Query], scores: Mapping[str, Scores]) -> str:
    """mAP in % of each landmark's queries, then of all, with mP@k in % where it is official.

    A line below says so where some queries have nothing to be found at a difficulty.
    """
    members: dict[str, list[str]] = {}
    for query in queries:
        members.setdefault(query.landmark, []).append(query.name)
    several = len(scores) > 1

    def average(values: Mapping[str, float], names: Sequence[str]) -> float | None:
        there = [values[name] for name in names if name in values]
        return 100 * float(np.mean(there)) if there else None

    everything = [query.name for query in queries]
    lines = [*sorted(members.items()), ("all", everything)]
    rows = [
        [
            landmark,
            len(names),
            *(average(each.average_precision, names) for each in scores.values()),
        ]
        for landmark, names in lines
    ]
    if several:
        for k in RANKS:
            means = [average(each.precision[k], everything) for each in scores.values()]
            rows.append([f"all: mP@{k}", len(everything), *means])
    headings = [f"mAP {name}" for name in scores] if several else ["mAP"]
    table = tabulate(rows, ["landmark", "queries", *headings], floatfmt=".2f", missingval="-")
    fewer = [
        f"{name}: {len(each.average_precision)} of {len(everything)} queries have images to be "
        "found; the others do not count"
        for name, each in scores.items()
        if len(each.average_precision) < len(everything)
    ]
    return "\n".join([table, *fewer])
