"""Claims are held against results; a wrong, a missing and a new figure are told apart."""

from dataclasses import replace

import pandas as pd
import pytest
import yaml
from claim_files import (
    AT_MOST,
    EXACT,
    VALUE,
    Claim,
    Claims,
    ClaimsError,
    Measured,
    read_claims,
    write_claims,
)
from claim_spread import read_runs, tolerance
from claim_table import BEGIN, END, claims_table, with_claims
from claims import all_claims, check_claims, main
from study_name import StudyNameError, study_of
from workflow_runs import CROPS, ROOT, load_config

from pocketvlad.compression.recipes import BASE, COLUMNS, columns_of, study_recipes

WHERE = {"model": "vgg16", "bits": "5"}
SIZE = Claim("size", VALUE, "table.csv", WHERE, "ratio", Measured(10.0, 0.5, 1, "2 seeds"))
DROP = Claim(
    "drop", AT_MOST, "table.csv", WHERE, "dense_drop_mean", Measured(0.5, 1.25, 1, "2 seeds", 1.8)
)
COUNT = Claim(
    "parameters", EXACT, "layers.csv", {"name": "total"}, "parameters", Measured(7, 0.01, 1, "-")
)
CLAIMS = Claims("mini", "make run", "10 minutes", "two cores", (SIZE, DROP, COUNT))
GOOD = {"ratio": 10.5, "dense_drop_mean": 0.5, "dense_drop_mean_high": 1.5}


def write(results, seeds=("1",), **columns):
    """Results of trainings. columns: one figure, that of each training, or one a seed."""
    rows = pd.DataFrame({"seed": seeds, "model": "vgg16", "bits": 5} | columns)
    rows = pd.concat([rows, rows.assign(bits=8, ratio=6.0)])
    rows.to_csv(results / "mini" / "table_seeds.csv", index=False)
    means = rows.drop(columns="seed").groupby(["model", "bits"], as_index=False).mean()
    means.to_csv(results / "mini" / "table.csv", index=False, na_rep="nan")


@pytest.fixture
def results(tmp_path):
    """The folder of all results; its table has the row that the claims pick, and another."""
    folder = tmp_path / "results" / "mini"
    folder.mkdir(parents=True)
    pd.DataFrame({"name": ["total"], "parameters": [7]}).to_csv(folder / "layers.csv", index=False)
    write(folder.parent, **GOOD)
    return folder.parent


def test_claims_within_their_tolerance_hold(results):
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 0
    assert all(line.startswith("holds") for line in lines)


@pytest.mark.parametrize(
    ("claim", "column", "found", "expected"),
    [
        (0, "ratio", 10.51, "10 ± 0.5"),
        (0, "ratio", 9.49, "10 ± 0.5"),
        (0, "ratio", float("nan"), "10 ± 0.5"),
        (1, "dense_drop_mean", 1.81, "at most 1.8"),
        (1, "dense_drop_mean", float("nan"), "at most 1.8"),
    ],
)
def test_a_claim_that_does_not_hold_is_named_with_its_row(results, claim, column, found, expected):
    write(results, **GOOD | {column: found})
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 1
    assert lines[claim].startswith(f"FAILED  {CLAIMS.claims[claim].claim}: {found}, ")
    assert f"expected {expected} (" in lines[claim]
    assert f"mini/table.csv, {column} where model vgg16, bits 5)" in lines[claim]
    assert sum(line.startswith("holds") for line in lines) == 2


def test_a_bound_has_no_lower_end(results):
    write(results, **GOOD | {"dense_drop_mean": -30})
    assert check_claims(CLAIMS, results)[1] == 0


def test_an_exact_figure_is_the_same(results):
    pd.DataFrame({"name": ["total"], "parameters": [8]}).to_csv(results / "mini" / "layers.csv")
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 1
    assert lines[2].startswith("FAILED  parameters: 8, ")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"bits": 5, "ratio": ""}], "ratio is '', not a number"),
        ([{"bits": 4, "ratio": 10}], "0 rows with model vgg16, bits 5"),
        ([{"bits": 5, "ratio": 10}] * 2, "2 rows with model vgg16, bits 5"),
        ([{"bits": 5}], "no column 'ratio'"),
    ],
)
def test_what_cannot_be_found_fails(results, rows, message):
    table = pd.DataFrame(rows).assign(model="vgg16")
    table.to_csv(results / "mini" / "table.csv", index=False)
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 2
    assert message in lines[0]


