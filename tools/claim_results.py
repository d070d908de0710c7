"""The figures of claims, as a study's results have them."""

from pathlib import Path

import pandas as pd
from claim_files import Claim, Claims, ClaimsError, MissingResultsError, read_texts, where

_TABLE, _OF_SEEDS = "table.csv", "table_seeds.csv"


def _rows(claims: Claims, claim: Claim, path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """The rows of a file that the claim picks, as texts."""
    if not path.is_file():
        raise MissingResultsError(f"{path} is missing; `{claims.command}` makes it")
    table = read_texts(path)
    missing = [name for name in (*claim.row, *columns) if name not in table]
    if missing:
        raise ClaimsError(f"{path} has no column {missing[0]!r}; it has {', '.join(table)}")
    chosen = pd.Series(True, index=table.index)
    for name, value in claim.row.items():
        chosen &= table[name] == value
    return table[chosen]


def _one(rows: pd.DataFrame, claim: Claim, path: Path) -> pd.Series:
    if len(rows) != 1:
        raise ClaimsError(f"{path} has {len(rows)} rows with {where(claim.row)}; one is needed")
    return rows.iloc[0]


def _float(text: str, column: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError:
        raise ClaimsError(f"{path}: {column} is {text!r}, not a number") from None


def found_value(claims: Claims, claim: Claim, results: Path) -> float:
    """The figure that the results have.

    Args:
        results: the folder of all studies' results.

    Raises:
        MissingResultsError: no such file.
        ClaimsError: no such row or column, or no number.
    """
    path = results / claims.study / claim.file
    row = _one(_rows(claims, claim, path, (claim.column,)), claim, path)
    return _float(row[claim.column], claim.column, path)


def upper_end(claims: Claims, claim: Claim, results: Path) -> float | None:
    """The upper end of the figure's interval, by landmarks where there are two; none where its
    file has no `<column>_high`.

    Raises:
        as for `found_value`.
    """
    path = results / claims.study / claim.file
    row = _one(_rows(claims, claim, path, (claim.column,)), claim, path)
    for column in (f"{claim.column}_landmarks_high", f"{claim.column}_high"):
        if column in row:
            return _float(row[column], column, path)
    return None


def found_trainings(claims: Claims, claim: Claim, results: Path) -> dict[str, float]:
    """The figure of each training that the results have, by the seed.

    A file other than table.csv has no seeds: its figure is one training's, of the seed "".

    Raises:
        as for `found_value`.
    """
    if claim.file != _TABLE:
        return {"": found_value(claims, claim, results)}
    path = results / claims.study / _OF_SEEDS
    rows = _rows(claims, claim, path, ("seed", claim.column))
    if rows.empty or rows["seed"].duplicated().any():
        raise ClaimsError(
            f"{path} has {len(rows)} rows with {where(claim.row)}; one a seed is needed"
        )
    return {
        seed: _float(text, claim.column, path)
        for seed, text in zip(rows["seed"], rows[claim.column], strict=True)
    }
