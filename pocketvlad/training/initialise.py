"""From bare convolutions to a working network: cluster centres, then PCA whitening.

Both are learnt on images of the training city alone, without labels.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits
from torch import Tensor

from pocketvlad.data.images import Preprocessing, Sizing
from pocketvlad.networks.model import PlaceNet
from pocketvlad.retrieval.crops import random_crops
from pocketvlad.retrieval.describe import Picture, describe
from pocketvlad.training.settings import InitialisationSettings
from pocketvlad.util.sampling import drawn


def cluster_centres(local: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """k-means centres [K, D] of local descriptors [P, D].

    Raises:
        ValueError: fewer descriptors than centres.
    """
    if len(local) < clusters:
        raise ValueError(
            f"{len(local)} local descriptors cannot make {clusters} clusters; raise "
            "`initialise.cluster_images` or `initialise.locals_per_image`"
        )
    # One thread: several would add their partial sums in a varying order, so that the same seed
    # would not give the same centres.
    with threadpool_limits(limits=1):
        return KMeans(clusters, n_init=1, random_state=seed).fit(local).cluster_centers_


def pca_whitening(vlad: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Whitening as a linear layer, learnt from N descriptors (Jegou & Chum, ECCV 2012).

    Args:
        vlad: [N, D].
        dimension: length of the whitened descriptor, below N.

    Returns:
        weight [dimension, D] and bias [dimension], scaled so that a whitened training
        descriptor has an expected squared length of one. (The scale is free, since an L2
        normalisation follows; this one keeps gradients in a usual range.)

    Raises:
        ValueError: `dimension` is not below N.
    """
    if dimension >= len(vlad):
        raise ValueError(
            f"{len(vlad)} descriptors cannot give {dimension} whitened dimensions; raise "
            "`initialise.whitening_samples`, or lower `descriptor`"
        )
    pca = PCA(dimension, whiten=True, svd_solver="full").fit(vlad)
    scale = np.sqrt(pca.explained_variance_ * dimension)
    weight = pca.components_ / scale[:, np.newaxis]
    return weight.astype(np.float32), (-weight @ pca.mean_).astype(np.float32)


def local_descriptor_sampler(network: PlaceNet, count: int, seed: int):
    """A function images -> [n, count * D]: unit-length local descriptors at random places."""
    generator = torch.Generator().manual_seed(seed)

    def sample(images: Tensor) -> Tensor:
        local = F.normalize(network.features(images).flatten(2), dim=1)
        places = torch.randint(local.shape[2], (count,), generator=generator)
        return local[:, :, places].transpose(1, 2).flatten(1)

    return sample


def fit_netvlad(
    network: PlaceNet,
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    settings: InitialisationSettings,
    seed: int,
) -> None:
    """Set the centres and the assignment from the local descriptors of `pictures`."""
    chosen = drawn(pictures, settings.cluster_images, np.random.default_rng(seed))
    sampler = local_descriptor_sampler(network, settings.locals_per_image, seed)
    rows = describe(sampler, chosen, sizing, preprocessing, label="local descriptors")
    local = rows.reshape(len(chosen) * settings.locals_per_image, -1)
    centres = cluster_centres(local, network.architecture.clusters, seed)
    network.netvlad.initialise(torch.from_numpy(centres), torch.from_numpy(local))


def fit_whitening(
    network: PlaceNet,
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    settings: InitialisationSettings,
    seed: int,
) -> None:
    """Set the whitening layer from the unwhitened descriptors of `pictures` and crops of them."""
    chosen = drawn(pictures, settings.whitening_samples, np.random.default_rng(seed))
    # A city with fewer images than the descriptor is long needs more samples than images.
    crops, rest = divmod(settings.whitening_samples - len(chosen), len(pictures))
    chosen += random_crops(pictures, crops, seed)
    chosen += random_crops(drawn(pictures, rest, np.random.default_rng(seed)), 1, seed + 1)
    vlad = describe(network.vlad, chosen, sizing, preprocessing, label="whitening")
    weight, bias = pca_whitening(vlad, network.architecture.descriptor)
    with torch.no_grad():
        network.whitening.weight.copy_(torch.from_numpy(weight))
        network.whitening.bias.copy_(torch.from_numpy(bias))
