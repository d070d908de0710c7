"""The results for a terminal: a line a model file, no wider than the terminal.

Columns that do not fit are left out whole: of a number that is cut, another one is left.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.report.score_columns import DENSE, MEAN, OFFICIAL, QuerySet, judging
from pocketvlad.report.tables.fixed import fixed

_MARKS = {"best_no_drop": "*", "best_2_points": "+"}
_NOTES = "mAP in %, {} queries   * smallest at no drop   + smallest within 2 points"
_GAP = "  "


@dataclass(frozen=True)
class _Column:
    """heading and entries.  spare: the higher, the sooner it is left out where there is little
    room; of equal ones the last goes first."""

    heading: str
    entries: list[str]
    spare: int = 0
    left: bool = False

    @property
    def width(self) -> int:
        return max(map(len, [self.heading, *self.entries]))

    def cells(self) -> list[str]:
        place = str.ljust if self.left else str.rjust
        return [place(each, self.width) for each in [self.heading, *self.entries]]


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    """The first, and those of the others that fit into `width` beside it."""
    fitting = list(columns)
    while len(fitting) > 1 and sum(len(_GAP) + each.width for each in fitting) > width + len(_GAP):
        least = max(range(1, len(fitting)), key=lambda place: (fitting[place].spare, place))
        del fitting[least]
    return fitting


def _text(columns: Sequence[_Column], width: int) -> str:
    """Where even the first column is too wide, its names are cut."""
    rows = zip(*(each.cells() for each in _fitting(columns, width)), strict=True)
    return "\n".join(_GAP.join(row).rstrip()[:width] for row in rows)


def _lines(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _figures(lines: Iterable[Mapping[str, str]], column: str, digits: int) -> list[str]:
    """Empty where a line has none: not every model is scored on a test set."""
    return [fixed(float(line[column]), digits) if line[column] else "" for line in lines]


def _map_column(lines: Sequence[Mapping[str, str]], queries: QuerySet, city: str) -> _Column | None:
    """mAP on a city or a test set by these queries, or by the official ones of a test set that has
    no others; None where it has no mAP: of one of positions alone."""
    if (column := queries.key(f"map_{city}")) in lines[0]:
        return _Column(city, _figures(lines, column, 1), spare=2)
    if (column := OFFICIAL.key(f"map_{city}")) in lines[0]:
        return _Column(f"official {city}", _figures(lines, column, 1), spare=3)
    return None


def _marks(line: Mapping[str, str]) -> str:
    return "".join(mark for name, mark in _MARKS.items() if line.get(name) == "True")


def narrow_table(path: Path, width: int) -> str:
    """The table of a study, in megabytes and percent, by the queries that cells are judged by.

    Args:
        path: `table.csv` of a study.
    """
    lines = _lines(path)
    queries = judging(lines[0])
    cities = [
        _map_column(lines, queries, city)
        for name in lines[0]
        if (city := name.removeprefix("dataset_")) != name
    ]
    columns = [
        _Column("model", [line["model"] for line in lines], left=True),
        _Column("file", [line["version"] for line in lines], left=True),
        _Column("", list(map(_marks, lines)), left=True),
        _Column("MB", _figures(lines, "file_mb", 2)),
        _Column("smaller", [f"{float(line['ratio']):.1f}x" for line in lines], spare=1),
        *filter(None, cities),
        _Column("drop", _figures(lines, queries.drop(MEAN), 1)),
    ]
    notes = _NOTES.format("dense" if queries == DENSE else "official")
    return f"{_text(columns, width)}\n{notes[:width]}"


def narrow_baselines(path: Path, width: int) -> str:
    """mAP in percent before compression, of `baselines.csv`: official and dense queries."""
    lines = _lines(path)
    found = [name for name in lines[0] if name.startswith(("map_", "dense_map_"))]
    names = [" ".join(filter(None, (line["model"], line["state"]))) for line in lines]
    columns = [
        _Column("", names, left=True),
        *(
            _Column(name.replace("map_", "").replace("_", " "), _figures(lines, name, 1))
            for name in found
        ),
    ]
    return _text(columns, width)
