"""The crops that a network is rounded on, in the order in which they are drawn."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pocketvlad.compression.layer_samples import crops_for
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.networks.network import RetrievalNetwork


@dataclass(frozen=True)
class DrawnCrops:
    """batches: [n, 3, S, S] each, for convolutions.  more: further ones, for the projection only,
    cut when they are asked for.  places: what else is random."""

    batches: list[Tensor]
    more: Iterator[Tensor]
    places: torch.Generator


def drawn_crops(
    network: RetrievalNetwork,
    source: CropSource,
    crops: CropSettings,
    settings: RoundingSettings,
    seed: int,
) -> DrawnCrops:
    """
    Args:
        network: crops lie where it computes.
        crops: how they are cut; `settings` say how many.
    """
    generator = np.random.default_rng(seed)
    places = torch.Generator().manual_seed(int(generator.integers(2**31)))
    batches = list(crops_for(network, source, crops, settings.crops, generator))
    count = settings.seen_by_projection - settings.crops
    more = crops_for(network, source, crops, count, generator) if count else iter(())
    return DrawnCrops(batches, more, places)
