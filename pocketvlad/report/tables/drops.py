"""Drops with their intervals as texts, by the official queries and the dense."""

from collections.abc import Sequence
from math import isnan, nan

import pandas as pd

from pocketvlad.report.score_columns import DENSE, MEAN, QuerySet
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.scoring.bootstrap import Drop

DROPS = (
    "Drops are percentage points of mAP below the base model of the same seed on the same city; in "
    "square brackets their 95 % intervals, which allow for the landmarks that queries share. "
    "Dense: every labelled photograph, whole, asks for the others of its landmark. Without that "
    "word, the queries are the official ones."
)
"""What a table's reader is told."""


def interval(drop: Drop) -> str:
    """Both ends in square brackets."""
    return f"[{fixed(drop.low, 1)}, {fixed(drop.high, 1)}]"


def spread_text(spread: float) -> str:
    """The standard deviation over seeds; "" of one seed, which has none."""
    return "" if isnan(spread) else f"± {fixed(spread, 1)}"


def drop_text(drop: Drop, spread: float = nan) -> str:
    """The mean, its spread over seeds if there are several, then the interval.

    >>> drop_text(Drop(mean=0.3, low=-0.04, high=0.8))
    '0.3 [0.0, 0.8]'
    >>> drop_text(Drop(mean=0.3, low=-0.04, high=0.8), spread=0.25)
    '0.3 ± 0.2 [0.0, 0.8]'
    """
    texts = fixed(drop.mean, 1), spread_text(spread), interval(drop)
    return " ".join(filter(None, texts))


def drop_names(queries: QuerySet, cities: Sequence[str]) -> list[str]:
    """Of the drop on each city, and of their mean, in a reader's words."""
    dense = "dense " if queries == DENSE else ""
    return [*(f"{dense}drop {city}" for city in cities), f"{dense}drop, mean"]


def drop_headings(sets: Sequence[QuerySet], cities: Sequence[str]) -> list[str]:
    """With the unit."""
    return [f"{name} (points)" for queries in sets for name in drop_names(queries, cities)]


def drop_entries(
    line: pd.Series, sets: Sequence[QuerySet], cities: Sequence[str], bare: bool = False
) -> list[str]:
    """What stands under `drop_headings`; bare: without intervals, of a base model."""
    drops = [queries.drop_of(line, name) for queries in sets for name in (*cities, MEAN)]
    return [fixed(drop.mean, 1) if bare else drop_text(drop) for drop in drops]
