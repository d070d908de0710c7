"""A cell in words."""

from collections.abc import Mapping

from pocketvlad.compression.grid import RATE_DISTORTION


def coding_text(cell: Mapping[str, object]) -> str:
    """Quantizer, and what else than the default was done: "kmeans, trained, L1 0.001".

    Args:
        cell: a line of the results table.
    """
    parts = [str(cell["quantizer"])]
    if cell["codebook"] == "trained":
        parts.append("trained")
    if cell["l1"] not in ("0", "none"):
        parts.append(f"L1 {cell['l1']}")
    return ", ".join(parts)


def cell_text(cell: Mapping[str, object]) -> str:
    """A cell in words: "5 bits, kmeans, threshold 0.005"; of `rd`, whose rates follow, no bits.

    Args:
        cell: a line of the results table, or a JSON row.
    """
    bits = "" if cell["quantizer"] == RATE_DISTORTION else f"{cell['bits']} bits, "
    return f"{bits}{coding_text(cell)}, {dial_text(cell)}"


def dial_text(cell: Mapping[str, object]) -> str:
    """What says how much goes: "threshold 0.005", or of the quantizer `rd` "distortion 0.1"."""
    rounded = cell["quantizer"] == RATE_DISTORTION
    return f"{'distortion' if rounded else 'threshold'} {cell['threshold']}"
