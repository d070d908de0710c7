"""What a study claims, held against its results: `make check-claims`, `make refresh-claims`.

The claims of a study are tests/expected/<study>.yaml, and nowhere else: the README's tables are
written from there.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

EXPECTED, README = Path("tests/expected"), Path("README.md")
_BEGIN, _END = "<!-- claims: written by `make refresh-claims` -->", "<!-- end of claims -->"
_HEAD = """\
# What the study claims; docs/results.md says how it is checked and refreshed. `tolerance` is in the
# column's own unit; `row` picks one row of the file.
"""


class ClaimsError(ValueError):
    """A claim cannot be checked; the message names the file and the remedy."""


class MissingResultsError(ClaimsError):
    """The study has not run; the message names the command."""


@dataclass(frozen=True)
class Claim:
    """One figure of one file, and how far another machine's may be from it.

    file: below results/<study>.  row: what its row has in other columns, as texts.
    """

    claim: str
    file: str
    row: Mapping[str, str]
    column: str
    expected: float
    tolerance: float

    def holds(self, found: float) -> bool:
        return abs(found - self.expected) <= self.tolerance  # not so for nan


@dataclass(frozen=True)
class Claims:
    """Those of one study: the command that makes its results, the time that takes, and where."""

    study: str
    command: str
    time: str
    hardware: str
    claims: tuple[Claim, ...]


def read_claims(path: Path) -> Claims:
    """
    Raises:
        ClaimsError: the file is missing, or has not the keys of `Claims` and `Claim`.
    """
    if not path.is_file():
        raise ClaimsError(f"{path} is missing: no claims are made for this study")
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Claims(**{**held, "claims": tuple(Claim(**each) for each in held["claims"])})
    except (TypeError, KeyError, yaml.YAMLError) as error:
        raise ClaimsError(f"{path}: {error}; see another study's claims") from None


def write_claims(path: Path, claims: Claims) -> None:
    held = {**asdict(claims), "claims": [asdict(claim) for claim in claims.claims]}
    text = yaml.safe_dump(held, sort_keys=False, default_flow_style=None, width=1000)
    path.write_text(_HEAD + text, encoding="utf-8")


def found_value(claims: Claims, claim: Claim, results: Path) -> float:
    """The figure that the results have.

    Args:
        results: the folder of all studies' results.

    Raises:
        MissingResultsError: no such file.
        ClaimsError: no such row or column, or no number.
    """
    path = results / claims.study / claim.file
    if not path.is_file():
        raise MissingResultsError(f"{path} is missing; `{claims.command}` makes it")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in (*claim.row, claim.column) if name not in table]
    if missing:
        raise ClaimsError(f"{path} has no column {missing[0]!r}; it has {', '.join(table)}")
    chosen = pd.Series(True, index=table.index)
    for name, value in claim.row.items():
        chosen &= table[name] == value
    if chosen.sum() != 1:
        raise ClaimsError(f"{path} has {chosen.sum()} rows with {_where(claim.row)}; one is needed")
    value = table.loc[chosen, claim.column].item()
    try:
        return float(value)
    except ValueError:
        raise ClaimsError(f"{path}: {claim.column} is {value!r}, not a number") from None


def _number(value: float) -> str:
    """At most two decimals, and thousands apart."""
    return f"{round(value, 2) + 0.0:,.2f}".rstrip("0").rstrip(".")


def _where(row: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _checked(claims: Claims, claim: Claim, results: Path) -> tuple[bool, str]:
    """(whether the claim holds, the line that says so)"""
    expected = f"expected {_number(claim.expected)} ± {_number(claim.tolerance)}"
    try:
        found = found_value(claims, claim, results)
    except MissingResultsError:
        raise
    except ClaimsError as error:
        return False, f"FAILED  {claim.claim}: {error}; {expected}"
    holds = claim.holds(found)
    place = f"{results / claims.study / claim.file}, {claim.column} where {_where(claim.row)}"
    word = "holds " if holds else "FAILED"
    return holds, f"{word}  {claim.claim}: {_number(found)}, {expected} ({place})"


def check_claims(claims: Claims, results: Path) -> tuple[list[str], int]:
    """(a line a claim, how many do not hold). A row or column that is not there fails its claim.

    Raises:
        MissingResultsError: a file is missing.
    """
    checked = [_checked(claims, claim, results) for claim in claims.claims]
    return [line for _, line in checked], sum(not holds for holds, _ in checked)


def refreshed(claims: Claims, results: Path, **changes: str) -> Claims:
    """`claims` with what the results say, to two decimals; tolerances stay.

    Args:
        changes: new values of `time` and `hardware`.

    Raises:
        ClaimsError: as for `found_value`.
    """
    new = tuple(
        replace(claim, expected=round(found, 2))
        for claim in claims.claims
        for found in [found_value(claims, claim, results)]
    )
    return replace(claims, claims=new, **changes)


def claims_table(claims: Claims) -> str:
    """The claims of one study in Markdown, as the README shows them."""
    rows = [
        {
            "claim": claim.claim,
            "file, column": f"`{claim.file}`, `{claim.column}`",
            "expected": f"{_number(claim.expected)} ± {_number(claim.tolerance)}"
            if claim.tolerance
            else _number(claim.expected),
        }
        for claim in claims.claims
    ]
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return (
        f"**{claims.study}**: `{claims.command}`, {claims.time} on {claims.hardware}; files are "
        f"under `results/{claims.study}`.\n\n{table}"
    )


def with_claims(readme: str, all_claims: Iterable[Claims]) -> str:
    """The README's text with the tables written anew between their marks.

    Raises:
        ClaimsError: the marks are missing.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ClaimsError(f"README.md lacks the lines {_BEGIN} and {_END}; put them back")
    tables = "\n\n".join(map(claims_table, all_claims))
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"


