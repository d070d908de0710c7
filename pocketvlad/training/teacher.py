"""A better description of photographs than one look at them gives."""

from collections.abc import Callable, Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from pocketvlad.data.settings import Sizing
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.scales import describe_at_scales
from pocketvlad.training.losses.distillation import TAUGHT_AT_ONCE


def _with_mirror(network: RetrievalNetwork) -> Callable[[Tensor], Tensor]:
    """The mean of the descriptors of images and of their mirror images, unit length."""
    return lambda batch: F.normalize(network(batch) + network(batch.flip(3)), dim=1)


def teacher_descriptors(
    models: Sequence[Model],
    pictures: Sequence[Picture],
    sizing: Sizing,
    scales: Sequence[float],
    mirrored: bool,
) -> np.ndarray:
    """Descriptors of several models, each averaged over scales, side by side.

    A similarity of these is the mean of the models' similarities.

    Args:
        scales: multiples of the image size of `sizing`.
        mirrored: whether mirror images are described, too.

    Returns:
        [N, D], unit length; D is the sum of the models' lengths.

    Raises:
        ImageError: as `describe_at_scales`.
    """
    parts = []
    for model in models:
        network = model.network.eval()
        parts.append(
            describe_at_scales(
                _with_mirror(network) if mirrored else network,
                pictures,
                sizing,
                scales,
                model.preprocessing,
                TAUGHT_AT_ONCE,
                network.min_side,
                "teacher",
            )
        )
    return np.concatenate(parts, axis=1) / np.float32(np.sqrt(len(parts)))
