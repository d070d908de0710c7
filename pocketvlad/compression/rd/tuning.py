"""Tuning straight through: rounded convolutions learn the base model's descriptors.

The loss is the squared distance of descriptors, plus what the bits are worth, as in coordinate
descent (`descent`): the multiplier times the squared distance that rounding one weight may cause.
Rounding judges each layer by itself; here all layers learn together. (Trained quantization with a
price for bits goes back to Ballé et al., ICLR 2017, who train a codec of images so.)
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from pocketvlad.compression.rd.settings import TuningSettings
from pocketvlad.compression.rd.straight_through import StraightThrough
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.distillation import DistillationObjective
from pocketvlad.util.progress import progress

_BLOCK = 25  # steps with the same frequency models, and with crops that are drawn at once
_SAVE_SECONDS = 60.0  # how much of its work a killed job may lose
_EPSILON = 1e-12  # of Adam: gradients are far smaller than those of weights in units of one


def _parts(crops: int, most: int) -> int:
    """Into how many equal parts of no more than `most` crops a step is divided.

    >>> _parts(32, 8), _parts(12, 8), _parts(7, 4)
    (4, 2, 7)
    """
    possible = (parts for parts in range(1, crops + 1) if crops % parts == 0)
    return next(parts for parts in possible if crops <= parts * most)


class _Tuning:
    """A network between two steps."""

    def __init__(self, student: StraightThrough, settings: TuningSettings) -> None:
        self.student, self.settings, self.done = student, settings, 0
        self.optimiser = torch.optim.Adam(student.values, lr=settings.learning_rate, eps=_EPSILON)

    def resume(self, state: Mapping[str, object]) -> None:
        with torch.no_grad():
            for values, kept in zip(self.student.values, state["values"], strict=True):
                values.copy_(kept)
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["done"]

    def state(self) -> dict[str, object]:
        return {
            "values": [values.detach() for values in self.student.values],
            "optimiser": self.optimiser.state_dict(),
            "done": self.done,
        }

    def _require_finite(self, loss: float) -> None:
        finite = math.isfinite(loss) and all(v.isfinite().all() for v in self.student.values)
        if not finite:
            raise FloatingPointError(
                f"rd.tuning: step {self.done + 1} of {self.settings.steps} failed, with a loss of "
                f"{loss}; lower rd.tuning.learning_rate, which is {self.settings.learning_rate:g}, "
                "or leave out rd.tuning"
            )

    def step(self, distance: float, worth: float) -> None:
        """Take the step that the gradients so far ask for, and the bits.

        Args:
            distance: squared, of the step's crops; its gradients are there already.
            worth: see `tune`.
        """
        rate = worth * self.student.bits()
        rate.backward(inputs=self.student.weights)
        for group in self.optimiser.param_groups:
            share = (1 + math.cos(math.pi * self.done / self.settings.steps)) / 2
            group["lr"] = self.settings.learning_rate * share
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.student.clamp()
        self._require_finite(distance + rate.item())
        self.done += 1


def tune(
    network: RetrievalNetwork,
    codes: Mapping[str, QuantizedTensor],
    teacher: RetrievalNetwork,
    source: CropSource,
    crops: CropSettings,
    worth: float,
    settings: TuningSettings,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> dict[str, QuantizedTensor]:
    """Tune the convolutions of a rounded network, in place; it stays rounded.

    The crops of each block of steps depend on `seed` and the block alone, so that a job that was
    killed and goes on ends with the same weights as one that was not.

    Args:
        codes: the layers of `network`.
        crops: how they are cut, and how many are computed at a time at most.
        worth: the squared distance that a bit is worth.
        checkpoint: of this computation; written once a minute.

    Returns:
        all layers as codes.

    Raises:
        FloatingPointError: a step failed; says which setting to lower.
    """
    student = StraightThrough(network, codes)
    if not student.values:
        return dict(codes)
    tuning = _Tuning(student, settings)
    if checkpoint and (state := checkpoint.load()):
        tuning.resume(state)
    parts = _parts(settings.crops_per_step, crops.batch)
    batch = settings.crops_per_step // parts
    saved = time.monotonic()
    total = settings.steps * settings.crops_per_step
    done = tuning.done * settings.crops_per_step
    with progress(total, "tuning", "crop", done) as bar, torch.enable_grad():
        while tuning.done < settings.steps:
            count = min(_BLOCK, settings.steps - tuning.done)
            own = replace(crops, crops=count * settings.crops_per_step, batch=batch)
            objective = DistillationObjective(source, own, teacher)
            student.refit()
            generator = np.random.default_rng((seed, tuning.done))
            distances: list[float] = []
            for units, distance in objective.losses(student, generator):
                (distance / parts).backward(inputs=student.values)
                distances.append(distance.item())
                if len(distances) % parts == 0:
                    tuning.step(sum(distances[-parts:]) / parts, worth)
                bar.set_postfix(distance=f"{sum(distances) / len(distances):.4f}")
                bar.update(units)
            if checkpoint and (
                tuning.done == settings.steps or time.monotonic() - saved > _SAVE_SECONDS
            ):
                checkpoint.save(tuning.state())
                saved = time.monotonic()
    return student.write()
