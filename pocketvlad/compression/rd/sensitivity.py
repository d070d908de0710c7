"""How far the descriptor moves when weights or biases of a backbone's convolutions are wrong.

For small errors e it moves by J e. In the mean over random directions v of variance 1, (v' J e)^2
is the squared length of J e. v' J is the gradient of the inner product of v and the descriptor, and
one backward pass an image gives it for the weights of all layers at once (Hutchinson's estimator
of a trace, Communications in Statistics, 1989).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pocketvlad.compression.layer_samples import padded
from pocketvlad.compression.paired_layers import fitted_steps
from pocketvlad.compression.rd.layer_inputs import watch_inputs
from pocketvlad.format.roles import Part
from pocketvlad.networks.graph import Graph
from pocketvlad.networks.network import RetrievalNetwork

_LEAST = 1e-4  # of the mean variance of a layer's inputs: less may be nothing but rounding
_TINY = 1e-30  # of what no image shows


@dataclass(frozen=True)
class Sensitivity:
    """Of one convolution, the squared distance that the descriptor moves for an error in one of its
    outputs: [O] each.

    outputs: for errors of variance 1 that errors of the weights cause. They are the same at every
    place of an image and add up over the places; their mean, which the bias corrects, does not
    count.  biases: for an error of 1 at every place.
    """

    outputs: Tensor
    biases: Tensor


def _convolutions(network: RetrievalNetwork) -> dict[str, nn.Conv2d]:
    """By their path in the network."""
    steps = fitted_steps(network.backbone, Graph.of(network.backbone))
    return {f"{Part.BACKBONE}.{step.target}": layer for step, layer in steps}


def seen_by_taps(maps: Tensor, layer: nn.Conv2d) -> Tensor:
    """[2, C, h, w] Means and mean squares of what each tap of a layer sees of maps [n, C, H, W]."""
    height, width = layer.kernel_size
    maps = padded(maps.float(), layer)
    spans = [
        side - reach * (size - 1)
        for side, reach, size in zip(maps.shape[2:], layer.dilation, layer.kernel_size, strict=True)
    ]
    found = []
    for y in range(height):
        for x in range(width):
            top, start = y * layer.dilation[0], x * layer.dilation[1]
            part = maps[:, :, top : top + spans[0], start : start + spans[1]]
            part = part[:, :, :: layer.stride[0], :: layer.stride[1]]
            found.append(torch.stack([part.mean((0, 2, 3)), part.square().mean((0, 2, 3))]))
    return torch.stack(found, dim=2).unflatten(2, (height, width))


def _by_row(values: Tensor, layer: nn.Conv2d) -> Tensor:
    """[O, C / G, h, w] What the inputs [C, h, w] of each output have."""
    by_group = values.unflatten(0, (layer.groups, -1))
    return by_group.repeat_interleave(layer.out_channels // layer.groups, dim=0)


def _inputs(
    network: RetrievalNetwork, layers: Mapping[str, nn.Conv2d], batches: Sequence[Tensor]
) -> dict[str, tuple[Tensor, Tensor]]:
    """(means, variances) [C, h, w] of each layer's inputs; means of zero where it has no bias."""
    sums: dict[nn.Module, Tensor | float] = dict.fromkeys(layers.values(), 0.0)

    def look(layer: nn.Module, maps: Tensor) -> None:
        sums[layer] = sums[layer] + len(maps) * seen_by_taps(maps, layer)

    watch_inputs(network, layers.values(), batches, look)
    total = sum(map(len, batches))
    result = {}
    for name, layer in layers.items():
        means, squares = sums[layer] / total
        means = means if layer.bias is not None else torch.zeros_like(means)
        result[name] = means, squares - means.square()
    return result


def _gradients(
    network: RetrievalNetwork,
    layers: Mapping[str, nn.Conv2d],
    images: Tensor,
    generator: torch.Generator,
) -> Iterator[dict[str, Tensor]]:
    """For each image, the gradient of its descriptor in a random direction, by parameter of the
    layers."""
    parameters = {
        f"{name}.{own}": tensor.detach().requires_grad_()
        for name, layer in layers.items()
        for own, tensor in layer.named_parameters()
    }
    for image in images.split(1):
        with torch.enable_grad():
            descriptor = functional_call(network, parameters, (image,))
            direction = torch.randn(descriptor.shape, generator=generator)
            moved = (descriptor * direction.to(descriptor)).sum()
        found = torch.autograd.grad(moved, list(parameters.values()))
        yield dict(zip(parameters, found, strict=True))


def _typical(by_batch: Sequence[Tensor]) -> Tensor:
    """[O] Of [O] a batch: each output's share is a mean, what they share a geometric mean. Single
    images may be far off."""
    rows = torch.stack(list(by_batch)).double()
    sums = rows.sum(dim=1, keepdim=True).clamp_min(_TINY)
    return (rows / sums).mean(dim=0) * sums.log().mean().exp()


@torch.no_grad()
def sensitivities(
    network: RetrievalNetwork, batches: Sequence[Tensor], generator: torch.Generator
) -> dict[str, Sensitivity]:
    """Those of all convolutions of the backbone, by the name of the layer's weight.

    Args:
        batches: of images.
    """
    layers = _convolutions(network)
    inputs = _inputs(network, layers, batches)
    outputs: dict[str, list[Tensor]] = {name: [] for name in layers}
    biases: dict[str, list[Tensor]] = {name: [] for name in layers}
    for batch in batches:
        sums = {name: torch.zeros(2, each.out_channels) for name, each in layers.items()}
        for gradient in _gradients(network, layers, batch, generator):
            for name, layer in layers.items():
                change = gradient[f"{name}.weight"]
                shift = gradient.get(f"{name}.bias", torch.zeros_like(change[:, 0, 0, 0]))
                change = change - shift[:, None, None, None] * _by_row(inputs[name][0], layer)
                found = torch.stack([change.square().sum((1, 2, 3)), shift.square()])
                sums[name] = sums[name].to(found) + found
        for name in layers:
            weights, shifts = sums[name] / len(batch)
            outputs[name].append(weights)
            biases[name].append(shifts)
    result = {}
    for name, layer in layers.items():
        # Errors of variance 1 in all weights of a row are errors of this variance in its output.
        variance = _by_row(inputs[name][1], layer).sum((1, 2, 3)).double()
        least = (_LEAST * variance.mean()).clamp_min(_TINY)
        moved = _typical(outputs[name]) / variance.clamp_min(least)
        result[f"{name}.weight"] = Sensitivity(moved, _typical(biases[name]))
    return result
