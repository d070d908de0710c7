"""Cells: their paths, and what a grid of blocks unfolds to."""

import pytest

from pocketvlad.compression.grid import Cell, grid_cells, parse_version

BLOCK = {
    "thresholds": ["0.005", "0.01"],
    "l1": ["0"],
    "quantizers": ["kmeans"],
    "bits": [8, 5],
    "codebooks": ["fixed"],
}


def test_blocks_unfold_to_every_combination_once():
    overlapping = BLOCK | {"thresholds": ["0.01"], "codebooks": ["fixed", "trained"]}
    cells = grid_cells([BLOCK, overlapping])
    assert [cell.version for cell in cells] == [
        "0.005/l1-0/kmeans-8-fixed",
        "0.005/l1-0/kmeans-5-fixed",
        "0.01/l1-0/kmeans-8-fixed",
        "0.01/l1-0/kmeans-5-fixed",
        "0.01/l1-0/kmeans-8-trained",
        "0.01/l1-0/kmeans-5-trained",
    ]


@pytest.mark.parametrize(
    "cell",
    [Cell("0.05", "0", "uniform", 8, "fixed"), Cell("0.001", "0.00001", "kmeans", 5, "trained")],
)
def test_a_path_names_its_cell(cell):
    assert parse_version(cell.version) == {"version": "quantized", **cell.as_dict()}


def test_uncompressed_versions_have_no_cell():
    row = parse_version("base")
    assert row["bits"] == 32
    assert {row[key] for key in ("threshold", "l1", "quantizer", "codebook")} == {"none"}
