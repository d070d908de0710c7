"""What a compressed model consists of, layer by layer."""

from dataclasses import dataclass

import numpy as np

from pocketvlad.format.compressed_file import CompressedModel
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Label
from pocketvlad.util.size import float32_bytes


@dataclass(frozen=True)
class LayerReport:
    """One layer: its share of zeros, how it is coded, what it costs in the file."""

    name: str
    label: Label | None  # None: a sum
    shape: tuple[int, ...]
    coding: str
    levels: int | None  # None: not quantized
    weights: int
    zeros: int
    bytes: int

    @property
    def zero_percent(self) -> float:
        return 100 * self.zeros / self.weights

    @property
    def bits_a_weight(self) -> float:
        return 8 * self.bytes / self.weights


def layer_reports(model: CompressedModel) -> list[LayerReport]:
    """Decode every layer of `model` once and report on it.

    Raises:
        FormatError: a layer is damaged.
    """
    reports = []
    for layer, held in model:
        coded = isinstance(held, QuantizedTensor)
        values = held.dequantize() if coded else held
        reports.append(
            LayerReport(
                layer.name,
                layer.label,
                layer.shape,
                layer.coding,
                len(held.codebook) if coded else None,
                layer.weights,
                int((values == 0).sum()),
                layer.bytes,
            )
        )
    return reports


def summed(name: str, reports: list[LayerReport], more_bytes: int = 0) -> LayerReport:
    """Several layers as one line; `more_bytes` belong to none of them."""
    return LayerReport(
        name,
        None,
        (),
        "",
        None,
        sum(each.weights for each in reports),
        sum(each.zeros for each in reports),
        sum(each.bytes for each in reports) + more_bytes,
    )


def by_part(reports: list[LayerReport]) -> dict[str, LayerReport]:
    """The layers' sums by part: backbone, pooling, projection."""
    parts = dict.fromkeys(each.label.part for each in reports)
    return {
        part: summed(part, [each for each in reports if each.label.part is part]) for part in parts
    }


def ratio(report: LayerReport) -> float:
    """How many times smaller than float32 the line is."""
    return float32_bytes(report.weights) / report.bytes if report.bytes else np.inf
