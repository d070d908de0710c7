"""Where a model's bytes go, layer by layer, before and after compression."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.inspection import LayerReport, layer_reports
from pocketvlad.format.parameters import layer_kind
from pocketvlad.util.size import float32_bytes

HEADER = "header"


def layer_name(parameter: str) -> str:
    """What a layer is called for readers, weights and biases together: "conv1_1"."""
    for suffix in (".weight", ".bias"):
        parameter = parameter.removesuffix(suffix)
    return parameter.removeprefix("backbone.")


def layer_bytes(
    directions: Sequence[tuple[Sequence[LayerReport], int, int]],
) -> pd.DataFrame:
    """A line a layer, in the file's order, then one for the header; bytes are means.

    Columns: layer, kind, weights, zero_percent, base_bytes, compressed_bytes, bits_a_weight.

    Args:
        directions: for each training city the compressed model's reports, and the bytes of its
            file and of its base model's.
    """
    rows = []
    for reports, file_bytes, base_file_bytes in directions:
        for report in reports:
            rows.append(
                {
                    "layer": layer_name(report.name),
                    "kind": layer_kind(report.name),
                    "weights": report.weights,
                    "zeros": report.zeros,
                    "base_bytes": float32_bytes(report.weights),
                    "compressed_bytes": report.bytes,
                }
            )
        rows.append(
            {
                "layer": HEADER,
                "kind": HEADER,
                "weights": 0,
                "zeros": 0,
                "base_bytes": base_file_bytes - sum(float32_bytes(r.weights) for r in reports),
                "compressed_bytes": file_bytes - sum(r.bytes for r in reports),
            }
        )
    table = pd.DataFrame(rows).groupby(["layer", "kind"], sort=False).sum() / len(directions)
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
