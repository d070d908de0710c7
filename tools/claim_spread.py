"""How far a claimed figure may be off: from trainings that were recorded.

tests/expected/<study>_runs.csv has a line a training and figure. Runs of one `series` compute the
same, and differ by seed and machine alone. The first run's commit names the series.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from claim_files import EXACT, Claim, ClaimsError, read_texts, where

from pocketvlad.util.counted import counted

_FIGURE = ["file", "row", "column"]
_RUN = ["series", "machine", "seed"]
COLUMNS = [*_RUN, "commit", *_FIGURE, "value"]
# Figures are rounded to two decimals.
ROUNDING = 0.01
# Other runs are further off once in 370 times, if the deviation is known and errors are normal.
_DEVIATIONS = 3
# What varies in proportion to itself: 76 times smaller by more than 10 times smaller.
_PROPORTIONAL = {"ratio", "paper_ratio"}


def read_runs(path: Path) -> pd.DataFrame:
    """Texts, but `value`, a number; empty if there is no file.

    Raises:
        ClaimsError: other columns than `COLUMNS`, or a value that is no number.
    """
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS).astype({"value": float})
    runs = read_texts(path)
    if list(runs) != COLUMNS:
        raise ClaimsError(f"{path} has the columns {list(runs)}; it needs {COLUMNS}")
    try:
        return runs.astype({"value": float})
    except ValueError as error:
        raise ClaimsError(f"{path}: {error}; `value` is a number in every line") from None


def figure(claim: Claim) -> dict[str, str]:
    """The columns of the file of runs that name the claim's figure."""
    return {"file": claim.file, "row": where(claim.row), "column": claim.column}


def with_runs(runs: pd.DataFrame, new: Sequence[dict]) -> pd.DataFrame:
    """`runs` and new lines; a new one replaces that of the same figure, series, machine, seed."""
    added = pd.DataFrame(new, columns=COLUMNS)
    both = pd.concat([runs, added]) if len(runs) else added
    kept = both.drop_duplicates([*_RUN, *_FIGURE], keep="last")
    return kept.sort_values([*_FIGURE, *_RUN])[COLUMNS].reset_index(drop=True)


def _repeated(claim: Claim, runs: pd.DataFrame) -> pd.DataFrame:
    """The figure's lines in series that have several of it."""
    own = runs[(runs[_FIGURE] == pd.Series(figure(claim))).all(axis="columns")]
    return own[own.groupby("series")["value"].transform("size") > 1]


def deviation(claim: Claim, runs: pd.DataFrame) -> float:
    """One training's standard deviation, pooled over series; nan if no series has two trainings.

    Of columns that vary in proportion to themselves, as a share of the series' mean.
    """
    repeated = _repeated(claim, runs)
    series = repeated.groupby("series")["value"]
    means = series.transform("mean")
    unit = means if claim.column in _PROPORTIONAL else 1.0
    squares = (((repeated["value"] - means) / unit) ** 2).sum()
    freedom = len(repeated) - series.ngroups
    return math.sqrt(squares / freedom) if freedom else math.nan


def tolerance(
    claim: Claim, mean: float, trainings: int, claims: Sequence[Claim], runs: pd.DataFrame
) -> tuple[float, str]:
    """(the tolerance of a mean over `trainings`, what it rests on in words)

    Three standard deviations of the difference between two runs that are each a mean over
    `trainings`: 3 s sqrt(2 / trainings), and at least a hundredth. s is the figure's own, or the
    median of the study's claims on this column where that is larger: two or three trainings can
    agree by luck.

    Raises:
        ClaimsError: no training of any claim on this column was recorded twice.
    """
    if claim.kind == EXACT:
        return ROUNDING, "rounding"
    same = [each for each in claims if (each.file, each.column) == (claim.file, claim.column)]
    median = pd.Series([deviation(each, runs) for each in same], dtype=float).median()
    if math.isnan(median):
        raise ClaimsError(
            f"{claim.claim}: no spread of {claim.column} is known; make record-claims after runs "
            "with several seeds or on several machines"
        )
    own, repeated = deviation(claim, runs), _repeated(claim, runs)
    basis = []
    if len(repeated):
        basis = [counted(repeated[name].nunique(), name) for name in ("seed", "machine")]
    if not own >= median:
        basis.append("median of the column")
    spread = median if math.isnan(own) else max(own, median)
    unit = abs(mean) if claim.column in _PROPORTIONAL else 1.0
    wide = _DEVIATIONS * math.sqrt(2 / trainings) * spread * unit
    if wide <= ROUNDING:
        return ROUNDING, ", ".join([*basis, "rounding"])
    return math.ceil(round(wide * 100, 6)) / 100, ", ".join(basis)
