"""How far the descriptor moves when one output of a convolution does."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.distillation import descriptor_distance
from pocketvlad.model import PlaceNet


def convolutions(network: PlaceNet) -> list[tuple[str, nn.Conv2d]]:
    """(name of its weight, layer), first to last."""
    children = network.backbone.named_children()
    return [(f"backbone.{n}.weight", each) for n, each in children if isinstance(each, nn.Conv2d)]


def channel_sensitivities(
    network: PlaceNet, batches: Iterable[Tensor], probes: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """By convolution [O]: the mean squared change of the descriptor for a small error of variance
    one, independent from place to place, in each output channel.

    The mean over images of the squared norms of the descriptor's Jacobian, a channel's places added
    up, estimated by random projections (Hutchinson, 1989): of v f, with v normal, the gradient's
    expected square is the sum over all elements of f.

    Args:
        probes: projections an image.
    """
    layers = convolutions(network)
    sums = {name: torch.zeros(layer.out_channels) for name, layer in layers}
    outputs: dict[str, Tensor] = {}

    def keep(name: str):
        def hook(_: nn.Module, __: object, output: Tensor) -> None:
            output.retain_grad()
            outputs[name] = output

        return hook

    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers]
    count = 0
    try:
        for batch in batches:
            # The images ask for gradients, so that frozen first layers have outputs with some.
            descriptors = network(batch.clone().requires_grad_())
            for probe in range(probes):
                for output in outputs.values():
                    output.grad = None
                direction = torch.randn(descriptors.shape, generator=generator)
                projected = (descriptors * direction.to(descriptors.device)).sum()
                projected.backward(retain_graph=probe + 1 < probes)
                for name, output in outputs.items():
                    sums[name] += output.grad.square().sum(dim=(0, 2, 3)).cpu()
            count += probes * len(batch)
    finally:
        for hook in hooks:
            hook.remove()
        network.zero_grad(set_to_none=True)
    return {name: total / count for name, total in sums.items()}


_TRIED = 0.01  # squared distance: small enough for the descriptor to answer linearly


@torch.no_grad()
def coherence(
    network: PlaceNet,
    layer: nn.Conv2d,
    inputs: Tensor,
    outputs: Tensor,
    descriptors: Tensor,
    sensitivity: Tensor,
    generator: torch.Generator,
) -> float:
    """How many times farther than `channel_sensitivities` foretells an error of weights moves it.

    An error of a weight shows at every place of an image alike, so that places add up where the
    foretold ones do not. Measured by noise on all weights of the layer.

    Args:
        inputs, outputs: [n, C, H, W] and [n, O, h, w], what `layer` sees and makes in `network`.
        descriptors: [n, F], what `network` makes of the images.
        sensitivity: [O].
    """
    children = list(network.backbone.children())
    rest = children[[child is layer for child in children].index(True) + 1 :]

    share = sensitivity.to(outputs.device)
    noise = torch.randn(layer.weight.shape, generator=generator).to(outputs.device)
    noise /= share.sqrt().view(-1, 1, 1, 1)
    change = F.conv2d(
        inputs, noise, stride=layer.stride, padding=layer.padding, groups=layer.groups
    )
    change -= change.mean(dim=(0, 2, 3), keepdim=True)  # which the bias makes good
    foretold = (share * change.square().mean(dim=(0, 2, 3))).sum()
    moved = outputs + change * torch.sqrt(_TRIED / foretold)
    for each in rest:
        moved = each(moved)
    found = F.normalize(network.whitening(network.netvlad(moved)), dim=1)
    return descriptor_distance(found, descriptors).item() / _TRIED
