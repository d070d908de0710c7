"""A descriptor of fewer components: the cheapest compression there is."""

import copy

import torch

from pocketvlad.networks.model import PlaceNet


@torch.no_grad()
def shortened(network: PlaceNet, length: int | None) -> PlaceNet:
    """`network`, if all components are kept; else one that shares all but the whitening with it,
    and whose descriptors have nothing but zeros after their first `length` components.

    The whitening's rows are in the order of the variance of what they answer to (principal
    components), so that the last ones are missed least. They are left out as all else is that is
    not worth its bits, as zeros, which cost nothing in a file; a search may leave them out, too.

    Args:
        length: None for all.

    Raises:
        ValueError: the descriptor is shorter.
    """
    whitening = network.whitening
    if length is not None and length > whitening.out_features:
        raise ValueError(
            f"length {length} is more than the descriptor's {whitening.out_features} components; "
            f"give {whitening.out_features} or less"
        )
    if length is None:
        return network
    # What deepcopy finds in its memo it takes as it is.
    shared = (network.backbone, network.netvlad)
    result = copy.deepcopy(network, {id(part): part for part in shared})
    result.whitening.weight[length:] = 0
    result.whitening.bias[length:] = 0
    return result
