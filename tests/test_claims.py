"""Claims are held against results; a wrong, a missing and a new figure are told apart."""

import claims as module
import pandas as pd
import pytest
import yaml
from claims import (
    Claim,
    Claims,
    ClaimsError,
    all_claims,
    check_claims,
    claims_table,
    main,
    read_claims,
    refreshed,
    with_claims,
    write_claims,
)
from workflow_runs import ROOT

from pocketvlad.compression.recipes import BASE, COLUMNS, columns_of, study_recipes

WHERE = {"model": "vgg16", "bits": "5"}
CLAIMS = Claims(
    "mini",
    "make run",
    "10 minutes",
    "two cores",
    (
        Claim("size", "table.csv", WHERE, "ratio", 10.0, 0.5),
        Claim("score", "table.csv", WHERE, "map_paris", 70.0, 2.0),
    ),
)


@pytest.fixture
def results(tmp_path):
    """The folder of all results; its file has the row that the claims pick, and another."""
    folder = tmp_path / "results" / "mini"
    folder.mkdir(parents=True)
    rows = [
        {"model": "vgg16", "bits": 5, "ratio": 10.5, "map_paris": 68.123},
        {"model": "vgg16", "bits": 8, "ratio": 6.0, "map_paris": 71.0},
    ]
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder.parent


def write(results, **columns):
    rows = pd.DataFrame([{"model": "vgg16", "bits": 5, **columns}])
    rows.to_csv(results / "mini" / "table.csv", index=False)


def test_claims_within_their_tolerance_hold(results):
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 0
    assert all(line.startswith("holds") for line in lines)


@pytest.mark.parametrize("found", [10.51, 9.49, float("nan")])
def test_a_claim_beyond_its_tolerance_is_named(results, found):
    write(results, ratio=found, map_paris=70)
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 1
    assert lines[0].startswith("FAILED  size: ")
    assert "expected 10 ± 0.5" in lines[0]
    assert lines[1].startswith("holds")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"map_paris": 70}, "no column 'ratio'"),
        ({"ratio": "", "map_paris": 70}, "not a number"),
        ({"ratio": 10, "map_paris": 70, "bits": 8}, "0 rows with model vgg16, bits 5"),
    ],
)
def test_what_cannot_be_found_fails(results, columns, message):
    write(results, **columns)
    lines, failed = check_claims(CLAIMS, results)
    assert failed >= 1
    assert message in lines[0]


@pytest.fixture
def repository(tmp_path, results, monkeypatch):
    """A folder as the command expects it, the current one."""
    expected = tmp_path / "tests" / "expected"
    expected.mkdir(parents=True)
    write_claims(expected / "mini.yaml", CLAIMS)
    (tmp_path / "config.yaml").write_text("study: mini\n")
    (tmp_path / "README.md").write_text(f"above\n{module._BEGIN}\nold\n{module._END}\nbelow\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_fails_with_the_row(repository, results, capsys):
    assert main(["check", "config.yaml"]) == 0
    write(results, ratio=3, map_paris=70)
    assert main(["check", "config.yaml"]) == 1
    assert "FAILED  size: 3, expected 10 ± 0.5 (results/mini/table.csv" in capsys.readouterr().out


def test_missing_results_name_the_command(repository, results, capsys):
    (results / "mini" / "table.csv").unlink()
    assert main(["check", "config.yaml"]) == 1
    assert "results/mini/table.csv is missing; `make run` makes it" in capsys.readouterr().err


def test_a_refresh_makes_the_results_the_claims(repository, results):
    write(results, ratio=3, map_paris=70.126)
    assert main(["refresh", "config.yaml", "--time", "an hour"]) == 0
    new = read_claims(repository / "tests" / "expected" / "mini.yaml")
    assert [claim.expected for claim in new.claims] == [3.0, 70.13]
    assert [claim.tolerance for claim in new.claims] == [0.5, 2.0]
    assert (new.time, new.hardware) == ("an hour", "two cores")
    readme = (repository / "README.md").read_text()
    assert readme.startswith("above\n")
    assert readme.endswith("below\n")
    assert "old" not in readme
    assert "70.13 ± 2" in readme
    assert main(["check", "config.yaml"]) == 0


def test_a_refresh_without_results_changes_nothing(repository, results):
    before = (repository / "tests" / "expected" / "mini.yaml").read_text()
    write(results, map_paris=70)
    assert main(["refresh", "config.yaml"]) == 1
    assert (repository / "tests" / "expected" / "mini.yaml").read_text() == before


def test_a_wrong_file_of_claims_is_named(tmp_path):
    path = tmp_path / "mini.yaml"
    write_claims(path, CLAIMS)
    path.write_text(path.read_text().replace("tolerance", "tolerence"))
    with pytest.raises(ClaimsError, match=r"mini\.yaml.*tolerence"):
        read_claims(path)
    with pytest.raises(ClaimsError, match="no claims are made"):
        read_claims(tmp_path / "other.yaml")


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ClaimsError, match="put them back"):
        with_claims("no table here", [CLAIMS])


def test_the_readme_has_the_claims():
    readme = (ROOT / "README.md").read_text()
    claims = all_claims(ROOT / "tests" / "expected")
    assert {each.study for each in claims} >= {"mini", "subset"}
    assert with_claims(readme, claims) == readme, "make refresh-claims writes the README's tables"


@pytest.mark.parametrize(
    ("study", "config"), [("mini", "config.yaml"), ("subset", "config/subset.yaml")]
)
def test_claims_are_about_cells_of_the_study(study, config):
    """A claim of a cell that the grid no longer has could never hold."""
    settings = yaml.safe_load((ROOT / config).read_text())
    versions = [BASE, *(recipe.version for recipe in study_recipes(settings))]
    for claim in read_claims(ROOT / "tests" / "expected" / f"{study}.yaml").claims:
        wanted = {key: value for key, value in claim.row.items() if key in COLUMNS}
        lines = ({key: str(x) for key, x in columns_of(each).items()} for each in versions)
        assert not wanted or any(wanted.items() <= line.items() for line in lines), claim.claim


def test_a_refreshed_table_is_checked_by_its_own_values(results):
    new = refreshed(CLAIMS, results)
    assert "10.5 ± 0.5" in claims_table(new)
    assert "68.12 ± 2" in claims_table(new)
