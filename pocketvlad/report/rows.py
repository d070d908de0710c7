"""From one JSON row a model file to the study's table."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd

from pocketvlad.compression.recipes import BASE, COLUMNS, KINDS, STATES, columns_of
from pocketvlad.format.roles import Part
from pocketvlad.networks.weights.sources import weights_name
from pocketvlad.report.best_cells import mark_best
from pocketvlad.report.names import HISTOGRAM
from pocketvlad.report.recall_columns import has_recall, recall_column
from pocketvlad.report.score_columns import (
    DENSE,
    SPREAD,
    alone,
    query_counts,
    row_sets,
    score_columns,
    spread_columns,
)
from pocketvlad.report.test_set_columns import TestSetScores, cell_columns
from pocketvlad.util.size import MEBIBYTE, MEGABYTE, float32_bytes

_EARLIER = [version for version in STATES if version != BASE]
_TEXTS = {name: str for name, kind in COLUMNS.items() if kind is str}
_NUMBERS = {name: "Int64" for name, kind in COLUMNS.items() if kind is int}  # blank here and there

_MEASURED = (
    "pruned_percent",
    "paper_memory_mb",
    "file_",
    "ratio",
    "paper_ratio",
    "projection_bytes_percent",
    "length_",
)
"""How names of columns begin that depend on the seed, beside the scores."""


def read_rows(paths: Iterable[Path | str]) -> list[dict]:
    return [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]


Training = tuple[str, str, int]
"""Model, version and seed: of these there is a row a test city."""
Directions = dict[str, dict]
"""The rows of one training, by test city."""


def _by_training(rows: Iterable[dict]) -> dict[Training, Directions]:
    trainings: dict[Training, Directions] = {}
    for row in rows:
        key = row["model"], row["version"], row["seed"]
        directions = trainings.setdefault(key, {})
        if row["test_city"] in directions:
            raise ValueError(f"two rows for {key} tested on {row['test_city']}")
        directions[row["test_city"]] = row
    return trainings


def _mean(directions: dict[str, dict], pick) -> float:
    return sum(pick(row) for row in directions.values()) / len(directions)


def _recipe_columns(version: str) -> dict[str, object]:
    """COLUMNS of one line, blank where they do not apply.

    Raises:
        ValueError: the version is neither the base model nor a recipe.
    """
    known = columns_of(version)
    if not known:
        raise ValueError(f"version {version!r} names no recipe; the kinds are {', '.join(KINDS)}")
    return {name: known.get(name, "" if kind is str else None) for name, kind in COLUMNS.items()}


def _paper_memory(directions: dict[str, dict]) -> float:
    """The mean by the paper's way to count; missing where it does not apply."""
    found = [row["paper_memory_mb"] for row in directions.values()]
    return float("nan") if None in found else sum(found) / len(found)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Of each model the base model first, then kind by kind, each in its own order."""
    blocks = [table[table["version"] == BASE]]
    for kind in filter(lambda kind: kind.TABULATED, KINDS.values()):
        lines = table[table["recipe"] == kind.NAME]
        ascending = list(kind.ORDER.values())
        blocks.append(lines.sort_values(list(kind.ORDER), ascending=ascending, kind="stable"))
    ordered = pd.concat([block for block in blocks if len(block)])
    return ordered.sort_values("model", kind="stable", ignore_index=True)


def _check_preprocessing(cell: tuple, rows: Iterable[dict], expected: dict) -> None:
    """Check that both directions of a cell have the preprocessing of its base models; otherwise
    their scores cannot be compared."""
    for row in rows:
        if row["preprocessing"] != expected:
            raise ValueError(
                f"cell {cell}, tested on {row['test_city']}: preprocessing {row['preprocessing']} "
                f"found, its base model has {expected}; delete its score and run again"
            )


def preprocessing_text(preprocessing: dict) -> str:
    """The mean and the deviation of R, G and B, for a table's cell."""
    mean, std = (" ".join(f"{x:g}" for x in preprocessing[part]) for part in ("mean", "std"))
    return f"mean {mean} std {std}"


