"""What a study claims, held against its results: `make check-claims`, `record-claims` and
`refresh-claims`.

The claims of a study are tests/expected/<study>.yaml, and nowhere else: the README's tables are
written from there.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from claim_files import (
    Claim,
    Claims,
    ClaimsError,
    MissingResultsError,
    number,
    read_claims,
    write_claims,
)
from claim_refresh import commit, recorded, refreshed
from claim_results import found_value
from claim_spread import read_runs
from claim_table import with_claims
from study_name import StudyNameError, study_of

from pocketvlad.util.processor import processor

EXPECTED, README, RESULTS = Path("tests/expected"), Path("README.md"), Path("results")


def _checked(claims: Claims, claim: Claim, results: Path) -> tuple[bool, str]:
    """(whether the claim holds, the line that says so)"""
    if claim.measured is None:
        return False, f"FAILED  {claim.claim}: nothing is measured yet; make refresh-claims"
    try:
        found = found_value(claims, claim, results)
    except MissingResultsError:
        raise
    except ClaimsError as error:
        return False, f"FAILED  {claim.claim}: {error}; expected {claim.measured}"
    holds = claim.holds(found)
    place = f"{results / claims.study / claim.file}, {claim.place}"
    word = "holds " if holds else "FAILED"
    return holds, f"{word}  {claim.claim}: {number(found)}, expected {claim.measured} ({place})"


def check_claims(claims: Claims, results: Path) -> tuple[list[str], int]:
    """(a line a claim, how many do not hold). A row or column that is not there fails its claim.

    Raises:
        MissingResultsError: a file is missing.
    """
    checked = [_checked(claims, claim, results) for claim in claims.claims]
    return [line for _, line in checked], sum(not holds for holds, _ in checked)


def _by_study(claims: Iterable[Claims]) -> list[Claims]:
    return sorted(claims, key=lambda each: each.study)


def all_claims(folder: Path) -> list[Claims]:
    """Those of every study, by the studies' names."""
    return _by_study(read_claims(path) for path in folder.glob("*.yaml"))


def _files_of(configs: Sequence[Path]) -> tuple[Path, Path]:
    """(the study's claims, its recorded runs)"""
    study = study_of(configs)
    return EXPECTED / f"{study}.yaml", EXPECTED / f"{study}_runs.csv"


def _check(arguments: argparse.Namespace) -> int:
    path, _ = _files_of(arguments.config)
    claims = read_claims(path)
    lines, failed = check_claims(claims, RESULTS)
    print("\n".join(lines))
    print(f"{claims.study}: {len(lines) - failed} of {len(lines)} claims hold")
    return min(failed, 1)


def _record(arguments: argparse.Namespace) -> int:
    path, held = _files_of(arguments.config)
    ran = arguments.commit or commit()
    series, machine = arguments.series or ran, arguments.machine or processor()
    runs = recorded(read_claims(path), read_runs(held), RESULTS, series, machine, ran)
    runs.to_csv(held, index=False, float_format="%.6g")
    print(f"{held} has the runs on {machine} in the series {series}; now make refresh-claims")
    return 0


def _refresh(arguments: argparse.Namespace) -> int:
    path, held = _files_of(arguments.config)
    changes = {name: value for name in ("time", "hardware") if (value := getattr(arguments, name))}
    new = refreshed(read_claims(path), read_runs(held), RESULTS, **changes)
    others = [each for each in all_claims(EXPECTED) if each.study != new.study]
    readme = with_claims(README.read_text(encoding="utf-8"), _by_study([*others, new]))
    write_claims(path, new)
    README.write_text(readme, encoding="utf-8")
    print(f"{path} and {README} are written; look at `git diff` before you commit them")
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run from the repository's folder. Returns the exit status: 1 where a claim does not hold."""
    parser = argparse.ArgumentParser("python tools/claims.py", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="compare the results with the claims")
    record = verbs.add_parser("record", help="keep this machine's trainings for the tolerances")
    refresh = verbs.add_parser("refresh", help="make the results the claims, after a change")
    for verb, run in ((check, _check), (record, _record), (refresh, _refresh)):
        verb.add_argument(
            "config", type=Path, nargs="+", help="the study's config, and files laid over it"
        )
        verb.set_defaults(run=run)
    record.add_argument("--series", help="runs that compute the same as this one; else its commit")
    record.add_argument("--machine", help="what ran it; else the processor's name")
    record.add_argument("--commit", help="what was run; else what is checked out")
    refresh.add_argument("--time", help="what the study took, in words")
    refresh.add_argument("--hardware", help="on what machine, in words")
    arguments = parser.parse_args(words)
    try:
        return arguments.run(arguments)
    except (ClaimsError, StudyNameError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
