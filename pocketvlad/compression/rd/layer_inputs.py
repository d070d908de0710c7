"""What layers of a backbone are given, while it computes features."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack

from torch import Tensor, nn

from pocketvlad.networks.network import RetrievalNetwork


def watch_inputs(
    network: RetrievalNetwork,
    layers: Iterable[nn.Module],
    batches: Iterable[Tensor],
    look: Callable[[nn.Module, Tensor], None],
) -> None:
    """Show `look` each layer with its input, of every batch.

    Args:
        layers: of the network's backbone.
        batches: of images.
    """

    def show(layer: nn.Module, given: tuple[Tensor]) -> None:
        look(layer, given[0])

    with ExitStack() as hooks:
        for layer in layers:
            hooks.enter_context(layer.register_forward_pre_hook(show))
        for batch in batches:
            network.features(batch)
