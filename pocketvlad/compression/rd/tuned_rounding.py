"""Rounding, tuning, and the choice between what they made.

Tuning may fit the crops that it saw and nothing else. So a fifth of the photographs are kept from
it, and what has the least squared distance plus worth of bits on crops of these is kept.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

import torch

from pocketvlad.compression.paired_layers import paired_features
from pocketvlad.compression.rd.account import AS_ROUNDED
from pocketvlad.compression.rd.allowance import allowed_errors
from pocketvlad.compression.rd.crops import drawn_crops
from pocketvlad.compression.rd.quantize import round_in_axes, round_projection
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.training_task import without_held_out
from pocketvlad.compression.rd.tuning import tune
from pocketvlad.compression.rd.unread import clear_unread
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.symbol_model import coded_bits
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.distillation import DistillationObjective

TUNED, PROJECTION_ANEW = "tuned", "tuned, projection rounded anew"
_JUDGED = 64  # crops of the photographs that are kept from tuning


@dataclass(frozen=True)
class _Candidate:
    """codes: the layers of `network`."""

    name: str
    network: RetrievalNetwork
    codes: Mapping[str, QuantizedTensor]


def _best(
    candidates: list[_Candidate], objective: DistillationObjective, worth: float
) -> _Candidate:
    """The one of least distance plus worth of bits; of equals the first."""
    costs = []
    for each in candidates:
        distance = -objective.validate(each.network)
        bits = sum(map(coded_bits, each.codes.values()))
        costs.append(distance + worth * bits)
        print(
            f"{each.name}: squared distance {distance:.4f} on crops of photographs that were not "
            f"tuned on, {bits / 8:,.0f} bytes of symbols, together {costs[-1]:.4f}"
        )
    best = candidates[costs.index(min(costs))]
    print(f"kept: {best.name}")
    return best


@torch.no_grad()
def round_and_tune(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    source: CropSource,
    crops: CropSettings,
    distortion: float,
    settings: RoundingSettings,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> tuple[dict[str, QuantizedTensor], str]:
    """`quantize.round_network`, then `tune`, where that is better.

    Args:
        settings: with `tuning`.
        checkpoint: of the tuning; rounding is done again.

    Returns:
        the layers as codes, and what was kept: `AS_ROUNDED`, `TUNED` or `PROJECTION_ANEW`.

    Raises:
        CoincidingError: as `round_network` does.
        FloatingPointError: tuning failed; says which setting to lower.
        ValueError: there is one photograph.
    """
    seen, held = without_held_out(source)
    if not seen.paths:
        raise ValueError(
            f"rd.tuning: {len(held.paths)} photograph to round on, which is kept to judge by; give "
            "two or more, or leave out rd.tuning"
        )
    error, error_of_fine = allowed_errors(network, distortion, settings)
    codes, turned = round_in_axes(network, teacher, source, crops, distortion, settings, seed)
    worth = settings.multiplier * error
    tuned = copy.deepcopy(network)
    tuned_codes = tune(tuned, codes, teacher, seen, crops, worth, settings.tuning, seed, checkpoint)
    tuned_codes = clear_unread(tuned, tuned_codes)
    candidates = [_Candidate(AS_ROUNDED, network, codes), _Candidate(TUNED, tuned, tuned_codes)]
    if network.projection.linear:
        anew = copy.deepcopy(tuned)
        anew.projection.load_state_dict(turned.projection.state_dict())
        drawn = drawn_crops(anew, source, crops, settings, seed)
        features = paired_features(anew, turned, chain(drawn.batches, drawn.more))
        projection = round_projection(anew, turned, features, error_of_fine, settings)
        candidates.append(_Candidate(PROJECTION_ANEW, anew, tuned_codes | projection))
    judged = replace(crops, crops=2 * _JUDGED)  # it measures on half of them
    best = _best(candidates, DistillationObjective(held, judged, teacher), worth)
    network.load_state_dict(best.network.state_dict())
    return dict(best.codes), best.name
