"""The pooling's weights: few beside the others, and rounded to the nearest level."""

import torch

from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible_of
from pocketvlad.networks.network import RetrievalNetwork


@torch.no_grad()
def round_clusters(network: RetrievalNetwork, bits: int) -> dict[str, QuantizedTensor]:
    """Round the pooling of `network` in place, each row with a scale of its own.

    Args:
        bits: of a weight.

    Returns:
        by tensor what it has become; empty for a pooling without weights.
    """
    found = {}
    for name, weight in compressible_of(network, Part.POOLING).items():
        found[name] = quantize_tensor(weight.cpu().numpy(), "uniform-row", bits)
        weight.copy_(torch.from_numpy(found[name].dequantize()))
    return found
