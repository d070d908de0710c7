"""What one model answers better than another one on the same queries, with 95 % intervals.

python tools/compare_models.py BASE.json... --other OTHER.json...

The files are rows of scores, of models of one study or of two: results/STUDY/scores/MODEL/CITY/
seed-N/VERSION.json, a row a training and a city. Studies can be compared where they have the same
photographs: their queries must be the same.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from tabulate import tabulate

from pocketvlad.report.rows import read_rows
from pocketvlad.report.score_columns import MEAN, judging, row_sets, score_columns
from pocketvlad.scoring.bootstrap import check_trainings

Trainings = dict[str, list[Mapping]]


class ComparisonError(ValueError):
    """The rows are not of two models on the same queries; the message says which differ."""


def _training(row: Mapping) -> tuple[int, str]:
    """Tells the rows of a model on one city apart."""
    return row["seed"], row["train_city"]


def by_city(files: Sequence[Path]) -> Trainings:
    """The rows of a model by their test city, in the order of its seeds.

    Raises:
        ComparisonError: a file is no row of scores, is of another model than the first, or of a
            training that another file is of.
    """
    found: Trainings = {}
    first: tuple = ()
    for path in files:
        try:
            [row] = read_rows([path])
            model = tuple(row[key] for key in ("study", "model", "version"))
            training, others = _training(row), found.setdefault(row["test_city"], [])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ComparisonError(f"{path} is no row of scores: {error!r}") from None
        first = first or model
        if model != first:
            raise ComparisonError(
                f"{path} is of {' '.join(model)}, and {files[0]} of {' '.join(first)}; give the "
                "rows of one model before --other, and of one after it"
            )
        if training in map(_training, others):
            raise ComparisonError(
                f"{path} is of seed {training[0]}, trained on {training[1]}, as another file is; "
                "give each once"
            )
        others.append(row)
    return {city: sorted(rows, key=_training) for city, rows in found.items()}


def averaged(rows: Sequence[Mapping]) -> dict:
    """One row of several trainings: of each query the mean of its average precisions.

    Raises:
        ValueError: they were scored on other queries; names one.
    """
    mean = dict(rows[0])
    for queries in row_sets(rows):
        scores, whole = queries.key("average_precision"), queries.key("map")
        check_trainings([row[scores] for row in rows], [row[scores] for row in rows])
        mean[scores] = {name: fmean(row[scores][name] for row in rows) for name in mean[scores]}
        mean[whole] = fmean(row[whole] for row in rows)
    return mean


def compared(base: Trainings, other: Trainings) -> tuple[list[list[str]], int]:
    """(a line a city and one of their mean, the trainings that the intervals rest on)

    Raises:
        ComparisonError: the models were scored on other cities, or on other queries.
    """
    if base.keys() != other.keys():
        raise ComparisonError(f"rows of {', '.join(base)} cannot be compared with {list(other)}")
    counts = {len(rows) for rows in (*base.values(), *other.values())}
    cities = sorted(base)
    try:
        if len(counts) > 1:
            # The k-th of both are compared. Where there is no k-th of one, only means can be.
            base, other = (
                {city: [averaged(rows)] for city, rows in model.items()} for model in (base, other)
            )
        columns = score_columns(base, other, cities)
    except (KeyError, ValueError) as error:
        raise ComparisonError(f"the models were not scored on the same queries: {error}") from None
    queries, lines = judging(columns), []
    for city in [*cities, MEAN]:
        drop = queries.drop(city)
        low, high = (columns[f"{drop}{queries.landmarks}_{end}"] for end in ("low", "high"))
        shown = cities if city == MEAN else [city]
        scores = [
            fmean(100 * row[queries.key("map")] for one in shown for row in model[one])
            for model in (base, other)
        ]
        gain, low, high = (f"{round(-each, 1) + 0.0:.1f}" for each in (columns[drop], high, low))
        lines.append([city, *(f"{score:.1f}" for score in scores), f"{gain} [{low}, {high}]"])
    return lines, len(base[cities[0]])


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where the rows cannot be compared."""
    parser = argparse.ArgumentParser("python tools/compare_models.py", description=__doc__)
    parser.add_argument("base", type=Path, nargs="+", help="rows of the first model")
    parser.add_argument("--other", type=Path, nargs="+", required=True, help="of the second one")
    arguments = parser.parse_args(words)
    try:
        lines, trainings = compared(by_city(arguments.base), by_city(arguments.other))
    except ComparisonError as error:
        print(error, file=sys.stderr)
        return 1
    print(tabulate(lines, ["city", "first", "second", "gain, points"], disable_numparse=True))
    others = f"for other trainings ({trainings})" if trainings > 1 else "not for other trainings"
    print(f"Intervals allow for landmarks, and {others}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