def _line(training: Training, base: Directions, directions: Directions, cities: Sequence[str]):
    """What the rows of one training say, as columns."""
    model, version, seed = training
    line: dict[str, object] = {
        "model": model,
        "version": version,
        **_recipe_columns(version),
        "pruned_percent": _mean(directions, lambda row: row["pruned_percent"]["total"]),
    }
    line |= score_columns(alone(base), alone(directions), cities)
    line["paper_memory_mb"] = _paper_memory(directions)
    line["file_mb"] = _mean(directions, lambda row: row["file_bytes"] / MEGABYTE)
    some = directions[cities[0]]
    float32_size = float32_bytes(some["parameters"])
    line["ratio"] = float32_size / (line["file_mb"] * MEGABYTE)
    line["paper_ratio"] = float32_size / (line["paper_memory_mb"] * MEBIBYTE)
    line["projection_bytes_percent"] = _mean(
        directions, lambda row: 100 * row["bytes_by_part"]["projection"] / row["file_bytes"]
    )
    for city in cities:
        row = directions[city]
        line[f"pruned_percent_{city}"] = row["pruned_percent"]["total"]
        line[f"file_bytes_{city}"] = row["file_bytes"]
        line[f"ratio_{city}"] = row["ratio"]
        line[f"length_{city}"] = row["length"]
    for part in Part:
        # A part without weights, such as a mean, has no share.
        line[f"pruned_percent_{part}"] = _mean(
            directions, lambda row, part=part: row["pruned_percent"].get(part, float("nan"))
        )
    line["parameters"] = some["parameters"]
    line["threshold_mode"] = some["threshold_mode"]
    line["seed"] = seed
    line |= {f"protocol_{key}": value for key, value in some["protocol"].items()}
    line["evaluation"] = some["test_dataset"]["protocol"]
    line["weights"] = weights_name(some["weights"])
    line["computed_on"] = "; ".join(sorted({row["computed_on"] for row in directions.values()}))
    line["preprocessing"] = preprocessing_text(some["preprocessing"])
    for city in cities:
        counts = directions[city]["test_dataset"]
        line[f"dataset_{city}"] = counts["name"]
        line[f"images_{city}"] = counts["images"]
        line[f"queries_{city}"] = counts["queries"]
        line |= query_counts(directions[city], city)
    return line


def _mean_line(
    trained: Mapping[int, dict], scores: Mapping[str, object], cities: Sequence[str]
) -> dict[str, object]:
    """The line of a cell, of those of its seeds.

    Args:
        trained: the line of each seed.
        scores: as `score_columns` gives them of all of these trainings.

    Raises:
        ValueError: what does not depend on the seed differs.
    """
    lines, mean = list(trained.values()), {}
    spread = spread_columns(lines[0], cities)
    for name, value in lines[0].items():
        values = [line[name] for line in lines]
        if name == "seed":
            mean["seeds"] = " ".join(map(str, trained))
        elif name == "computed_on":
            mean[name] = "; ".join(sorted({each for text in values for each in text.split("; ")}))
        elif name in scores:
            mean[name] = scores[name]
        elif name.startswith(_MEASURED):
            mean[name] = round(fmean(values)) if isinstance(value, int) else fmean(values)
        elif any(each != value for each in values):
            found = ", ".join(f"{seed}: {line[name]!r}" for seed, line in trained.items())
            raise ValueError(
                f"cell {(lines[0]['model'], lines[0]['version'])}: {name} differs between seeds "
                f"({found}); delete the scores that are out of date and run again"
            )
        else:
            mean[name] = value
        if name in spread:
            mean[spread[name]] = stdev(values) if len(values) > 1 else float("nan")
    return mean


