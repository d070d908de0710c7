"""CERWU: second-order rounding by error and bits at once (Conzelmann & Bamler, arXiv 2505.18758).

OPTQ in which the level of each weight is chosen by its error plus lambda times its bits, and in
which the bits of the weights not yet rounded count, too, by a quadratic estimate (`second_order`).
The publication's entropy coder is DeepCABAC; ours codes here, and says the bits.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pocketvlad.baselines.rivals.coders import optq
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.format.roles import Role

if TYPE_CHECKING:
    from pocketvlad.baselines.rivals.layers_file import Layers
    from pocketvlad.compression.rd.calibration import Calibration

OF_SYMBOLS = True
"""It codes quantized layers."""

encode, decode = optq.encode, optq.decode


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One a combination of steps and multipliers of `rivals.cerwu`, of every base model."""
    asked_for = section.get("cerwu", {})
    return [
        Rival(
            f"cerwu_{step:g}_{multiplier:g}",
            f"CERWU, step {step:g}, multiplier {multiplier:g}",
            "cerwu",
            "base",
            {"coarseness": step, "multiplier": multiplier},
            fitted=True,
        )
        for step in asked_for.get("steps", [])
        for multiplier in asked_for.get("multipliers", [])
    ]


def fit(
    calibration: "Calibration", coarseness: float, multiplier: float
) -> tuple["Layers", dict[str, Role]]:
    """The base model, rounded.

    Args:
        coarseness, multiplier: see `second_order.rounded_layers`.
    """
    from pocketvlad.baselines.rivals.second_order import rounded_layers

    return rounded_layers(calibration, coarseness, multiplier)
