"""The whole network: backbone, NetVLAD, whitening. One image in, one unit vector out."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.format.parameters import is_compressible
from pocketvlad.networks.backbones import build_backbone, output_channels
from pocketvlad.networks.netvlad import NetVLAD


@dataclass(frozen=True)
class Architecture:
    """What must be known to build a network before its weights are loaded."""

    backbone: str  # one of backbones.BACKBONES
    width: float  # 1.0 is the published network
    clusters: int  # K of NetVLAD
    descriptor: int  # length of the whitened descriptor

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class PlaceNet(nn.Module):
    """Backbone -> L2 over channels -> NetVLAD -> intra-norm -> L2 -> PCA whitening -> L2."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.mixed = False  # whether convolutions may be computed in bfloat16, see `device`
        self.backbone = build_backbone(architecture.backbone, architecture.width)
        channels = output_channels(self.backbone)
        self.netvlad = NetVLAD(architecture.clusters, channels)
        self.whitening = nn.Linear(channels * architecture.clusters, architecture.descriptor)

    @property
    def device(self) -> torch.device:
        return self.whitening.bias.device

    def features(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W], wherever they are -> local features [N, D, h, w]."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            return self.backbone(images.to(self.device, non_blocking=True)).float()

    def vlad(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W] -> unwhitened descriptors [N, D * K], unit length."""
        return self.netvlad(self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W] -> descriptors [N, descriptor], unit length."""
        return F.normalize(self.whitening(self.vlad(images)), dim=1)


def compressible(network: PlaceNet) -> Iterator[tuple[str, nn.Parameter]]:
    """(name, parameter) of every tensor that is pruned and quantized."""
    for name, parameter in network.named_parameters():
        if is_compressible(name):
            yield name, parameter


def parameter_count(network: PlaceNet) -> int:
    return sum(p.numel() for p in network.parameters())


def initialise_randomly(network: nn.Module, seed: int) -> None:
    """He initialisation (He et al. 2015) of every convolution, from `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(module.bias)
