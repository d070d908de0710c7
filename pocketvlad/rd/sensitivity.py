"""How far the descriptor moves when one output of a convolution does."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

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
