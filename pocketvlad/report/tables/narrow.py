"""The results for a terminal: a line a model file, no wider than the terminal."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.report.score_columns import MEAN, judging

_MARKS = {"best_no_drop": "*", "best_2_points": "+"}
_NOTES = "cities, drop: mAP in %   * smallest file at no drop   + smallest within 2 points"
_GAP = "  "


@dataclass(frozen=True)
class _Column:
    """heading and entries.  needed: whether it stays where there is little room."""

    heading: str
    entries: list[str]
    needed: bool = True
    left: bool = False

    @property
    def width(self) -> int:
        return max(map(len, [self.heading, *self.entries]))

    def cells(self) -> list[str]:
        place = str.ljust if self.left else str.rjust
        return [place(each, self.width) for each in [self.heading, *self.entries]]


def _text(columns: Sequence[_Column], width: int) -> str:
    """The columns that fit into `width`; where those that are needed do not, lines are cut."""
    total = sum(each.width for each in columns) + len(_GAP) * (len(columns) - 1)
    if total > width:
        columns = [each for each in columns if each.needed]
    rows = zip(*(each.cells() for each in columns), strict=True)
    return "\n".join(_GAP.join(row).rstrip()[:width] for row in rows)


def _lines(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _figures(lines: Iterable[Mapping[str, str]], column: str, digits: int) -> list[str]:
    """Empty where a line has none: not every model is scored on a test set."""
    return [f"{float(line[column]):.{digits}f}" if line[column] else "" for line in lines]


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
        city
        for name in lines[0]
        if (city := name.removeprefix("dataset_")) != name
        # A test set of positions alone has no mAP.
        and queries.key(f"map_{city}") in lines[0]
    ]
    columns = [
        _Column("model", [line["model"] for line in lines], left=True),
        _Column("file", [line["version"] for line in lines], left=True),
        _Column("", list(map(_marks, lines)), left=True),
        _Column("MB", _figures(lines, "file_mb", 2)),
        _Column("smaller", [f"{float(line['ratio']):.1f}x" for line in lines]),
        *(
            _Column(city, _figures(lines, queries.key(f"map_{city}"), 1), needed=False)
            for city in cities
        ),
        _Column("drop", _figures(lines, queries.drop(MEAN), 1)),
    ]
    return f"{_text(columns, width)}\n{_NOTES[:width]}"


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
