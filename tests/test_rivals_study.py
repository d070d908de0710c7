"""The rivals of a small study, from its models to their table."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image
from workflow_runs import ROOT, job_counts, snakemake

from pocketvlad.baselines.rivals.coders import cerwu
from pocketvlad.report.rows import read_table


@pytest.fixture(scope="module")
def rivals(small_study):
    """The folder with the study's results, and its table of rivals."""
    folder, _ = small_study
    command = ("--cores", "2", "rivals", "--configfile", "small.yaml")
    counts = job_counts(snakemake(folder, *command))
    each = {"compress_rival": 8, "evaluate_rival": 8, "compress_symbols": 6}
    assert counts == each | {"tabulate_rivals": 1, "rivals": 1}
    results = folder / "results" / "small"
    return results, pd.read_csv(results / "rivals.csv").set_index("name")


CELL = "0.01-l1-0-kmeans-5-fixed"


def test_every_rival_has_a_line(rivals):
    results, table = rivals
    names = ["base", "cerwu_1.5_0.1", "deep-compression_0.01", "float16", "int8"]
    assert list(table.index) == names + [f"{each}_{CELL}" for each in ("pvlad", "zstd", "xz")]
    own = read_table(results / "table.csv")
    base, cell = own.iloc[0], own[(own["bits"] == 5) & (own["codebook"] == "fixed")].iloc[0]
    for city in ("oxford", "paris"):
        # Half precision moves a descriptor by a thousandth; what is coded without loss, not at all.
        assert table.loc["float16", f"map_{city}"] == pytest.approx(base[f"map_{city}"], abs=2)
        for name in table.index[-3:]:
            assert table.loc[name, f"map_{city}"] == pytest.approx(cell[f"map_{city}"], abs=1e-3)
            assert table.loc[name, f"drop_{city}"] == pytest.approx(cell[f"drop_{city}"], abs=1e-3)
        assert table.loc["base", f"file_bytes_{city}"] == base[f"file_bytes_{city}"]
        assert table.loc[f"pvlad_{CELL}", f"file_bytes_{city}"] == cell[f"file_bytes_{city}"]
    sizes = [cell[f"file_bytes_{city}"] for city in ("oxford", "paris")]
    assert sizes[0] != sizes[1]
    assert cell["ratio"] == pytest.approx(4 * cell["parameters"] / (sum(sizes) / 2), rel=1e-5)
    assert table.loc[f"pvlad_{CELL}", "ratio"] == pytest.approx(cell["ratio"], rel=1e-5)
    assert table.loc["float16", "ratio"] == pytest.approx(2, rel=0.03)
    assert 3 < table.loc["int8", "ratio"] < 4
    assert table.loc["cerwu_1.5_0.1", "ratio"] > 10
    costs = table[["encode_seconds", "decode_seconds", "encode_memory_mb", "decode_memory_mb"]]
    assert (costs.iloc[1:] > 0).all(axis=None)


def test_sizes_are_those_of_the_files(rivals):
    results, table = rivals
    for name in table.index[1:]:
        for trained, tested in (("oxford", "paris"), ("paris", "oxford")):
            path = results / "rivals" / "vgg16" / trained / "seed-1" / name
            size = path.with_name(f"{name}.bin").stat().st_size
            assert table.loc[name, f"file_bytes_{tested}"] == size
            measured = json.loads(path.with_name(f"{name}.json").read_text())
            assert measured["file_bytes"] == size
    # What rivals decode to is kept until it is scored.
    assert not list((results / "rivals").rglob("*.safetensors"))


def test_a_fitted_rival_keeps_the_components_that_rd_keeps(rivals):
    results, _ = rivals
    for trained in ("oxford", "paris"):
        training = Path("vgg16") / trained / "seed-1"
        settings = json.loads((results / "models" / training / "settings.json").read_text())
        length = settings["rd.length"]["chosen"]
        decoded = cerwu.decode((results / "rivals" / training / "cerwu_1.5_0.1.bin").read_bytes())
        [rows] = [each for each in decoded.values() if each.ndim == 2 and len(each) == 16]
        assert length < 16
        assert rows[:length].any()
        assert not rows[length:].any()


def test_page_and_figure(rivals):
    results, table = rivals
    page = (results / "rivals.md").read_text()
    assert all(label in page for label in table["label"])
    assert (results / "rivals.svg").read_text().startswith("<?xml")
    with Image.open(results / "rivals.png") as picture:
        assert picture.width > 500


def test_a_model_has_rivals_of_what_the_study_makes_of_it(rivals):
    """One with a grid of its own gets no cell of the study's grid, and no pruned model of it."""
    folder = rivals[0].parent.parent
    config = yaml.safe_load((folder / "small.yaml").read_text())
    grid = [config["grid"][0] | {"thresholds": ["0.05"], "codebooks": ["fixed"]}]
    config["models"]["other"] = config["models"]["vgg16"] | {"grid": grid}
    (folder / "two.yaml").write_text(yaml.safe_dump(config))
    counts = job_counts(snakemake(folder, "-n", "rivals", "--configfile", "two.yaml"))
    # Of two cities: in halves, in bytes and by CERWU. What is pruned and quantized is its own.
    assert counts["compress_rival"] == counts["evaluate_rival"] == 2 * 3
    assert counts["prune_model"] == counts["quantize_model"] == 2
    assert "compress_symbols" not in counts


def test_an_edited_coder_runs_again_alone(rivals):
    folder = rivals[0].parent.parent
    command = ("-n", "rivals", "--configfile", "small.yaml")
    assert job_counts(snakemake(folder, *command)) == {}
    path = folder / "pocketvlad" / "baselines" / "rivals" / "coders" / "int8.py"
    before = path.read_text()
    path.write_text(before + "\nEDITED = True\n")
    try:
        counts = job_counts(snakemake(folder, *command))
    finally:
        path.write_text(before)
    each = {"compress_rival": 2, "evaluate_rival": 2}
    assert counts == each | {"tabulate_rivals": 1, "rivals": 1}


def test_every_column_of_the_rivals_is_explained(rivals):
    _, table = rivals
    readme = (ROOT / "results" / "README.md").read_text().split("## Rivals")[1]
    for column in table.reset_index().columns:
        general = column.replace("oxford", "<city>").replace("paris", "<city>")
        assert f"`{general}`" in readme, column