@pytest.mark.parametrize("content", [b"", b"model\n\xff\n", b'a,b\n1,2\n"'])
def test_a_file_that_is_no_table_is_named(results, tmp_path, content):
    for path in (results / "mini" / "table.csv", tmp_path / "mini_runs.csv"):
        path.write_bytes(content)
    lines, failed = check_claims(CLAIMS, results)
    assert failed == 2
    assert "mini/table.csv is no table: " in lines[0]
    with pytest.raises(ClaimsError, match=r"mini_runs\.csv is no table: .*; put it back"):
        read_runs(tmp_path / "mini_runs.csv")


def test_without_a_config_no_study_is_named():
    with pytest.raises(StudyNameError, match="no config is named; give"):
        study_of([])


@pytest.mark.parametrize("kind", [VALUE, AT_MOST, EXACT])
def test_a_claim_without_a_measurement_fails(results, kind):
    claims = replace(CLAIMS, claims=(replace(SIZE, kind=kind, measured=None),))
    lines, failed = check_claims(claims, results)
    assert failed == 1
    assert "size: nothing is measured yet; make refresh-claims" in lines[0]
    with pytest.raises(ClaimsError, match="nothing is measured yet"):
        claims_table(claims)


@pytest.mark.parametrize("mean", [1.15, -1.15, 2.0, float("nan")])
def test_a_value_is_wider_than_its_tolerance(mean):
    with pytest.raises(ClaimsError, match=r"size \(ratio where model vgg16, bits 5\).*`kind: at m"):
        replace(SIZE, measured=Measured(mean, 2.0, 1, "2 seeds"))
    replace(SIZE, measured=Measured(-2.01, 2.0, 1, "2 seeds"))


def test_a_bound_is_not_within_the_tolerance():
    with pytest.raises(ClaimsError, match=r"drop \(dense_drop_mean where .*1\.7 is below 0\.5"):
        replace(DROP, measured=replace(DROP.measured, bound=1.7))
    with pytest.raises(ClaimsError, match="goes with"):
        replace(DROP, measured=replace(DROP.measured, bound=None))
    with pytest.raises(ClaimsError, match="goes with"):
        replace(SIZE, measured=replace(SIZE.measured, bound=11))


@pytest.fixture
def repository(tmp_path, results, monkeypatch):
    """A folder as the command expects it, the current one."""
    expected = tmp_path / "tests" / "expected"
    expected.mkdir(parents=True)
    write_claims(expected / "mini.yaml", CLAIMS)
    (tmp_path / "config.yaml").write_text("study: mini\n")
    (tmp_path / "README.md").write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(**options):
    options = {"series": "first", "machine": "A", "commit": "abc"} | options
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert main(["record", "config.yaml", *words]) == 0


def test_a_file_without_a_study_is_named(tmp_path, capsys):
    (tmp_path / "three.yaml").write_text("seeds: [1, 2, 3]\n")
    assert main(["check", str(tmp_path / "three.yaml")]) == 1
    assert "three.yaml has no study: name the config that it is laid" in capsys.readouterr().err


def test_a_study_that_is_a_number_is_named(tmp_path, capsys):
    (tmp_path / "own.yaml").write_text("study: 2024\n")
    assert main(["check", str(tmp_path / "own.yaml")]) == 1
    assert "own.yaml: study is 2024, no text; write" in capsys.readouterr().err


def test_what_is_written_is_read(repository):
    assert read_claims(repository / "tests" / "expected" / "mini.yaml") == CLAIMS


def test_the_command_fails_with_the_row(repository, results, capsys):
    assert main(["check", "config.yaml"]) == 0
    write(results, **GOOD | {"ratio": 3})
    assert main(["check", "config.yaml"]) == 1
    assert "FAILED  size: 3, expected 10 ± 0.5 (results/mini/table.csv" in capsys.readouterr().out


