"""From one JSON row a model file to the study's table."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from pocketvlad.compression.recipes import BASE, COLUMNS, KINDS, STATES, columns_of
from pocketvlad.format.roles import Part
from pocketvlad.networks.weights.sources import weights_name
from pocketvlad.report.best_cells import mark_best
from pocketvlad.report.score_columns import DENSE, query_counts, score_columns
from pocketvlad.util.size import MEBIBYTE, MEGABYTE, float32_bytes

_EARLIER = [version for version in STATES if version != BASE]
_TEXTS = {name: str for name, kind in COLUMNS.items() if kind is str}
_NUMBERS = {name: "Int64" for name, kind in COLUMNS.items() if kind is int}  # blank here and there


def read_rows(paths: Iterable[Path | str]) -> list[dict]:
    return [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]


def _by_cell(rows: Iterable[dict]) -> dict[tuple[str, str], dict[str, dict]]:
    """(model, version) -> the row of each test city."""
    cells: dict[tuple[str, str], dict[str, dict]] = {}
    for row in rows:
        key = row["model"], row["version"]
        directions = cells.setdefault(key, {})
        if row["test_city"] in directions:
            raise ValueError(f"two rows for {key} tested on {row['test_city']}")
        directions[row["test_city"]] = row
    return cells


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


def results_table(rows: Iterable[dict], cities: Sequence[str]) -> pd.DataFrame:
    """One line a base model and a cell; see results/README.md for the columns.

    Args:
        rows: the JSON rows of base models and cells, both directions of each.
        cities: the two roles. `map_<city>` is the score on that city, by the model that was
            trained on the other.

    Raises:
        ValueError: a cell lacks a direction, its base model is missing, or the two saw pixels
            prepared in different ways.
    """
    cells = _by_cell(row for row in rows if row["version"] not in _EARLIER)
    lines = []
    for cell, directions in cells.items():
        model, version = cell
        missing = [city for city in cities if city not in directions]
        base = cells.get((model, BASE), {})
        if missing or set(base) != set(cities):
            raise ValueError(f"cell {cell}: no row for {missing or 'its base'}")
        _check_preprocessing(cell, directions.values(), base[cities[0]]["preprocessing"])
        line = {
            "model": model,
            "version": version,
            **_recipe_columns(version),
            "pruned_percent": _mean(directions, lambda row: row["pruned_percent"]["total"]),
        }
        line |= score_columns(base, directions, cities)
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
        for part in Part:
            # A part without weights, such as a mean, has no share.
            line[f"pruned_percent_{part}"] = _mean(
                directions, lambda row, part=part: row["pruned_percent"].get(part, float("nan"))
            )
        line["parameters"] = some["parameters"]
        line["threshold_mode"] = some["threshold_mode"]
        line["seed"] = some["seed"]
        line |= {f"protocol_{key}": value for key, value in some["protocol"].items()}
        line["evaluation"] = some["test_dataset"]["protocol"]
        line["weights"] = weights_name(some["weights"])
        computed = {row["computed_on"] for row in directions.values()}
        line["computed_on"] = "; ".join(sorted(computed))
        line["preprocessing"] = preprocessing_text(some["preprocessing"])
        for city in cities:
            counts = directions[city]["test_dataset"]
            line[f"dataset_{city}"] = counts["name"]
            line[f"images_{city}"] = counts["images"]
            line[f"queries_{city}"] = counts["queries"]
            line |= query_counts(directions[city], city)
        lines.append(line)
    return _in_order(mark_best(pd.DataFrame(lines).astype(_NUMBERS)))


def read_table(path: Path | str) -> pd.DataFrame:
    """The study's `table.csv`. What recipes have in texts, such as thresholds, is read as text, and
    is "" where it does not apply; a number that does not apply is missing."""
    parts = [f"pruned_percent_{part}" for part in Part]
    blank = {name: [""] for name in (*_NUMBERS, "paper_memory_mb", "paper_ratio", *parts)}
    return pd.read_csv(path, dtype=_TEXTS | _NUMBERS, keep_default_na=False, na_values=blank)


def baselines_table(rows: Iterable[dict], cities: Sequence[str]) -> pd.DataFrame:
    """mAP in % of the colour histogram and of each network's states before compression, a city,
    of the official queries and, where each row has some, of the dense.

    untrained: random convolutions. initial: what training starts from. trained: the base model.
    """
    names = {"untrained": "untrained", "initial": "initial", "base": "trained"}
    rows = list(rows)
    keys = [key for key in ("map", DENSE.key("map")) if all(key in row for row in rows)]
    lines: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        histogram = row["model"] == "histogram"
        key = ("colour histogram", "") if histogram else (row["model"], names[row["version"]])
        for name in keys:
            lines.setdefault(key, {})[f"{name}_{row['test_city']}"] = 100 * row[name]
    return pd.DataFrame(
        [
            {"model": model, "state": state}
            | {f"{key}_{city}": maps[f"{key}_{city}"] for key in keys for city in cities}
            for (model, state), maps in lines.items()
        ]
    )
