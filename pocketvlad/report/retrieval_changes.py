"""Which queries compression broke or mended, and what each model found for them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from pocketvlad.data.query import Query

MARKED = 10.0  # points of average precision: a query that changes by so many counts as changed
BROKEN, MENDED, KEPT = "broken", "mended", "kept"


def _outcome(change: float) -> str:
    if abs(change) < MARKED:
        return KEPT
    return BROKEN if change < 0 else MENDED


def query_changes(
    queries: Sequence[Query], base: Mapping[str, float], compressed: Sequence[Mapping[str, float]]
) -> pd.DataFrame:
    """A line a query, those that changed most first.

    Columns: query, landmark, ap_base, ap_1 ... ap_n (in %), change (in points, of the compressed
    model that changed it most; below 0 it found less), outcome (broken, mended or kept).

    Args:
        queries: those without a score are left out.
        base, compressed: average precision in % of each query by its name.
    """
    lines = []
    for query in queries:
        if query.name not in base:
            continue
        before = base[query.name]
        after = [scores[query.name] for scores in compressed]
        change = max((each - before for each in after), key=abs, default=0.0)
        lines.append(
            {
                "query": query.name,
                "landmark": query.landmark,
                "ap_base": before,
                **{f"ap_{place}": each for place, each in enumerate(after, start=1)},
                "change": change,
                "outcome": _outcome(change),
            }
        )
    table = pd.DataFrame(lines)
    return table.sort_values(
        "change", key=lambda column: -column.abs(), kind="stable", ignore_index=True
    )


def one_a_landmark(changes: pd.DataFrame) -> pd.DataFrame:
    """The query of each landmark that changed most; the order is kept."""
    return changes.drop_duplicates("landmark", ignore_index=True)


def verdict(query: Query, image: str) -> str:
    """What an answer is to a query: "good", "ok", "junk" or "wrong"."""
    lists = {"good": query.good, "ok": query.ok, "junk": query.junk}
    return next((name for name, images in lists.items() if image in images), "wrong")
