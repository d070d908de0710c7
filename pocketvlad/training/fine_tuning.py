"""Training, epoch by epoch, with a checkpoint after each; the best epoch is kept."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch

from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.epoch import Objective, train_epoch, trainable_parameters
from pocketvlad.training.settings import TrainingSettings


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True)
class EpochRecord:
    """One line of a training's history. Epoch 0 is the network before any training.

    loss: its mean over the epoch.  validation: the objective's own measure, greater is better;
    None where no epoch is picked by it.
    """

    epoch: int
    loss: float | None
    validation: float | None


def _copy(network: RetrievalNetwork) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def fine_tune(
    network: RetrievalNetwork,
    settings: TrainingSettings,
    seed: int,
    checkpoint: Checkpoint,
    *,
    objective: Objective,
    select: bool = False,
    penalty: Callable[[], torch.Tensor] | None = None,
    before_epoch: Callable[[int], None] = _nothing,
    after_step: Callable[[], None] = _nothing,
    label: str = "training",
) -> list[EpochRecord]:
    """Train `network` in place, resumed from `checkpoint` if it has a state.

    Every epoch draws from a generator seeded by (seed, epoch) alone, so that a job that was
    killed and goes on ends with the same weights as one that was not.

    Args:
        penalty: added to every step's loss.
        select: whether the network of the epoch that `objective.validate` scores highest is kept,
            the start (epoch 0) among them, or that of the last epoch.
        before_epoch: called with the epoch's number (from 1) before its mining.
        after_step: called after every optimiser step.
    """
    if not settings.epochs:  # nothing to learn, nothing to choose among
        network.eval()
        return [EpochRecord(0, None, None)]
    parameters = trainable_parameters(network, settings.layers)
    optimiser = torch.optim.SGD(
        parameters,
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )

    def measured() -> float | None:
        return objective.validate(network) if select else None

    state = checkpoint.load()
    # A training that was longer, and did not end, is no beginning of this one.
    if state is not None and len(state["history"]) <= settings.epochs + 1:
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        best = state["best"]
        history = [EpochRecord(**record) for record in state["history"]]
    else:
        best = _copy(network)
        history = [EpochRecord(0, None, measured())]
    for epoch in range(len(history), settings.epochs + 1):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * settings.decay ** (epoch - 1)
        before_epoch(epoch)
        loss = train_epoch(
            network,
            optimiser,
            parameters,
            objective,
            settings.gradient_norm,
            np.random.default_rng((seed, epoch)),
            f"{label}, epoch {epoch} of {settings.epochs}",
            after_step,
            penalty,
        )
        record = EpochRecord(epoch, loss, measured())
        if not select or record.validation > max(earlier.validation for earlier in history):
            best = _copy(network)
        history.append(record)
        checkpoint.save(
            {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "best": best,
                "history": [asdict(each) for each in history],
            }
        )
    network.load_state_dict(best)
    network.eval()
    return history
