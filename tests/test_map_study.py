"""The maps of a small study, from its base models to their table."""

import pandas as pd
import pytest
import yaml
from workflow_runs import job_counts, snakemake

from pocketvlad.report.rows import read_table


@pytest.fixture(scope="module")
def maps(small_study):
    """The folder with the study's results, and its table of maps by code."""
    folder, _ = small_study
    config = yaml.safe_load((folder / "small.yaml").read_text())
    config["map"] = {"codes": ["pq4", "bits-8+int8"], "places": [1000], "cells": []}
    (folder / "map.yaml").write_text(yaml.safe_dump(config))
    output = snakemake(folder, "--cores", "2", "maps", "--configfile", "map.yaml")
    each = {"describe_cities": 2, "code_maps": 2}
    assert job_counts(output) == each | {"tabulate_maps": 1, "maps": 1}
    results = folder / "results" / "small"
    return results, pd.read_csv(results / "map.csv").set_index("code")


def test_float32_scores_as_the_study_does(maps):
    results, table = maps
    base = read_table(results / "table.csv").iloc[0]
    assert list(table.index) == ["float32", "pq4", "bits-8+int8"]
    for city in ("oxford", "paris"):
        for column in (f"map_{city}", f"dense_map_{city}"):
            assert table.loc["float32", column] == pytest.approx(base[column], abs=1e-3)
        assert table.loc["float32", f"file_bytes_{city}"] == base[f"file_bytes_{city}"]
        assert table.loc["float32", f"places_{city}"] == 34
    assert list(table["place_bytes"]) == [64, 4, 1 + 16]
    assert (results / "plots" / "map.svg").read_text().startswith("<?xml")
    assert "bits-8+int8" in (results / "map.html").read_text()


def test_another_code_describes_nothing_again(maps):
    folder = maps[0].parent.parent
    config = yaml.safe_load((folder / "map.yaml").read_text())
    config["map"]["codes"].append("int8")
    (folder / "changed.yaml").write_text(yaml.safe_dump(config))
    command = ("-n", "maps", "--configfile", "changed.yaml")
    assert job_counts(snakemake(folder, *command)) == {
        "code_maps": 2,
        "tabulate_maps": 1,
        "maps": 1,
    }
