"""Streams of a backbone in the axes and scales in which weights take the fewest bits.

These are its principal directions, as for the inputs of a projection (`axes`). Each is scaled by
one over the root of its deviation, so that weights of larger inputs have smaller errors. Unlike
those of a projection, these scales are not stored: what writes to the stream takes them up.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pocketvlad.compression.rd.layer_inputs import watch_inputs
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.streams import Stream, streams

_POWER = 0.5  # of a deviation
_LEAST = 1e-4  # of the largest deviation: smaller ones are taken to be of this size
_TINY = 1e-30


def _moments(
    network: RetrievalNetwork, found: Iterable[Stream], batches: Iterable[Tensor]
) -> list[Tensor]:
    """[D, D] float64, of each stream: the covariances of what its readers see, added up."""
    sums: dict[nn.Module, list[Tensor]] = {
        layer: [] for stream in found for layer in stream.readers
    }

    def look(layer: nn.Module, maps: Tensor) -> None:
        rows = maps.movedim(1, 0).flatten(1).double()
        part, seen = [rows @ rows.t(), rows.sum(dim=1), rows.new_tensor(rows.shape[1])], sums[layer]
        sums[layer] = [a + b for a, b in zip(seen, part, strict=True)] if seen else part

    watch_inputs(network, sums, batches, look)
    covariances = {}
    for layer, (products, totals, count) in sums.items():
        means = totals / count
        covariances[layer] = products / count - torch.outer(means, means)
    return [sum(covariances[layer] for layer in stream.readers) for stream in found]


@torch.no_grad()
def turn_streams(network: RetrievalNetwork, batches: Iterable[Tensor]) -> bool:
    """Turn each stream into the principal directions of what is read from it, the largest first.
    The descriptors stay the same.

    Args:
        batches: of images.

    Returns:
        whether there is any stream.
    """
    found = streams(network.backbone)
    if not found:
        return False
    for stream, moments in zip(found, _moments(network, found, batches), strict=True):
        # On the CPU, so that the axes are the same wherever the rest computes.
        variances, directions = torch.linalg.eigh(moments.cpu())
        variances = variances.clamp_min(_LEAST**2 * variances.max().clamp_min(_TINY))
        scales = (variances / variances.max()) ** (-_POWER / 2)
        stream.turn(directions.flip(1).to(moments.device), scales.flip(0).to(moments.device))
    return True
