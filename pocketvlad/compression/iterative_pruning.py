"""Pruning in rounds: raise the cutoff, fine-tune what is left, raise it again."""

from dataclasses import replace

import numpy as np

from pocketvlad.compression.objectives import Refit
from pocketvlad.compression.prune import (
    apply_masks,
    assert_masked,
    cutoffs,
    prune_below,
    zero_masks,
)
from pocketvlad.compression.settings import PruningSettings
from pocketvlad.compression.sparsity import l1_penalty
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.epoch import Objective
from pocketvlad.training.fine_tuning import EpochRecord, fine_tune
from pocketvlad.training.settings import TrainingSettings

_REFIT = 1  # tells a refit's random numbers from those of the epoch


def prune_iteratively(
    network: RetrievalNetwork,
    training: TrainingSettings,
    pruning: PruningSettings,
    objective: Objective,
    threshold: float,
    deviations: float,
    l1: float,
    seed: int,
    checkpoint: Checkpoint,
    refit: Refit | None = None,
) -> list[EpochRecord]:
    """Prune `network` in place and return the history of the fine-tuning in between.

    Round r of R removes what is below r/R of the final cutoff; after each round the survivors are
    refitted, if so asked, and every layer is fine-tuned, with the pruned weights held at zero. A
    weight that this moves below the cutoff goes in the next round; after the last one the masks
    are fixed.

    Args:
        objective: what the survivors are fine-tuned for.
        threshold, deviations: of the cutoff, see `prune.cutoffs`.
        l1: lambda of the L1 penalty in that fine-tuning; 0 for none.
        refit: see `objectives.refit_by_reconstruction`.
    """
    final = cutoffs(network, pruning.threshold_mode, threshold, deviations)
    masks = {}

    def prune_to(round_: int) -> None:
        share = round_ / pruning.rounds
        prune_below(network, {name: limit * share for name, limit in final.items()})
        masks.update(zero_masks(network))
        if refit is not None:
            refit(network, masks, np.random.default_rng((seed, round_, _REFIT)))

    def before_epoch(epoch: int) -> None:
        completed, within = divmod(epoch - 1, pruning.epochs_per_round)
        if within == 0:
            prune_to(completed + 1)
        else:  # a job resumed in the middle of a round finds its masks in the zeros
            masks.update(zero_masks(network))

    settings = replace(
        training,
        layers=("all",),
        epochs=pruning.rounds * pruning.epochs_per_round,
        learning_rate=pruning.learning_rate,
    )
    history = fine_tune(
        network,
        settings,
        seed,
        checkpoint,
        objective=objective,
        penalty=l1_penalty(network, l1),
        before_epoch=before_epoch,
        after_step=lambda: apply_masks(network, masks),
        label="pruning",
    )
    if not settings.epochs:  # one-shot pruning, nothing fine-tuned
        prune_to(pruning.rounds)
    assert_masked(network, masks or zero_masks(network))
    return history
