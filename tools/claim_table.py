"""The README's tables of claims."""

from collections.abc import Iterable

import pandas as pd
from claim_files import AT_MOST, EXACT, Claim, Claims, ClaimsError, number

BEGIN, END = "<!-- claims: written by `make refresh-claims` -->", "<!-- end of claims -->"


def _expected(claim: Claim) -> str:
    if claim.measured is None:
        raise ClaimsError(f"{claim.claim}: nothing is measured yet; make refresh-claims")
    if claim.kind == EXACT:
        return number(claim.measured.mean)
    if claim.kind == AT_MOST:
        return f"{claim.measured}; {number(claim.measured.mean)} found"
    return str(claim.measured)


def claims_table(claims: Claims) -> str:
    """The claims of one study in Markdown.

    Raises:
        ClaimsError: one of them has not been measured.
    """
    rows = [
        {
            "claim": claim.claim,
            "file, column": f"`{claim.file}`, `{claim.column}`",
            "kind": claim.kind,
            "expected": _expected(claim),
            "tolerance rests on": claim.measured.rests_on,
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
        ClaimsError: the marks are missing, or a claim has not been measured.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ClaimsError(f"README.md lacks the lines {BEGIN} and {END}; put them back")
    tables = "\n\n".join(map(claims_table, all_claims))
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"
