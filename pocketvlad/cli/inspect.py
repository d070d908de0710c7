"""Print what a compressed model consists of: each layer's shape, zeros, bits and bytes."""

import argparse
import json
from pathlib import Path

from tabulate import tabulate

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.inspection import LayerReport, by_part, layer_reports, ratio, summed

_HEADINGS = ("layer", "shape", "coding", "levels", "% zero", "bits/weight", "bytes", "ratio")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad file")


def _line(report: LayerReport) -> tuple:
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
    with open_compressed(arguments.file) as model:
        reports = layer_reports(model)
        header = model.header
    size = arguments.file.stat().st_size
    overhead = size - sum(each.bytes for each in reports)
    lines = [_line(each) for each in reports]
    sums = [_line(each) for each in by_part(reports).values()]
    sums.append(("header", "", "", "", "", "", f"{overhead:,}", ""))
    sums.append(_line(summed("total", reports, overhead)))
    print(json.dumps(header, indent=1))
    print(
        tabulate(
            [*lines, [""] * len(_HEADINGS), *sums],
            _HEADINGS,
            disable_numparse=True,
            colalign=("left", "left", "left", *["right"] * 5),
        )
    )
