"""Iterative magnitude pruning (Saha, Varma & Jawahar 2017; Han et al., NIPS 2015)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pocketvlad.compression.settings import THRESHOLD_MODES
from pocketvlad.networks.labels import compressible, labelled_tensors
from pocketvlad.networks.network import RetrievalNetwork


def _cutoff(weight: Tensor, threshold_mode: str, threshold: float, deviations: float) -> Tensor:
    if threshold_mode == "absolute":
        return torch.tensor(threshold)
    if threshold_mode == "relative":
        return deviations * weight.std()
    deviation = deviations * weight.flatten(1).std(dim=1)
    return deviation.view(-1, *[1] * (weight.dim() - 1))


def cutoffs(
    network: RetrievalNetwork, threshold_mode: str, threshold: float, deviations: float
) -> dict[str, Tensor]:
    """The magnitude below which a weight goes, from the unpruned network.

    Args:
        threshold_mode: "absolute": `threshold` to the letter. "relative": `deviations` times the
            standard deviation of the layer's weights. "relative-row": of the weights of the same
            output (a row of a matrix, a filter of a convolution, a centre).

    Returns:
        by layer a figure, or one for each output, of a shape that broadcasts over the weight.

    Raises:
        ValueError: unknown mode.
    """
    if threshold_mode not in THRESHOLD_MODES:
        known = ", ".join(THRESHOLD_MODES)
        raise ValueError(f"threshold mode {threshold_mode!r} is unknown; use {known}")
    return {
        name: _cutoff(weight.detach(), threshold_mode, threshold, deviations)
        for name, weight in compressible(network)
    }


@torch.no_grad()
def prune_below(network: RetrievalNetwork, limits: Mapping[str, Tensor]) -> None:
    """Set to zero every weight whose magnitude is below its layer's limit.

    What is zero already stays so, since zero is below any limit.
    """
    for name, weight in compressible(network):
        weight[weight.abs() < limits[name]] = 0.0


def zero_masks(network: RetrievalNetwork) -> dict[str, Tensor]:
    """Where the weights are zero, that is pruned: a boolean tensor a layer."""
    return {name: weight.detach() == 0 for name, weight in compressible(network)}


@torch.no_grad()
def apply_masks(network: RetrievalNetwork, masks: Mapping[str, Tensor]) -> None:
    """Set the masked weights to zero again, after a step has moved them."""
    for name, weight in compressible(network):
        weight.masked_fill_(masks[name], 0.0)


def assert_masked(network: RetrievalNetwork, masks: Mapping[str, Tensor]) -> None:
    """Check that no pruned weight has come back.

    Raises:
        AssertionError: one has; names the layer.
    """
    for name, weight in compressible(network):
        alive = int(weight[masks[name]].count_nonzero())
        if alive:
            raise AssertionError(f"{alive} pruned weights of {name} are not zero any more")


def pruned_percent(network: RetrievalNetwork) -> dict[str, float]:
    """Share of zeros among the compressible weights in %: by tensor, by part, and in `total`."""
    counts: dict[str, list[int]] = {}
    for name, weight, label in labelled_tensors(network):
        if not label.role.compressed:
            continue
        zeros = weight.numel() - int(weight.count_nonzero())
        for key in (name, str(label.part), "total"):
            entry = counts.setdefault(key, [0, 0])
            entry[0] += zeros
            entry[1] += weight.numel()
    return {key: 100.0 * zeros / size for key, (zeros, size) in counts.items()}
