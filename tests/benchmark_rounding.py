"""What each step of the quantizer `rd` is worth, and how far its rates are above the bound.

    python tests/benchmark_rounding.py BASE.safetensors PHOTOGRAPHS [--crops 128] [--trellis]

Rounds a model with all steps, at two distortions, then with one step removed at a time; four in
five of the photographs are rounded on, the distance is that of the others, whole. Bits are compared
at equal distance, by the slope between the first two. A run takes minutes.
"""

import argparse
import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from rounding_bound import layer_bound
from tabulate import tabulate

from pocketvlad.compression.layer_samples import outputs_at
from pocketvlad.compression.rd import convolution, descent, quantize, rounding
from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.rounding import to_multiples
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSettings, CropSource
from pocketvlad.format import symbol_model
from pocketvlad.format.roles import Part
from pocketvlad.format.symbol_model import SymbolModel
from pocketvlad.networks.device import run_on
from pocketvlad.networks.labels import compressible_of
from pocketvlad.networks.model import read_model
from pocketvlad.retrieval.describe import describe
from pocketvlad.retrieval.photographs import model_sizing, photographs
from pocketvlad.retrieval.self_retrieval import held_out


def _own_outputs(pair, places, wanted, damping):
    own = outputs_at([pair.original(given) for given in pair.given], places)
    return _equations(pair, places, own - own.mean(dim=0), damping)


def _undrawn(moments, right, draw, dtype):
    return _prepared(moments, right, torch.zeros_like(draw), dtype)


def _alike(sensitive, *errors):
    """The same error for all outputs of a layer."""
    mean = sensitive.outputs.mean().expand_as(sensitive.outputs)
    return _allowed(replace(sensitive, outputs=mean), *errors)


def _uncorrected(pair, *rest):
    biases = None if pair.layer.bias is None else pair.layer.bias.clone()
    quantized = _round_convolution(pair, *rest)
    if biases is not None:
        pair.layer.bias.copy_(biases)
    return quantized


def _as_they_are(weight, multiples, step, transformed=False, scales=None, on_trellis=False):
    return _quantized(weight, multiples, step, scales=scales, on_trellis=on_trellis)


def _one_model(codes, magnitudes):
    return SymbolModel(*(np.zeros(count, np.uint8) for count in codes.shape), 0, 1)


def _nearest(target, factor, step, most):
    return to_multiples(target, step, most)


def _unscaled(inputs, groups):
    return torch.ones_like(inputs[0])


def _nearest_linear(weight, samples, wanted, step, most, *rest, **options):
    return to_multiples(weight, step, most)


_PROJECTION = "projection"
_equations, _prepared = convolution._equations, convolution._prepared
_quantized, _allowed = convolution.quantized_in_place, quantize._allowed
_round_convolution = quantize.round_convolution
WITHOUT: dict[str, list[tuple[object, str, Callable]]] = {
    "coefficients of kernels": [
        (convolution, "cosine_basis", lambda *size: np.ones((1, 1))),
        (convolution, "quantized_in_place", _as_they_are),
    ],
    "shrinkage": [(convolution, "_prepared", _undrawn)],
    "sequential targets": [(convolution, "_equations", _own_outputs)],
    "error feedback in convolutions": [(convolution, "round_in_order", _nearest)],
    "bias correction": [(quantize, "round_convolution", _uncorrected)],
    "coordinate descent": [(convolution, "descend", lambda multiples, *rest: multiples)],
    "rotation of the features": [(quantize, "is_rotatable", lambda network: False)],
    "scales of the projection's columns": [(quantize, "column_scales", _unscaled)],
    "error feedback in the projection": [(quantize, "round_with_few_samples", _nearest_linear)],
    "sensitivities of outputs": [(quantize, "_allowed", _alike)],
    "axes of the streams": [(quantize, "turn_streams", lambda network, batches: False)],
    "clearing what nothing reads": [(quantize, "clear_unread", lambda network, codes: codes)],
    "frequency models by magnitude": [
        (symbol_model, "fit_model", _one_model),
        (descent, "fit_model", _one_model),
    ],
}


@dataclass(frozen=True)
class Result:
    backbone_bits: float
    projection_bits: float
    distance: float
    seconds: float

    @property
    def bits(self) -> float:
        return self.backbone_bits + self.projection_bits


def _convolution_bound(
    moments: torch.Tensor,
    right: torch.Tensor,
    layer: torch.nn.Conv2d,
    allowed: convolution.AllowedErrors,
) -> float:
    """Bits a weight by `layer_bound`, of the groups' moments and right-hand sides (`_equations`).

    An output that may have more errors is less sensitive to them.
    """
    basis = convolution._basis(layer)
    own = convolution._to_coefficients(layer.weight.detach().double().flatten(1), basis)
    best = torch.linalg.solve(moments, right.mT).mT
    errors = best - convolution._by_group(own, layer)
    sensitivities = convolution._by_group(1 / allowed.outputs.double(), layer)
    return layer_bound(best.unflatten(2, (-1, len(basis))), moments, errors, sensitivities)