def results_tables(
    rows: Iterable[dict], cities: Sequence[str], test_sets: Sequence[TestSetScores] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The study's table, a line a base model and a cell, and a second one with a line for each of
    their seeds; see results/README.md for the columns.

    The line of a cell is the mean over its seeds. Each of its trainings is compared with the base
    model of the same seed, also where that has more seeds than the cell.

    Args:
        rows: the JSON rows of base models and cells, both directions of each, of all seeds.
        cities: the two roles. `map_<city>` is the score on that city, by the model that was
            trained on the other.
        test_sets: the scores on each test set beyond these. Its columns come last; no cell is
            marked by them.

    Raises:
        ValueError: a training lacks a direction, its base model is missing, the two saw pixels
            prepared in different ways, or seeds differ in what they must share.
    """
    trainings = _by_training(row for row in rows if row["version"] not in _EARLIER)
    lines: dict[tuple[str, str], dict[int, dict]] = {}
    for training, directions in trainings.items():
        model, version, seed = training
        missing = [city for city in cities if city not in directions]
        base = trainings.get((model, BASE, seed), {})
        if missing or set(base) != set(cities):
            raise ValueError(f"cell {training}: no row for {missing or 'its base'}")
        _check_preprocessing(training, directions.values(), base[cities[0]]["preprocessing"])
        line = _line(training, base, directions, cities)
        lines.setdefault((model, version), {})[seed] = line
    means = []
    seeds = dict.fromkeys(seed for each in lines.values() for seed in each)  # in the study's order
    for (model, version), trained in lines.items():
        [scores, *several] = trained.values()
        if several:
            base, other = (
                {city: [trainings[model, each, seed][city] for seed in trained] for city in cities}
                for each in (BASE, version)
            )
            scores = score_columns(base, other, cities)
        ordered = {seed: trained[seed] for seed in seeds if seed in trained}
        means.append(_mean_line(ordered, scores, cities))
    for scores in test_sets:
        for ((model, version), trained), mean in zip(lines.items(), means, strict=True):
            whole, each = cell_columns(scores, model, BASE, version, list(trained))
            mean.update(whole)
            for seed, line in trained.items():
                line.update(each[seed])
    seeds = dict.fromkeys(seed for _, _, seed in trainings)
    apart = [[trained[seed] for trained in lines.values() if seed in trained] for seed in seeds]
    return _table([means]), _table(apart)


def _table(groups: Iterable[list[dict]]) -> pd.DataFrame:
    """Of lines, the best cells of each group marked."""
    # A copy holds its many columns together: marking them one by one would be slow, and said so.
    marked = [mark_best(pd.DataFrame(lines).astype(_NUMBERS).copy()) for lines in groups]
    return _in_order(pd.concat(marked, ignore_index=True))


def read_table(path: Path | str) -> pd.DataFrame:
    """The study's `table.csv`, or `table_seeds.csv`.

    What recipes have in texts, such as thresholds, is read as text, and is "" where it does not
    apply; a number that does not apply is missing. Names of models and data sets are texts, even
    such as "50".
    """
    header = list(pd.read_csv(path, nrows=0))
    parts = [f"pruned_percent_{part}" for part in Part]
    spreads = [name for name in header if name.endswith(SPREAD)]
    names = (*_NUMBERS, "paper_memory_mb", "paper_ratio", *parts, *spreads)
    named = ["model", *(name for name in header if name.startswith("dataset_"))]
    texts = _TEXTS | _NUMBERS | dict.fromkeys(["seeds", *named], str)
    blank = {name: [""] for name in names}
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=blank)


def of_seed(by_seed: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The lines of one seed's trainings, as if the study had no other.

    Args:
        by_seed: `table_seeds.csv`, as `read_table` gives it.

    Raises:
        ValueError: the table has no line of the seed.
    """
    lines = by_seed[by_seed["seed"] == seed]
    if lines.empty:
        known = ", ".join(map(str, by_seed["seed"].unique()))
        raise ValueError(f"the table has no row of seed {seed}, only of {known}; run it again")
    return lines.assign(seeds=str(seed)).reset_index(drop=True)


def _state(row: dict) -> tuple[str, str]:
    """(model, in which state it is) of a row of a model before compression."""
    base = "trained" if row["epochs"] else "initial"
    return row["model"], base if row["version"] == BASE else row["version"]


def _tested_columns(rows: Sequence[dict], name: str) -> dict[str, float]:
    """Scores on one test set; means over training cities and seeds."""
    rows = [row for row in rows if row["test_city"] == name]
    columns = {
        f"{queries.key('map')}_{name}": fmean(100 * row[queries.key("map")] for row in rows)
        for queries in (row_sets(rows) if rows else [])
    }
    if rows and has_recall(rows):
        columns |= {
            recall_column(count, name): fmean(100 * row["recall"][count] for row in rows)
            for count in rows[0]["recall"]
        }
    return columns


def baselines_table(
    rows: Iterable[dict], cities: Sequence[str], test_sets: Sequence[str] = ()
) -> pd.DataFrame:
    """mAP in % of the colour histogram and of each network's states before compression, a city,
    of the official queries and, where each row has some, of the dense; means over seeds.

    untrained: random convolutions. initial: what training starts from, and the base model where
    nothing was trained. trained: any other base model.

    Args:
        rows: JSON rows on the cities and on test sets.
        test_sets: the roles of these. Their columns come last, with Recall@N where there is one.
    """
    rows = list(rows)
    on_cities = [row for row in rows if row["test_city"] in cities]
    keys = [key for key in ("map", DENSE.key("map")) if all(key in row for row in on_cities)]
    found: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        key = ("colour histogram", "") if row["model"] == HISTOGRAM else _state(row)
        found.setdefault(key, []).append(row)
    lines = []
    for (model, state), some in found.items():
        line = {"model": model, "state": state}
        for key, city in product(keys, cities):
            of_city = (100 * row[key] for row in some if row["test_city"] == city)
            line[f"{key}_{city}"] = fmean(of_city)
        seeds = dict.fromkeys(str(row["seed"]) for row in some if "seed" in row)
        line["seeds"] = " ".join(seeds)
        for name in test_sets:
            line |= _tested_columns(some, name)
        lines.append(line)
    return pd.DataFrame(lines)
