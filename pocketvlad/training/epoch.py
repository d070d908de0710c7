"""One epoch of fine-tuning, whatever the objective."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.format.roles import Part
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.util.progress import progress


def trainable_parameters(network: nn.Module, layers: Sequence[str]) -> list[nn.Parameter]:
    """Freeze all but the parameters whose name begins with one of `layers`; return those.

    A part of the network may be named although it has nothing to learn, as a mean has not.

    Raises:
        ValueError: another prefix fits no parameter, or none fits any.
    """
    named = dict(network.named_parameters())
    known = ", ".join(named)
    for prefix in layers:
        if prefix not in ("all", *Part) and not any(name.startswith(prefix) for name in named):
            raise ValueError(f"training layer {prefix!r} fits no parameter; choose among {known}")
    for name, parameter in named.items():
        parameter.requires_grad_("all" in layers or name.startswith(tuple(layers)))
    found = [parameter for parameter in named.values() if parameter.requires_grad]
    if not found:
        raise ValueError(
            f"training layers {', '.join(layers)} have no parameter; choose among {known}"
        )
    return found


class Objective(Protocol):
    """What a network is trained for."""

    size: int  # of an epoch, in units
    unit: str

    def losses(
        self, network: RetrievalNetwork, generator: np.random.Generator
    ) -> Iterator[tuple[int, Tensor]]:
        """(units, loss to differentiate) of each step of one epoch, the network as it is by then.

        All random numbers are drawn from `generator`.
        """

    def validate(self, network: RetrievalNetwork) -> float:
        """The score of `network` on data that it is not trained on; higher is better. The same data
        at every call.
        """


def train_epoch(
    network: RetrievalNetwork,
    optimiser: torch.optim.Optimizer,
    parameters: Sequence[nn.Parameter],
    objective: Objective,
    gradient_norm: float,
    generator: np.random.Generator,
    label: str,
    after_step: Callable[[], None],
    penalty: Callable[[], Tensor] | None = None,
) -> float:
    """One epoch of steps down the gradient of loss plus penalty.

    The loss's gradient is clipped to the length `gradient_norm`, the penalty's is added as it is.

    Args:
        after_step: runs after each step.

    Returns:
        the mean loss, without the penalty.

    Raises:
        FloatingPointError: the training diverged.
    """
    losses = []
    with progress(total=objective.size, label=label, unit=objective.unit) as bar:
        for units, loss in objective.losses(network, generator):
            optimiser.zero_grad()
            loss.backward()
            # The loss's gradient alone: that of a penalty on millions of weights is so long that
            # clipping both would leave little of the loss's.
            nn.utils.clip_grad_norm_(parameters, gradient_norm)
            if penalty is not None:
                penalty().backward()
            optimiser.step()
            after_step()
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                raise FloatingPointError(
                    f"{label}: the loss is {losses[-1]}; lower `learning_rate` of the section that "
                    "is computed: training, pruning or quantization.training"
                )
            bar.set_postfix(loss=f"{np.mean(losses):.4f}")
            bar.update(units)
    return float(np.mean(losses))
