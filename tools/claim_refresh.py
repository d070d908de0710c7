"""What a refresh of claims writes: the results' figures, their tolerances, and recorded runs."""

import math
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
from claim_files import AT_MOST, EXACT, Claim, Claims, ClaimsError, Measured
from claim_results import found_trainings, found_value, upper_end
from claim_spread import figure, tolerance, with_runs


def _bound(claim: Claim, mean: float, width: float, high: float | None) -> float:
    """The upper end of the interval or mean plus tolerance, the larger, up to a tenth."""
    largest = mean + width if high is None else max(high, mean + width)
    if not math.isfinite(largest):
        raise ClaimsError(f"{claim.claim}: its interval has no upper end, so neither has a claim")
    return math.ceil(round(largest * 10, 6)) / 10


def refreshed(claims: Claims, runs: pd.DataFrame, results: Path, **changes: str) -> Claims:
    """`claims` with what the results say, and the tolerances that follow from the recorded runs.

    Args:
        changes: new values of `time` and `hardware`.

    Raises:
        ClaimsError: as for `found_value` and `tolerance`, or a claim would say nothing.
    """

    def measured(claim: Claim) -> Measured:
        mean = round(found_value(claims, claim, results), 2)
        trainings = len(found_trainings(claims, claim, results)) if claim.kind != EXACT else 1
        width, rests_on = tolerance(claim, mean, trainings, claims.claims, runs)
        bound = None
        if claim.kind == AT_MOST:
            bound = _bound(claim, mean, width, upper_end(claims, claim, results))
        return Measured(mean, width, trainings, rests_on, bound)

    new = tuple(replace(claim, measured=measured(claim)) for claim in claims.claims)
    return replace(claims, claims=new, **changes)


def recorded(
    claims: Claims, runs: pd.DataFrame, results: Path, series: str, machine: str, commit: str
) -> pd.DataFrame:
    """`runs` with a line for each claim and training that the results have.

    Raises:
        ClaimsError: as for `found_trainings`.
    """
    new = [
        {"series": series, "machine": machine, "commit": commit, "seed": seed}
        | figure(claim)
        | {"value": value}
        for claim in claims.claims
        if claim.kind != EXACT
        for seed, value in found_trainings(claims, claim, results).items()
    ]
    return with_runs(runs, new)


def commit() -> str:
    """The commit that is checked out; `-dirty` after it if files differ from it.

    Raises:
        ClaimsError: there is no clone, or no git.
    """
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise ClaimsError("the commit is unknown outside a git clone; give --commit") from None
    return run.stdout.strip()
