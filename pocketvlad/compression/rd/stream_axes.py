"""Streams of a backbone in their principal directions, in which fewer weights take bits."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.streams import Stream, streams


def _moments(
    network: RetrievalNetwork, found: Iterable[Stream], batches: Iterable[Tensor]
) -> list[Tensor]:
    """[D, D] float64, of each stream: the covariances of what its readers see, added up."""
    sums: dict[nn.Conv2d, list[Tensor]] = {
        layer: [] for stream in found for layer in stream.readers
    }
    handles = []
    for layer, seen in sums.items():

        def look(_: nn.Module, given: tuple[Tensor], seen: list[Tensor] = seen) -> None:
            rows = given[0].movedim(1, 0).flatten(1).double()
            part = [rows @ rows.t(), rows.sum(dim=1), rows.new_tensor(rows.shape[1])]
            seen[:] = [a + b for a, b in zip(seen, part, strict=True)] if seen else part

        handles.append(layer.register_forward_pre_hook(look))
    for batch in batches:
        network.features(batch)
    for handle in handles:
        handle.remove()
    covariances = {}
    for layer, (products, totals, count) in sums.items():
        means = totals / count
        covariances[layer] = products / count - torch.outer(means, means)
    return [sum(covariances[layer] for layer in stream.readers) for stream in found]


@torch.no_grad()
def rotate_streams(network: RetrievalNetwork, batches: Iterable[Tensor]) -> bool:
    """Rotate each stream into the principal directions of what is read from it, the largest first.
    The descriptors stay the same.

    Args:
        batches: of images.

    Returns:
        whether there is any stream.
    """
    found = streams(network.backbone)
    for stream, moments in zip(found, _moments(network, found, batches), strict=True):
        # On the CPU, so that the axes are the same wherever the rest computes.
        _, directions = torch.linalg.eigh(moments.cpu())
        stream.rotate(directions.flip(1).to(moments.device))
    return bool(found)
