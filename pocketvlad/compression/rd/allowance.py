"""How far rounding one weight may move the descriptor, so that bits are well distributed.

They are if one more bit saves as much in every layer (equal slopes; Shoham & Gersho, IEEE Trans.
Acoustics, Speech and Signal Processing, 1988). In a convolution a bit is worth `multiplier` times
the error that a weight may make: coordinate descent gives up the bits that are worth less. The
projection has no descent. There a bit for a weight that makes the error D saves 2 ln 2 D, as with
fine steps. So its weights that take bits (`water_level`) may make `multiplier` / (2 ln 2) times the
error of a convolution's. So may biases of convolutions, which are few and are not counted.
"""

import math

from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible, compressible_of
from pocketvlad.networks.network import RetrievalNetwork

FINE = 2 * math.log(2)
"""What a bit is worth at fine steps, in errors of the weight."""

_MADE = 0.7
"""The share of the projection's allowance that counts to the distance, since its zeros make less
error than they may. It has no effect on how bits are distributed, only on what a distortion stands
for: measured on VGG16 with NetVLAD (`docs/compression.md`), it gives a distance of 0.2 at 0.2."""


def allowed_errors(
    network: RetrievalNetwork, distortion: float, settings: RoundingSettings
) -> tuple[float, float]:
    """The squared distances of (a convolution's weight, a projection's weight that takes bits, or a
    bias).

    Args:
        distortion: the squared distance that rounding all weights may move the descriptor.
    """
    projection = compressible_of(network, Part.PROJECTION)
    last = sum(weight[: settings.length].numel() for weight in projection.values())
    others = sum(tensor.numel() for name, tensor in compressible(network) if name not in projection)
    coarser = max(settings.multiplier / FINE, 1.0)
    error = distortion / (others + _MADE * coarser * last)
    return error, coarser * error
