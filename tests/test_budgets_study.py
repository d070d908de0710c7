"""Targets of a small study, from its base models to their table."""

import re

import pandas as pd
import pytest
from workflow_runs import ROOT, job_counts, snakemake

from pocketvlad.format.compressed_file import open_compressed


@pytest.fixture(scope="module")
def budgets(small_study):
    """The folder with the study's results, and its table of targets."""
    folder, _ = small_study
    output = snakemake(folder, "--cores", "2", "budgets", "--configfile", "small.yaml")
    each = {"search_budgets": 2, "evaluate_model": 4}
    assert job_counts(output) == each | {"tabulate_budgets": 1, "budgets": 1}
    results = folder / "results" / "small"
    return results, pd.read_csv(results / "budgets.csv").set_index("target")


def test_targets_are_met_where_they_were_set(budgets):
    results, table = budgets
    assert list(table.index) == ["drop-30", "megabytes-0.1"]
    own = pd.read_csv(results / "table.csv", keep_default_na=False).iloc[0]
    for trained, tested in (("oxford", "paris"), ("paris", "oxford")):
        assert table.loc["drop-30", f"self_retrieval_drop_{tested}"] <= 30
        assert table.loc["megabytes-0.1", f"file_bytes_{tested}"] <= 100_000
        trials = pd.read_csv(results / "budgets" / f"vgg16-{trained}-seed-1.csv")
        for target in table.index:
            file = results / "models" / "vgg16" / trained / "seed-1" / "rd" / f"{target}.pvlad"
            assert table.loc[target, f"file_bytes_{tested}"] == file.stat().st_size
            with open_compressed(file) as model:
                distortion = model.header["compression"]["distortion"]
            assert table.loc[target, f"distortion_{tested}"] == distortion
            made = trials[trials["distortion"] == distortion].iloc[0]
            assert made["bytes"] == file.stat().st_size
            expected = own[f"map_{tested}"] - table.loc[target, f"map_{tested}"]
            assert table.loc[target, f"drop_{tested}"] == pytest.approx(expected, abs=1e-3)
    page = (results / "budgets.md").read_text()
    assert "drop 30" in page
    assert "megabytes 0.1" in page
    assert not list((results / "checkpoints").glob("*"))


def test_nothing_more_to_do(budgets):
    folder = budgets[0].parent.parent
    assert job_counts(snakemake(folder, "-n", "budgets", "--configfile", "small.yaml")) == {}


def test_every_column_is_explained(budgets):
    readme = (ROOT / "results" / "README.md").read_text().split("## Budgets")[1]
    explained = set(re.findall(r"`([a-z0-9_<>]+)`", readme.split("\n## ")[0]))
    for column in budgets[1].reset_index().columns:
        assert re.sub("oxford|paris", "<city>", column) in explained, column