def test_missing_results_name_the_command(repository, results, capsys):
    (results / "mini" / "table.csv").unlink()
    assert main(["check", "config.yaml"]) == 1
    assert "results/mini/table.csv is missing; `make run` makes it" in capsys.readouterr().err


def test_a_refresh_makes_the_results_the_claims(repository, results):
    """Three seeds: 3 s sqrt(2 / 3), worked out by hand; s is 1 point, and 10 % of the ratio."""
    drops = {"dense_drop_mean": [0.0, 1.0, 2.0], "dense_drop_mean_high": 3.0}
    write(results, seeds=["1", "2", "3"], ratio=[18.0, 20.0, 22.0], **drops)
    record()
    assert main(["refresh", "config.yaml", "--time", "an hour"]) == 0
    new = read_claims(repository / "tests" / "expected" / "mini.yaml")
    assert [claim.measured for claim in new.claims] == [
        Measured(20.0, 4.9, 3, "3 seeds, 1 machine"),
        Measured(1.0, 2.45, 3, "3 seeds, 1 machine", 3.5),
        Measured(7.0, 0.01, 1, "rounding"),
    ]
    assert (new.time, new.hardware) == ("an hour", "two cores")
    readme = (repository / "README.md").read_text()
    assert readme.startswith("above\n")
    assert readme.endswith("below\n")
    assert "old" not in readme
    for words in ("| 20 ± 4.9 ", "| at most 3.5; 1 found |", "| 7 ", "| 3 seeds, 1 machine "):
        assert words in readme
    assert main(["check", "config.yaml"]) == 0


def test_a_bound_is_not_below_the_interval(repository, results):
    write(results, ["1", "2"], ratio=20.0, dense_drop_mean=[1, 1.5], dense_drop_mean_high=4.01)
    record()
    assert main(["refresh", "config.yaml"]) == 0
    drop = read_claims(repository / "tests" / "expected" / "mini.yaml").claims[1]
    assert drop.measured.bound == 4.1
    assert drop.measured.tolerance == 1.07  # 3 x 0.3536 x 1, upwards


def test_a_bound_allows_for_landmarks(repository, results):
    """Of a column whose plain interval has the shorter name."""
    highs = {"dense_drop_mean_high": 2.0, "dense_drop_mean_landmarks_high": 6.01}
    write(results, ["1", "2"], ratio=20.0, dense_drop_mean=[1, 1.5], **highs)
    record()
    assert main(["refresh", "config.yaml"]) == 0
    drop = read_claims(repository / "tests" / "expected" / "mini.yaml").claims[1]
    assert drop.measured.bound == 6.1


@pytest.mark.parametrize("high", [float("inf"), float("nan")])
def test_a_bound_is_a_number(repository, results, capsys, high):
    write(results, ["1", "2"], ratio=20.0, dense_drop_mean=[1, 1.5], dense_drop_mean_high=high)
    record()
    assert main(["refresh", "config.yaml"]) == 1
    assert "drop: its interval has no upper end" in capsys.readouterr().err


def unchanged(repository, capsys, message):
    files = ("tests/expected/mini.yaml", "README.md")
    before = [(repository / name).read_text() for name in files]
    assert main(["refresh", "config.yaml"]) == 1
    assert message in capsys.readouterr().err
    assert [(repository / name).read_text() for name in files] == before


def test_a_refresh_that_fails_changes_nothing(repository, results, capsys):
    unchanged(repository, capsys, "size: no spread of ratio is known; make record-claims")
    write(results, ["1", "2"], **GOOD | {"ratio": [1.0, 30.0]})
    record()
    unchanged(repository, capsys, "size (ratio where model vgg16, bits 5): the tolerance of 15.5")
    (results / "mini" / "table_seeds.csv").unlink()
    unchanged(repository, capsys, "results/mini/table_seeds.csv is missing; `make run` makes it")


