"""Bytes of each layer of a model, before and after compression."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.inspection import LayerReport, layer_reports
from pocketvlad.format.stored import HEADER
from pocketvlad.util.size import float32_bytes


def layer_name(tensor: str, part: str) -> str:
    """What a layer is called for readers, its weights and biases together: its path in its part.

    >>> layer_name("backbone.conv1_1.weight", "backbone")
    'conv1_1'
    >>> layer_name("projection.bias", "projection")
    'projection'
    """
    path = tensor.rpartition(".")[0]
    return path.removeprefix(f"{part}.")


def layer_bytes(
    directions: Sequence[tuple[Sequence[LayerReport], int, int]],
) -> pd.DataFrame:
    """A line a layer, in the file's order, then one for the header; bytes are means.

    Columns: layer, part, weights, zero_percent, base_bytes, compressed_bytes, bits_a_weight.

    Args:
        directions: for each training city the compressed model's reports, and the bytes of its
            file and of its base model's.
    """
    rows = []
    for reports, file_bytes, base_file_bytes in directions:
        for report in reports:
            rows.append(
                {
                    "layer": layer_name(report.name, report.label.part),
                    "part": str(report.label.part),
                    "weights": report.weights,
                    "zeros": report.zeros,
                    "base_bytes": float32_bytes(report.weights),
                    "compressed_bytes": report.bytes,
                }
            )
        rows.append(
            {
                "layer": HEADER,
                "part": HEADER,
                "weights": 0,
                "zeros": 0,
                "base_bytes": base_file_bytes - sum(float32_bytes(r.weights) for r in reports),
                "compressed_bytes": file_bytes - sum(r.bytes for r in reports),
            }
        )
    table = pd.DataFrame(rows).groupby(["layer", "part"], sort=False).sum() / len(directions)
    table["zero_percent"] = 100 * table.pop("zeros") / table["weights"].where(table["weights"] > 0)
    table["bits_a_weight"] = (
        8 * table["compressed_bytes"] / table["weights"].where(table["weights"] > 0)
    )
    return table.reset_index()


def layer_bytes_of_files(directions: Iterable[tuple[Path, Path]]) -> pd.DataFrame:
    """`layer_bytes` of files.

    Args:
        directions: for each training city the compressed model and its base model.
    """
    found = []
    for compressed, base in directions:
        with open_compressed(compressed) as model:
            reports = layer_reports(model)
        found.append((reports, compressed.stat().st_size, base.stat().st_size))
    return layer_bytes(found)
