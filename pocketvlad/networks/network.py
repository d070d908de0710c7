"""The whole network: backbone, pooling, projection. One image in, one unit vector out."""

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.networks.architecture import Architecture


class RetrievalNetwork(nn.Module):
    """Backbone -> pooling -> projection -> L2."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.mixed = False  # whether convolutions may be computed in bfloat16, see `device`
        self.backbone = architecture.backbone.build()
        self.pooling = architecture.pooling.build(architecture.backbone.channels)
        self.projection = architecture.projection.build(architecture.pooled)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def min_side(self) -> int:
        """Pixels that an image must have on either side."""
        return self.architecture.backbone.min_side

    def features(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W], wherever they are -> local features [N, D, h, w]."""
        device = self.device.type
        with torch.autocast(device, torch.bfloat16) if self.mixed else nullcontext():
            return self.backbone(images.to(self.device, non_blocking=True)).float()

    def pooled(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W] -> pooled vectors [N, P], see `PoolingModule`."""
        return self.pooling(self.features(images))

    def described(self, features: Tensor) -> Tensor:
        """Local features [N, D, h, w] -> descriptors [N, F], unit length."""
        return F.normalize(self.projection(self.pooling(features)), dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W] -> descriptors [N, F], unit length."""
        return self.described(self.features(images))


def parameter_count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def kept_length(network: RetrievalNetwork) -> int:
    """Components of the descriptor up to the last that is not zero for every image."""
    linear = network.projection.linear
    if linear is None:
        return network.architecture.length
    alive = linear.weight.any(dim=1)
    if linear.bias is not None:
        alive = alive | (linear.bias != 0)
    return int(alive.nonzero().max()) + 1 if alive.any() else 0


def initialise_randomly(network: nn.Module, seed: int) -> None:
    """He initialisation (He et al. 2015) of every convolution, from `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
