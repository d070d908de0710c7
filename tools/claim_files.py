"""The claims of a study, as tests/expected/<study>.yaml holds them.

What is claimed is written by hand: the sentence, its kind, and where its figure stands. What was
measured is written by `make refresh-claims`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import yaml

VALUE, AT_MOST, EXACT = "value", "at most", "exact"
_KINDS = (VALUE, AT_MOST, EXACT)
_SLACK = 1e-9  # sums of decimals are not exact in binary
_HEAD = """\
# What the study claims; docs/results.md says what a kind is, how a tolerance is computed, and how
# claims are checked. `make refresh-claims` writes `measured`; `row` picks one row of the file.
"""


class ClaimsError(ValueError):
    """A claim cannot be made or checked; the message names it, or the file, and the remedy."""


class MissingResultsError(ClaimsError):
    """The study has not run; the message names the command."""


@dataclass(frozen=True)
class Measured:
    """What a claim says, in the unit of its column.

    mean: the figure, a mean over `trainings`.  tolerance: how far another run's may be from it
    (tools/claim_spread.py).  rests_on: what the tolerance was computed from, in words.
    bound: of the kind `at most`.
    """

    mean: float
    tolerance: float
    trainings: int
    rests_on: str
    bound: float | None = None

    def __str__(self) -> str:
        if self.bound is not None:
            return f"at most {number(self.bound)}"
        return f"{number(self.mean)} ± {number(self.tolerance)}"


@dataclass(frozen=True)
class Claim:
    """One figure of one file.

    kind: `value`, `at most`, or `exact` for a figure that no training touches.
    file: below results/<study>.  row: what its row has in other columns, as texts.
    measured: none before the first refresh.

    Raises:
        ClaimsError: the kind is unknown, or the claim says nothing: its tolerance is as large as
            its value, or its bound is within the tolerance.
    """

    claim: str
    kind: str
    file: str
    row: Mapping[str, str]
    column: str
    measured: Measured | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ClaimsError(f"{self.claim}: kind is {self.kind!r}; use one of {_KINDS}")
        if self.measured is None:
            return
        mean, tolerance, bound = self.measured.mean, self.measured.tolerance, self.measured.bound
        if self.kind == VALUE and not tolerance < abs(mean):
            raise ClaimsError(
                f"{self.claim} ({self.place}): the tolerance of {self.measured} is not smaller "
                "than what is claimed; write `kind: at most`, or record more trainings "
                "(make record-claims)"
            )
        if (self.kind == AT_MOST) != (bound is not None):
            raise ClaimsError(f"{self.claim}: `bound` goes with `kind: at most`, and only with it")
        if bound is not None and not bound >= mean + tolerance - _SLACK:
            raise ClaimsError(
                f"{self.claim} ({self.place}): at most {number(bound)} is below {number(mean)} "
                f"+ {number(tolerance)}; make refresh-claims computes it"
            )

    @property
    def place(self) -> str:
        """Its column and row, in words."""
        return f"{self.column} where {where(self.row)}"

    def holds(self, found: float) -> bool:
        """Whether another run's figure is as claimed; that of nan never is."""
        if self.measured.bound is not None:
            return found <= self.measured.bound
        return abs(found - self.measured.mean) <= self.measured.tolerance + _SLACK


@dataclass(frozen=True)
class Claims:
    """Those of one study: the command that makes its results, the time that takes, and where."""

    study: str
    command: str
    time: str
    hardware: str
    claims: tuple[Claim, ...]


def number(value: float) -> str:
    """At most two decimals, and thousands apart."""
    return f"{round(value, 2) + 0.0:,.2f}".rstrip("0").rstrip(".")


def where(row: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def read_texts(path: Path) -> pd.DataFrame:
    """A table, all of it as texts.

    Raises:
        ClaimsError: the file is no table; names it.
    """
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeError) as error:
        raise ClaimsError(f"{path} is no table: {error}; put it back, or make it again") from None


def _claim(held: Mapping) -> Claim:
    measured = held.get("measured")
    return Claim(**{**held, "measured": Measured(**measured) if measured else None})


def read_claims(path: Path) -> Claims:
    """
    Raises:
        ClaimsError: the file is missing, has not the keys of `Claims`, `Claim` and `Measured`, or
            has a claim that says nothing.
    """
    if not path.is_file():
        raise ClaimsError(f"{path} is missing: no claims are made for this study")
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Claims(**{**held, "claims": tuple(map(_claim, held["claims"]))})
    except ClaimsError as error:
        raise ClaimsError(f"{path}: {error}") from None
    except (AttributeError, TypeError, KeyError, UnicodeError, yaml.YAMLError) as error:
        raise ClaimsError(f"{path}: {error}; see another study's claims") from None


def _present(pairs: list[tuple[str, object]]) -> dict:
    return {name: value for name, value in pairs if value is not None}


def write_claims(path: Path, claims: Claims) -> None:
    text = yaml.safe_dump(
        asdict(claims, dict_factory=_present),
        sort_keys=False,
        default_flow_style=None,
        width=1000,
        allow_unicode=True,
    )
    path.write_text(_HEAD + text, encoding="utf-8")
