"""OPTQ, also known as GPTQ, and entropy coding (Frantar, Ashkboos, Hoefler & Alistarh, ICLR 2023).

Columns are rounded in order, each weight to the nearest level; those not yet rounded compensate for
the error (`second_order`). Each row has a step of its own, as published, or a layer has one, as in
the baseline of that name of Conzelmann & Bamler (arXiv 2505.18758). As there, levels are
entropy-coded; here by our own format.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pocketvlad.baselines.rivals.coders import pvlad
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role

if TYPE_CHECKING:
    from pocketvlad.baselines.rivals.layers_file import Layers
    from pocketvlad.compression.rd.calibration import Calibration

OF_SYMBOLS = True
"""It codes quantized layers."""

decode = pvlad.decode


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One a step of `rivals.optq`, of every base model."""
    asked_for = section.get("optq", {})
    return [
        Rival(
            f"{name}_{step:g}",
            f"{words}, step {step:g}",
            "optq",
            "base",
            {"coarseness": step, "by_rows": by_rows},
            fitted=True,
        )
        for key, name, words, by_rows in (
            ("steps", "optq", "OPTQ", False),
            ("row_steps", "optq-rows", "OPTQ by rows", True),
        )
        for step in asked_for.get(key, [])
    ]


def fit(
    calibration: "Calibration", coarseness: float, by_rows: bool
) -> tuple["Layers", dict[str, Role]]:
    """The base model, rounded.

    Args:
        coarseness, by_rows: see `second_order.rounded_layers`.
    """
    from pocketvlad.baselines.rivals.second_order import rounded_layers

    return rounded_layers(calibration, coarseness, multiplier=0.0, by_rows=by_rows)


def encode(layers: Mapping[str, np.ndarray | QuantizedTensor], roles: Mapping[str, Role]) -> bytes:
    """`layers` as a file of our format, biases in half precision."""
    return pvlad.encode(layers, roles, header={}, parts={}, small="float16")
