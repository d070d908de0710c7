"""Print what a compressed model consists of: each layer's shape, zeros, bits and bytes."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketvlad.format.inspection import LayerReport

OUTPUTS = {}
_HEADINGS = ("layer", "shape", "coding", "levels", "% zero", "bits/weight", "bytes", "ratio")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad file")


def _line(report: "LayerReport") -> tuple:
    from pocketvlad.format.inspection import ratio

    return (
        report.name,
        " x ".join(map(str, report.shape)),
        report.coding,
        report.levels or "",
        f"{report.zero_percent:.1f}",
        f"{report.bits_a_weight:.3f}",
        f"{report.bytes:,}",
        f"{ratio(report):.1f}",
    )


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError where the file cannot be decoded."""
    import json

    from tabulate import tabulate

    import pocketvlad

    contents = pocketvlad.inspect(arguments.file)
    lines = [_line(layer) for layer in contents.layers]
    sums = [_line(part) for part in contents.parts]
    sums.append(("header", "", "", "", "", "", f"{contents.header_bytes:,}", ""))
    sums.append(_line(contents.total))
    print(json.dumps(contents.header, indent=1))
    print(
        tabulate(
            [*lines, [""] * len(_HEADINGS), *sums],
            _HEADINGS,
            disable_numparse=True,
            colalign=("left", "left", "left", *["right"] * 5),
        )
    )