def all_claims(folder: Path) -> list[Claims]:
    """Those of every study, by the studies' names."""
    return [read_claims(path) for path in sorted(folder.glob("*.yaml"))]


def _study_of(config: Path) -> str:
    if not config.is_file():
        raise ClaimsError(f"{config} is missing; give a study's config with CONFIG=...")
    return yaml.safe_load(config.read_text(encoding="utf-8"))["study"]


def _check(arguments: argparse.Namespace) -> int:
    claims = read_claims(EXPECTED / f"{_study_of(arguments.config)}.yaml")
    lines, failed = check_claims(claims, Path("results"))
    print("\n".join(lines))
    print(f"{claims.study}: {len(lines) - failed} of {len(lines)} claims hold")
    return min(failed, 1)


def _refresh(arguments: argparse.Namespace) -> int:
    path = EXPECTED / f"{_study_of(arguments.config)}.yaml"
    changes = {name: value for name in ("time", "hardware") if (value := getattr(arguments, name))}
    write_claims(path, refreshed(read_claims(path), Path("results"), **changes))
    readme = README.read_text(encoding="utf-8")
    README.write_text(with_claims(readme, all_claims(EXPECTED)), encoding="utf-8")
    print(f"{path} and {README} are written; look at `git diff` before you commit them")
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run from the repository's folder. Returns the exit status: 1 where a claim does not hold."""
    parser = argparse.ArgumentParser("python tools/claims.py", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="compare the results with the claims")
    refresh = verbs.add_parser("refresh", help="make the results the claims, after a change")
    for verb, run in ((check, _check), (refresh, _refresh)):
        verb.add_argument("config", type=Path, help="the study's config")
        verb.set_defaults(run=run)
    refresh.add_argument("--time", help="what the study took, in words")
    refresh.add_argument("--hardware", help="on what machine, in words")
    arguments = parser.parse_args(words)
    try:
        return arguments.run(arguments)
    except ClaimsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
