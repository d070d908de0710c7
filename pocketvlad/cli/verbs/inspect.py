"""Print what a compressed model or a map consists of, and verify it.

Of a model: each layer's shape, zeros, bits and bytes. Of a map: each section's type, shape and
bytes.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pocketvlad.util.counted import counted

if TYPE_CHECKING:
    from pocketvlad.format.inspection import LayerReport

OUTPUTS = {}
_HEADINGS = ("layer", "shape", "coding", "levels", "% zero", "bits/weight", "bytes", "ratio")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .pvmap file")


def _line(report: "LayerReport") -> tuple:
    from pocketvlad.format.inspection import ratio
    from pocketvlad.util.shown import shown

    return (
        shown(report.name),
        " x ".join(map(str, report.shape)),
        report.coding,
        report.levels or "",
        f"{report.zero_percent:.1f}",
        f"{report.bits_a_weight:.3f}",
        f"{report.bytes:,}",
        f"{ratio(report):.1f}",
    )


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError where the file cannot be decoded, or is neither."""
    from pocketvlad.format.error import FormatError
    from pocketvlad.format.map_prefix import is_map
    from pocketvlad.format.stored import is_compressed

    file = arguments.file
    if is_map(file):
        _show_map(file)
    elif is_compressed(file):
        _show_model(file)
    else:
        raise FormatError(
            f"{file}: it begins neither as a .pvlad nor as a .pvmap file does; give one of these"
        )


def _show_map(file: Path) -> None:
    import json

    from tabulate import tabulate

    import pocketvlad
    from pocketvlad.util.shown import shown

    with pocketvlad.open_map(file) as places:
        print(json.dumps(places.provenance, indent=1))
        lines = [
            (shown(each.name), each.type, " x ".join(map(str, each.shape)), f"{each.bytes:,}")
            for each in places.sections
        ]
        sections = sum(each.bytes for each in places.sections)
        lines.append(("header", "", "", f"{places.size - sections:,}"))
        lines.append(("total", "", "", f"{places.size:,}"))
        headings = ("section", "type", "shape", "bytes")
        align = ("left", "left", "left", "right")
        print(tabulate(lines, headings, disable_numparse=True, colalign=align))
        places.verify()
        lists = f", in {counted(places.lists, 'list')}" if places.lists else ""
        print(
            f"{counted(places.places, 'place')} of {counted(places.place_bytes, 'byte')} "
            f"({places.code}){lists}, "
            f"{'with' if places.located else 'without'} positions; all checksums are right"
        )


def _show_model(file: Path) -> None:
    import json

    from tabulate import tabulate

    import pocketvlad

    contents = pocketvlad.inspect(file)
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
    if crops := _crops(contents.header):
        print(crops)


def _crops(header: dict[str, object]) -> str:
    """Which of two numbers of crops is which; nothing of what was not rounded."""
    match header:
        case {
            "compression": {
                "rounding": {
                    "settings": {"crops": int(given), "projection_crops": int(projection)},
                    "crops": {"crops": int(others)},
                }
            }
        }:
            return (
                f"rounded on {counted(given, 'crop')}, its projection on {projection} "
                "(`rounding.settings`); `distance` was measured on others, half of the "
                f"{others} of `rounding.crops`"
            )
    return ""
