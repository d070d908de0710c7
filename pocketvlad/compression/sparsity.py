"""The L1 penalty, which shrinks weights, and histograms of its effect."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pocketvlad.networks.labels import compressible
from pocketvlad.networks.network import RetrievalNetwork

_BINS = 101
_REACH = 4.0  # standard deviations either side of zero that a histogram covers


def l1_penalty(network: RetrievalNetwork, weight: float) -> Callable[[], Tensor] | None:
    """`weight` times the sum of the magnitudes of all compressible weights; None if that is 0.

    With the triplet loss it makes the paper's J = loss + lambda sum |W|. Pruned weights add nothing
    to it and are not moved by it: the derivative at zero is taken as zero.
    """
    if weight == 0:
        return None
    return lambda: weight * torch.stack([w.abs().sum() for _, w in compressible(network)]).sum()


def histogram_edges(network: RetrievalNetwork) -> dict[str, np.ndarray]:
    """By layer the edges of bins [B + 1] that later histograms of the same layer share."""
    return {
        name: np.linspace(-1, 1, _BINS + 1) * max(_REACH * weight.detach().std().item(), 1e-12)
        for name, weight in compressible(network)
    }


def weight_histograms(
    network: RetrievalNetwork, edges: dict[str, np.ndarray], stage: str
) -> Iterable[pd.DataFrame]:
    """A table a layer: layer, stage, low, high, count of each bin, and `zeros`.

    Weights beyond the last edge are counted in the last bin. Zeros (pruned weights) are in no bin:
    they would dwarf all others.
    """
    for name, weight in compressible(network):
        values = weight.detach().cpu().numpy().ravel()
        alive = values[values != 0]
        low, high = edges[name][[0, -1]]
        counts, _ = np.histogram(np.clip(alive, low, high), bins=edges[name])
        yield pd.DataFrame(
            {
                "layer": name,
                "stage": stage,
                "low": edges[name][:-1],
                "high": edges[name][1:],
                "count": counts,
                "zeros": len(values) - len(alive),
            }
        )
