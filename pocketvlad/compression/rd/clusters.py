"""The pooling's weights: few beside the others, and rounded to the nearest level."""

import math

import torch
from torch import Tensor

from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.compression.settings import MAX_BITS
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible_of
from pocketvlad.networks.network import RetrievalNetwork


def _finer(weight: Tensor, before: Tensor) -> int:
    """The bits more that steps need to be as fine as before the rotation, to the nearest bit."""
    reach, reached = (float(each.abs().amax(dim=1).mean()) for each in (weight, before))
    return round(math.log2(reach / reached)) if reach and reached else 0


@torch.no_grad()
def round_clusters(
    network: RetrievalNetwork, bits: int, unrotated: RetrievalNetwork | None = None
) -> dict[str, QuantizedTensor]:
    """Round the pooling of `network` in place, each row with a scale of its own.

    Rotated into principal directions, a row has a few large weights, and the same number of levels
    lies further apart. It then gets the bits that keep its steps as fine as they were; once coded,
    it takes no more bytes for that.

    Args:
        bits: of a weight, in the network as it was before features were rotated.
        unrotated: that network; None for one whose features have not been rotated.

    Returns:
        by tensor what it has become; empty for a pooling without weights.
    """
    before = compressible_of(unrotated or network, Part.POOLING)
    found = {}
    for name, weight in compressible_of(network, Part.POOLING).items():
        own = min(max(bits + _finer(weight, before[name]), 1), MAX_BITS)
        found[name] = quantize_tensor(weight.cpu().numpy(), "uniform-row", own)
        weight.copy_(torch.from_numpy(found[name].dequantize()))
    return found
