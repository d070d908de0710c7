"""What each layer of a network costs: parameters and multiply-adds."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn

from pocketvlad.networks.backbones import build_backbone, output_channels
from pocketvlad.networks.model import Architecture, PlaceNet


@dataclass(frozen=True)
class LayerCost:
    """One layer: `multiply_adds` for one image (the paper calls these FLOPs)."""

    name: str
    kind: str  # conv, netvlad, whitening or fc
    shape: str  # of the weights
    parameters: int  # biases included
    weights: int  # biases not included
    multiply_adds: int


def _convolution(name: str, layer: nn.Conv2d, height: int, width: int) -> LayerCost:
    """`height`, `width`: of the layer's output."""
    weights = layer.weight.numel()
    return LayerCost(
        name,
        "conv",
        " x ".join(map(str, layer.weight.shape)),
        weights + layer.bias.numel(),
        weights,
        weights * height * width,
    )


def _linear(name: str, kind: str, layer: nn.Linear) -> LayerCost:
    weights = layer.weight.numel()
    shape = " x ".join(map(str, layer.weight.shape))
    return LayerCost(name, kind, shape, weights + layer.bias.numel(), weights, weights)


def backbone_costs(
    backbone: nn.Sequential, height: int, width: int
) -> tuple[list[LayerCost], tuple[int, int]]:
    """The convolutions' costs for an image of `height` x `width` pixels, and the output's size."""
    rows = []
    x = torch.empty(1, 3, height, width, device="meta")
    for name, layer in backbone.to("meta").named_children():
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            rows.append(_convolution(name, layer, x.shape[2], x.shape[3]))
    return rows, (x.shape[2], x.shape[3])


def network_costs(architecture: Architecture, height: int, width: int) -> list[LayerCost]:
    """Every layer of the network, whitening on its own line, for an image of height x width."""
    with torch.device("meta"):
        network = PlaceNet(architecture)
    rows, (out_height, out_width) = backbone_costs(network.backbone, height, width)
    centres = network.netvlad.centres
    # Per location and centre: the assignment's inner product and the weighted residual.
    rows.append(
        LayerCost(
            "netvlad",
            "netvlad",
            f"2 x {' x '.join(map(str, centres.shape))}",
            2 * centres.numel(),
            2 * centres.numel(),
            2 * centres.numel() * out_height * out_width,
        )
    )
    rows.append(_linear("whitening", "whitening", network.whitening))
    return rows


def classifier_costs(
    backbone: str, classes: int = 1000, side: int | None = None
) -> list[LayerCost]:
    """The published classification network, for comparison: what the poster's table lists.

    Caffe's AlexNet takes 227 x 227 pixels, the others 224 x 224; all end in three fully connected
    layers.
    """
    side = side or {"alexnet": 227}.get(backbone, 224)
    with torch.device("meta"):
        convolutions = build_backbone(backbone)
        pool = nn.MaxPool2d(2) if backbone == "vgg16" else nn.MaxPool2d(3, 2)
        rows, (height, width) = backbone_costs(convolutions, side, side)
        pooled = pool(torch.empty(1, 1, height, width))
        incoming = output_channels(convolutions) * pooled.shape[2] * pooled.shape[3]
        connected = OrderedDict(
            fc6=nn.Linear(incoming, 4096), fc7=nn.Linear(4096, 4096), fc8=nn.Linear(4096, classes)
        )
    return rows + [_linear(name, "fc", layer) for name, layer in connected.items()]
