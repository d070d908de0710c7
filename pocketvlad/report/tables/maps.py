"""The table of maps: what model and map weigh together, and what each code loses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

import pandas as pd

from pocketvlad.compression.recipes import BASE
from pocketvlad.maps.map_code import EXACT
from pocketvlad.report.basis import all_queries, with_seeds
from pocketvlad.report.score_columns import (
    DENSE,
    MEAN,
    QuerySet,
    alone,
    query_counts,
    query_sets,
    score_columns,
)
from pocketvlad.report.tables.drops import DROPS, drop_names, interval
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.tables.parts import (
    MARKS,
    NO_DROP,
    Block,
    Column,
    Entry,
    Layout,
    Line,
)
from pocketvlad.report.tables.test_sets import (
    test_set_entries,
    test_set_headings,
    test_set_sentences,
)
from pocketvlad.report.test_set_columns import TestSetScores, by_test_set, columns_of_test_set
from pocketvlad.util.size import MEGABYTE

_BEST = MARKS["best_no_drop"]
_LEGEND = (
    (
        _BEST,
        "the least bytes of model and map at no drop, of the model's files and codes, with as many "
        "places as the test city has",
    ),
    (
        NO_DROP,
        "no drop, of model and code together: by the dense queries where there are any, the "
        "interval of the mean drop is not above 0, and the mean is at most half a point",
    ),
)
_EXPLANATION = (
    f"{DROPS} The base model's map keeps float32 descriptors. A map's bytes are its codes and what "
    "decodes them, without names; the model's are those of its file, in millions, the mean of both "
    "directions. The ratio is that of model and map to the model alone, with as many places as the "
    "test city has photographs. Larger maps are computed, not searched. Codes are learnt on the "
    "training city alone. Times are those of one core, the mean of both directions: to encode a "
    "place, and to search all places of the test city for one query, decoding included."
)


def total_column(places: int) -> str:
    """The column with the megabytes of model and map together."""
    return f"total_mb_{places}"


def is_exact(table: pd.DataFrame) -> pd.Series:
    """Whether a line is of a base model with a map of float32 descriptors, as drops refer to."""
    return (table["version"] == BASE) & (table["code"] == EXACT)


def _map_bytes(row: Mapping[str, object], places: int) -> int:
    """Bytes of a map of so many places: codes, and what decodes them.

    Args:
        row: as the job `code_maps` writes it.
    """
    return row["place_bytes"] * places + row["parameter_bytes"]


def coded_test_sets(
    rows: Iterable[Mapping], names: Sequence[str], cities: Sequence[str]
) -> list[TestSetScores]:
    """Rows of test sets, a version there being a model file and a code.

    Args:
        names: the test sets.  cities: the two that models are trained on.

    Raises:
        ValueError: two rows are of one training.
    """
    told_apart = ({**row, "version": _coded(row)} for row in rows)
    return by_test_set(told_apart, names, cities)


def _coded(row: Mapping) -> str:
    return f"{row['version']} {row['code']}"


_REFERENCE = f"{BASE} {EXACT}"


def _line(
    base: dict[str, dict],
    found: dict[str, dict],
    cities: Sequence[str],
    places: Sequence[int],
    test_sets: Sequence[TestSetScores],
) -> dict[str, object]:
    some = found[cities[0]]
    models = [found[city]["file_bytes"] for city in cities]
    maps = [_map_bytes(found[city], found[city]["places"]) for city in cities]
    line: dict[str, object] = {key: some[key] for key in ("model", "version", "code")}
    line |= {
        "place_bytes": fmean(found[city]["place_bytes"] for city in cities),
        "file_mb": fmean(models) / MEGABYTE,
        "map_mb": fmean(maps) / MEGABYTE,
        "total_mb": (fmean(models) + fmean(maps)) / MEGABYTE,
        "total_ratio": 1 + sum(maps) / sum(models),
    }
    for number in places:
        sizes = [_map_bytes(found[city], number) for city in cities]
        line[total_column(number)] = (fmean(models) + fmean(sizes)) / MEGABYTE
    line |= score_columns(alone(base), alone(found), cities)
    for cost in ("encode_ms", "search_ms"):
        line[cost] = fmean(found[city][cost] for city in cities)
    for city, size in zip(cities, maps, strict=True):
        row = found[city]
        line |= {f"{key}_{city}": row[key] for key in ("places", "place_bytes", "parameter_bytes")}
        line |= {f"map_bytes_{city}": size, f"file_bytes_{city}": row["file_bytes"]}
        line[f"queries_{city}"] = len(row["average_precision"])
        line |= query_counts(row, city)
    line["seed"] = some["seed"]
    for scores in test_sets:
        line |= columns_of_test_set(scores, some["model"], _REFERENCE, _coded(some), [some["seed"]])
    line["computed_on"] = "; ".join(sorted({row["computed_on"] for row in found.values()}))
    return line


def maps_table(
    rows: Iterable[dict],
    cities: Sequence[str],
    places: Sequence[int],
    test_sets: Sequence[TestSetScores] = (),
) -> pd.DataFrame:
    """One line a model file and code, by model, then by version and code in the order of `rows`.

    See results/README.md for the columns.

    Args:
        rows: JSON rows, both directions of each, all of one seed.
        cities: the two roles.
        places: sizes of maps for which model and map are weighed together.
        test_sets: as `coded_test_sets` gives them; no code is marked by them.

    Raises:
        ValueError: a direction is missing, or there twice.
    """
    found: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in rows:
        directions = found.setdefault((row["model"], row["version"], row["code"]), {})
        if row["test_city"] in directions:
            raise ValueError(f"two rows of {row['code']} of {row['version']}; give those of a seed")
        directions[row["test_city"]] = row
    lines = []
    for (model, version, code), directions in found.items():
        if missing := set(cities) - directions.keys():
            raise ValueError(f"map code {code} of {model}, {version}: not tested on {missing}")
        lines.append(_line(found[model, BASE, EXACT], directions, cities, places, test_sets))
    table = pd.DataFrame(lines).sort_values("model", kind="stable", ignore_index=True)
    if not table["computed_on"].str.contains("onnxruntime").any():
        table = table.drop(columns="computed_on")  # by torch, as everything else
    least = table[table["no_drop"]].groupby("model")["total_mb"].idxmin()
    return table.assign(best_no_drop=table.index.isin(least))


def _columns(table: pd.DataFrame, sets: Sequence[QuerySet], cities: Sequence[str]) -> list[Column]:
    """All columns of the page."""
    names = ("bytes a place", "code", "of")
    totals = [name for name in table.columns if name.startswith(total_column(""))]
    sizes = [int(name.removeprefix(total_column(""))) for name in totals]
    columns = [Column(name, names_row=True) for name in names]
    columns += [Column("model", "MB"), Column("map", "MB"), Column("model + map", "MB")]
    columns += [Column("to the model")]
    columns += [Column(f"model + map of {size:,}", "MB") for size in sizes]
    for queries in sets:
        columns += [Column(name, "points") for name in drop_names(queries, cities)]
    for queries in sets:
        dense = "dense " if queries == DENSE else ""
        columns += [Column(f"{dense}mAP {city}", "%") for city in cities]
    return [*columns, Column("encode", "ms"), Column("search", "ms")]


def _entries(
    line: pd.Series, sets: Sequence[QuerySet], cities: Sequence[str], exact: bool
) -> Iterator[Entry]:
    yield from (Entry(fixed(line["place_bytes"], 0)), Entry(line["code"]), Entry(line["version"]))
    yield Entry(fixed(line["file_mb"], 3))
    yield Entry(fixed(line["map_mb"], 3))
    yield Entry(fixed(line["total_mb"], 3), marks=_BEST if line["best_no_drop"] else "")
    yield Entry(f"{fixed(line['total_ratio'], 2)}x")
    for name in line.index[line.index.str.startswith(total_column(""))]:
        yield Entry(fixed(line[name], 2))
    for queries in sets:
        for name in (*cities, MEAN):
            drop = queries.drop_of(line, name)
            judged = name == MEAN and queries == sets[-1]
            marks = NO_DROP if judged and line["no_drop"] else ""
            yield Entry(fixed(drop.mean, 1), "" if exact else interval(drop), marks=marks)
    for queries in sets:
        for city in cities:
            yield Entry(fixed(line[queries.key(f"map_{city}")], 1))
    yield Entry(fixed(line["encode_ms"], 3))
    yield Entry(fixed(line["search_ms"], 2))


def maps_layout(
    table: pd.DataFrame, cities: Sequence[str], title: str, test_sets: Sequence[str] = ()
) -> Layout:
    """A block a model, a row a model file and code.

    Args:
        table: as `maps_table` gives it.
        test_sets: the roles of those beyond the two cities; their columns come last.
    """
    sets = query_sets(table.columns)
    blocks = []
    for model, lines in table.groupby("model", sort=False):
        exact = is_exact(lines)
        rows = (
            Line(
                (
                    *_entries(line, sets, cities, exact[number]),
                    *test_set_entries(line, test_sets, exact[number]),
                )
            )
            for number, line in lines.iterrows()
        )
        blocks.append(Block(model, tuple(rows)))
    seed = with_seeds(str(table["seed"].iloc[0]))
    places = ", ".join(f"{table[f'places_{city}'].iloc[0]:,} in {city}" for city in cities)
    return Layout(
        title,
        (f"Places of the test cities: {places}.",),
        (*_columns(table, sets, cities), *test_set_headings(table, test_sets)),
        tuple(blocks),
        _LEGEND,
        (
            _EXPLANATION,
            all_queries(table.iloc[0], sets, cities),
            f"Every row is of {seed}, in each direction one; the intervals do not allow for other "
            "trainings.",
            *test_set_sentences(table, test_sets, cities),
        ),
        rows="a row a model file and map code",
    )
