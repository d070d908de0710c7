"""A descriptor of fewer components: the cheapest compression there is."""

import copy

import torch

from pocketvlad.networks.network import RetrievalNetwork


@torch.no_grad()
def shortened(network: RetrievalNetwork, length: int | None) -> RetrievalNetwork:
    """`network`, if all components are kept; else one that shares all but the projection with it,
    and whose descriptors have nothing but zeros after their first `length` components.

    A projection by principal components orders them by their variance, so that the last ones are
    missed least. They become zeros, which cost nothing in a file; a search may leave them out, too.

    Args:
        length: None for all.

    Raises:
        ValueError: the descriptor is shorter, or its components are in no order.
    """
    whole = network.architecture.length
    if length is not None and length > whole:
        raise ValueError(
            f"length {length} is more than the descriptor's {whole} components; give {whole} or "
            "less"
        )
    if length is None:
        return network
    # What deepcopy finds in its memo it takes as it is.
    shared = (network.backbone, network.pooling)
    result = copy.deepcopy(network, {id(part): part for part in shared})
    result.projection.shorten(length)
    return result
