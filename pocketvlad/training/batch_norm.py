"""Batch normalisation that is there for training only.

The study's networks have none. A deep network trained from scratch needs it. After training, it is
a scale and a shift per channel, which the convolution before it takes over.
"""

import torch
from torch import Tensor, nn

from pocketvlad.networks.folding import folded


class NormalisedConvolution(nn.Module):
    """A convolution, and a normalisation of its channels."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.BatchNorm2d(convolution.out_channels)

    def forward(self, maps: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, O, h, w]."""
        return self.norm(self.convolution(maps))


def _replace(network: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, module)


def add_batch_norm(network: nn.Module) -> None:
    """Let every convolution of `network` be followed by a normalisation; in place."""
    # One without a bias has a normalisation of its own after it.
    found = [
        (path, module)
        for path, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and module.bias is not None
    ]
    for path, convolution in found:
        _replace(network, path, NormalisedConvolution(convolution))


@torch.no_grad()
def fold_batch_norm(network: nn.Module) -> None:
    """Undo `add_batch_norm`: each convolution does what the normalisation after it did."""
    found = [(n, m) for n, m in network.named_modules() if isinstance(m, NormalisedConvolution)]
    for path, module in found:
        convolution, norm = module.convolution, module.norm
        weight, bias = folded(
            convolution.weight,
            convolution.bias,
            norm.weight,
            norm.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
        )
        convolution.weight.copy_(weight)
        convolution.bias.copy_(bias)
        _replace(network, path, convolution)
