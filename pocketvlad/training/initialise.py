"""From bare convolutions to a working network: what pooling and projection learn from a city.

Clusters and PCA, say; on images of the training city alone, without labels.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.retrieval.crops import random_crops
from pocketvlad.retrieval.describe import describe
from pocketvlad.retrieval.picture import Picture
from pocketvlad.training.settings import InitialisationSettings
from pocketvlad.util.sampling import drawn


def local_descriptor_sampler(network: RetrievalNetwork, count: int, seed: int):
    """A function images -> [n, count * D]: unit-length local descriptors at random places."""
    generator = torch.Generator().manual_seed(seed)

    def sample(images: Tensor) -> Tensor:
        local = F.normalize(network.features(images).flatten(2), dim=1)
        places = torch.randint(local.shape[2], (count,), generator=generator)
        return local[:, :, places].transpose(1, 2).flatten(1)

    return sample


def fit_pooling(
    network: RetrievalNetwork,
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    settings: InitialisationSettings,
    seed: int,
) -> None:
    """Let the pooling learn from local descriptors of `pictures`."""
    chosen = drawn(pictures, settings.cluster_images, np.random.default_rng(seed))
    sampler = local_descriptor_sampler(network, settings.locals_per_image, seed)
    rows = describe(sampler, chosen, sizing, preprocessing, label="local descriptors")
    local = rows.reshape(len(chosen) * settings.locals_per_image, -1)
    network.pooling.fit(torch.from_numpy(local), seed)


def fit_projection(
    network: RetrievalNetwork,
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    settings: InitialisationSettings,
    seed: int,
) -> None:
    """Let the projection learn from the pooled vectors of `pictures` and of crops of them."""
    chosen = drawn(pictures, settings.projection_samples, np.random.default_rng(seed))
    # A city with fewer images than the descriptor is long needs more samples than images.
    crops, rest = divmod(settings.projection_samples - len(chosen), len(pictures))
    chosen += random_crops(pictures, crops, seed, network.min_side)
    rest_of = drawn(pictures, rest, np.random.default_rng(seed))
    chosen += random_crops(rest_of, 1, seed + 1, network.min_side)
    pooled = describe(network.pooled, chosen, sizing, preprocessing, label="projection")
    network.projection.fit(torch.from_numpy(pooled))