def test_a_record_adds_a_machine_and_replaces_its_own(repository, results):
    for machine, ratio in (("A", 10.0), ("B", 11.0), ("A", 12.0)):
        write(results, **GOOD | {"ratio": ratio})
        record(machine=machine)
    runs = read_runs(repository / "tests" / "expected" / "mini_runs.csv")
    sizes = runs[runs["column"] == "ratio"]
    assert sizes[["machine", "value"]].to_numpy().tolist() == [["A", 12.0], ["B", 11.0]]
    assert set(runs["column"]) == {"ratio", "dense_drop_mean"}
    assert set(runs["commit"]) == {"abc"}
    assert main(["refresh", "config.yaml"]) == 0
    new = read_claims(repository / "tests" / "expected" / "mini.yaml")
    assert new.claims[0].measured.rests_on == "1 seed, 2 machines"
    assert new.claims[1].measured.rests_on == "1 seed, 2 machines, rounding"


def test_a_record_needs_one_row_a_seed(repository, results, capsys):
    write(results, ["1", "1"], **GOOD)
    assert main(["record", "config.yaml", "--commit", "abc"]) == 1
    assert "2 rows with model vgg16, bits 5; one a seed is needed" in capsys.readouterr().err


def test_a_wrong_file_of_claims_is_named(tmp_path):
    path = tmp_path / "mini.yaml"
    write_claims(path, CLAIMS)
    text = path.read_text()
    for right, wrong, message in (
        ("tolerance:", "tolerence:", "tolerence"),
        ("kind: value", "kind: about", "size: kind is 'about'; use one of"),
        ("mean: 10.0", "mean: 0.4", "size .*not smaller"),
    ):
        path.write_text(text.replace(right, wrong))
        with pytest.raises(ClaimsError, match=rf"mini\.yaml: .*{message}"):
            read_claims(path)
    path.write_bytes(b"study: \xff")
    with pytest.raises(ClaimsError, match=r"mini\.yaml: .*can't decode.*; see another"):
        read_claims(path)
    with pytest.raises(ClaimsError, match="no claims are made"):
        read_claims(tmp_path / "other.yaml")


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ClaimsError, match="put them back"):
        with_claims("no table here", [CLAIMS])


COMMITTED = all_claims(ROOT / "tests" / "expected")


def test_the_readme_has_the_claims():
    readme = (ROOT / "README.md").read_text()
    assert {each.study for each in COMMITTED} >= {"mini", "subset", "phone"}
    assert with_claims(readme, COMMITTED) == readme, (
        "make refresh-claims writes the README's tables"
    )


@pytest.mark.parametrize("study", COMMITTED, ids=lambda each: each.study)
def test_no_committed_claim_is_wider_than_what_it_claims(study):
    """By the files' own numbers, whatever the reader of claims lets through."""
    held = yaml.safe_load((ROOT / "tests" / "expected" / f"{study.study}.yaml").read_text())
    for claim in held["claims"]:
        measured = claim["measured"]
        if claim["kind"] == "at most":
            assert measured["bound"] >= measured["mean"] + measured["tolerance"] - 1e-9, claim
        else:
            assert measured["tolerance"] < abs(measured["mean"]), claim
        assert claim["column"] != "drop_mean", "drops are claimed on the dense queries"


@pytest.mark.parametrize("study", COMMITTED, ids=lambda each: each.study)
def test_committed_tolerances_follow_from_the_recorded_runs(study):
    runs = read_runs(ROOT / "tests" / "expected" / f"{study.study}_runs.csv")
    for claim in study.claims:
        mean, trainings = claim.measured.mean, claim.measured.trainings
        expected = claim.measured.tolerance, claim.measured.rests_on
        assert tolerance(claim, mean, trainings, study.claims, runs) == expected, claim.claim


@pytest.mark.parametrize(
    ("study", "config"),
    [
        ("mini", ["config.yaml"]),
        ("subset", ["config/subset.yaml"]),
        ("subset-crops", CROPS),
        ("phone", ["config/phone.yaml"]),
    ],
)
def test_claims_are_about_cells_of_the_study(study, config):
    """A claim of a cell that the grid no longer has could never hold."""
    settings = load_config(*(ROOT / name for name in config))
    versions = [BASE, *(recipe.version for recipe in study_recipes(settings))]
    for claim in read_claims(ROOT / "tests" / "expected" / f"{study}.yaml").claims:
        wanted = {key: value for key, value in claim.row.items() if key in COLUMNS}
        lines = ({key: str(x) for key, x in columns_of(each).items()} for each in versions)
        assert not wanted or any(wanted.items() <= line.items() for line in lines), claim.claim