def _projection_bound(blocks: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> float:
    """The same of (weights, factor, errors) of blocks rounded in order.

    What a block's errors cost, later blocks having answered, adds up over the blocks to what all
    cost; so do the logarithms of the moments' eigenvalues.
    """
    weights, factors, errors = map(torch.stack, zip(*blocks, strict=True))
    left = torch.stack([torch.cholesky_inverse(each.double(), upper=True) for each in factors])
    alike = torch.ones(weights.shape[:2], dtype=torch.float64, device=weights.device)
    return layer_bound(weights[..., None], left, errors, alike)


@contextmanager
def bounds(found: list[tuple[str, int, float, float]]) -> Iterator[None]:
    """Gather (layer, weights, bits a weight, those of the bound at the same error)."""
    equations, blocks = [], []

    def recording(*given):
        centre, moments, right = _equations(*given)
        equations[:] = moments, right
        return centre, moments, right

    def in_block(weight, factor, step, *rest):
        multiples = in_order(weight, factor, step, *rest)
        blocks.append((weight, factor, weight - multiples * step))
        return multiples

    def noted(name: str, quantized, bound: float):
        size = quantized.codes.size
        found.append((name, size, symbol_model.coded_bits(quantized) / size, bound))
        return quantized

    def noted_convolution(pair, allowed, *rest):
        quantized = round_convolution(pair, allowed, *rest)
        return noted(pair.name, quantized, _convolution_bound(*equations, pair.layer, allowed))

    def projection(*given):
        return noted(_PROJECTION, round_linear(*given), _projection_bound(blocks))

    in_order = rounding.round_in_order
    round_convolution, round_linear = quantize.round_convolution, quantize._round_linear
    with (
        patch.object(convolution, "_equations", recording),
        patch.object(quantize, "round_convolution", noted_convolution),
        patch.object(rounding, "round_in_order", in_block),
        patch.object(quantize, "_round_linear", projection),
    ):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--crops", type=int, default=128)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--distortion", type=float, default=0.2)
    parser.add_argument("--trellis", action="store_true", help="with `rd.trellis`")
    parser.add_argument("--only", nargs="*", choices=list(WITHOUT), default=list(WITHOUT))
    arguments = parser.parse_args()
    base = read_model(arguments.model)
    run_on(base.network, "auto", "float32")
    sizing = model_sizing(base)
    pictures = photographs(arguments.photographs, base, sizing).pictures
    held = held_out(list(pictures))
    paths = {name: each.path for name, each in pictures.items() if name not in held}
    source = CropSource(paths, True, sizing.interpolation, base.preprocessing)
    crops = CropSettings(crops=1, batch=8, image_size=arguments.image_size, crop=0.7, colour=0.2)
    settings = RoundingSettings(
        crops=arguments.crops,
        patches=125 * arguments.crops,
        damping=0.01,
        projection_crops=2 * arguments.crops,
        ridge=1.0,
        pooled=0.7,
        cluster_bits=6,
        multiplier=4.0,
        sweeps=5,
        trellis=arguments.trellis,
    )

    def described(network) -> np.ndarray:
        shown = [pictures[name] for name in held]
        return describe(network, shown, sizing, base.preprocessing, label="distance")

    wanted = described(base.network)

    def run(distortion: float, label: str) -> Result:
        begin, network = time.perf_counter(), copy.deepcopy(base.network)
        codes = round_network(network, base.network, source, crops, distortion, settings, 1)
        bits = {
            part: sum(
                symbol_model.coded_bits(codes[name]) for name in compressible_of(network, part)
            )
            for part in (Part.BACKBONE, Part.PROJECTION)
        }
        distance = np.square(described(network) - wanted).sum(axis=1).mean()
        result = Result(
            bits[Part.BACKBONE],
            bits[Part.PROJECTION],
            float(distance),
            time.perf_counter() - begin,
        )
        print(f"{label}, distortion {distortion:g}: {result}", flush=True)
        return result

    found: list[tuple[str, int, float, float]] = []
    with bounds(found):
        whole = run(arguments.distortion, "all steps")
    lines = [(name, *rates) for name, _, *rates in found]
    _, sizes, *by_layer = zip(*(each for each in found if each[0] != _PROJECTION), strict=True)
    lines.append(("convolutions", *(np.average(each, weights=sizes) for each in by_layer)))
    print(tabulate(lines, ("layer", "bits/weight", "bound"), floatfmt=".3f"), flush=True)
    coarse = run(2 * arguments.distortion, "all steps")
    slope = math.log(whole.bits / coarse.bits) / math.log(coarse.distance / whole.distance)
    lines = []
    for name in arguments.only:
        with ExitStack() as stack:
            for patched in WITHOUT[name]:
                stack.enter_context(patch.object(*patched))
            other = run(arguments.distortion, f"without {name}")
        equal = other.bits * (other.distance / whole.distance) ** slope
        lines.append(
            (
                name,
                other.bits / 8e6,
                other.distance,
                f"{100 * (equal / whole.bits - 1):+.0f} %",
            )
        )
    print(
        f"all steps: {whole.bits / 8e6:.3f} MB at distance {whole.distance:.4f}; slope {slope:.3f}"
    )
    print(tabulate(lines, ("without", "MB", "distance", "bytes at equal distance")))


if __name__ == "__main__":
    main()
