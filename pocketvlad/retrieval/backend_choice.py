"""Whether torch or onnxruntime describes pictures by a network: the faster one, measured once.

For `compute.backend: measured`. The choice is kept in a file, so that all jobs of a study, and its
repetitions, compute a network in one way.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pocketvlad.data.settings import Sizing
from pocketvlad.networks.device import chosen_device
from pocketvlad.networks.model import Model
from pocketvlad.networks.settings import BACKENDS
from pocketvlad.portable.backend import TOLERANCE, Describing, describing
from pocketvlad.portable.verification import VerificationError
from pocketvlad.retrieval.describe import decoded_batches
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.json_file import read_json

PICTURES = 4  # that are described: a network of a second a picture takes half a minute
_REPEATS = 3
_WORTHWHILE = 0.9  # of torch's time: smaller gains are chance, and torch computes everything else
TORCH, ONNXRUNTIME = BACKENDS


@dataclass(frozen=True)
class BackendChoice:
    """backend: the one to take.  why: in words.  milliseconds: by backend, of the processor, for a
    picture.  difference: the largest of a component of a descriptor.  Both None if not measured.
    """

    backend: str
    why: str
    milliseconds: dict[str, float] | None = None
    difference: float | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def drawn_pictures(pictures: Sequence[Picture], seed: int) -> list[Picture]:
    """At most PICTURES of them, the same for the same seed."""
    drawn = np.random.default_rng(seed).permutation(len(pictures))[:PICTURES]
    return [pictures[number] for number in sorted(drawn)]


def measured_choice(
    model: Model, pictures: Sequence[Picture], sizing: Sizing, device: str, batch_size: int
) -> BackendChoice:
    """Describe `pictures` by both, and choose.

    onnxruntime is chosen where it saves a tenth of the time and no component of a descriptor
    differs by more than 1e-5; else torch is. Processor time is compared, which other work on the
    machine lengthens little, so that torch must have been given one thread. Time to decode
    pictures does not count.

    Args:
        device: the config's; where it is a GPU, nothing is measured: onnxruntime uses none.

    Raises:
        ImageError: a file cannot be decoded; names it.
        ImportError: onnx or onnxruntime is missing; says what to install.
    """
    if chosen_device(device).type != "cpu":
        return BackendChoice(TORCH, "the device is a GPU, which onnxruntime does not use here")
    batches = [
        batch for _, batch in decoded_batches(pictures, sizing, model.preprocessing, batch_size)
    ]
    try:
        by = {name: describing(model.network, "cpu", "float32", name) for name in BACKENDS}
    except VerificationError as error:
        return BackendChoice(TORCH, str(error))
    seconds, differences = dict.fromkeys(BACKENDS, 0.0), []
    with torch.inference_mode():
        for batch in batches:
            # The first call of each, which may take longer, does not count.
            first, second = (each.function(batch) for each in by.values())
            differences.append((first - second).abs().max().item())
            for name, least in _least_seconds(by, batch).items():
                seconds[name] += least
    milliseconds = {name: round(1000 * each / len(pictures), 3) for name, each in seconds.items()}
    difference = float(np.max(differences))
    if not difference <= TOLERANCE:  # one that is no number is none, either
        why = f"descriptors differ by {difference:.2g}; {TOLERANCE:g} is allowed"
        return BackendChoice(TORCH, why, milliseconds, difference)
    if milliseconds[ONNXRUNTIME] <= _WORTHWHILE * milliseconds[TORCH]:
        why = "onnxruntime saves a tenth of torch's time or more"
        return BackendChoice(ONNXRUNTIME, why, milliseconds, difference)
    why = "onnxruntime does not save a tenth of torch's time"
    return BackendChoice(TORCH, why, milliseconds, difference)


def _least_seconds(by: Mapping[str, Describing], batch: Tensor) -> dict[str, float]:
    """Of the processor, of several calls that take turns."""
    found: dict[str, list[float]] = {name: [] for name in by}
    for _ in range(_REPEATS):
        for name, each in by.items():
            begin = time.process_time()
            each.function(batch)
            found[name].append(time.process_time() - begin)
    return {name: min(times) for name, times in found.items()}


def with_choice(compute: Mapping[str, str], files: Sequence[str]) -> dict[str, str]:
    """The settings of `compute` for a job; the backend that was measured in place of "measured".

    Args:
        compute: see `portable.backend.describing`.
        files: the file of the choice; none where the config names a backend.

    Raises:
        ValueError: the file holds no choice; names it and what to do.
    """
    for file in files:
        match read_json(Path(file)):
            case {"backend": str(backend)} if backend in BACKENDS:
                return {**compute, "backend": backend}
        raise ValueError(f"{file} names no backend; delete it, and the study measures again")
    return dict(compute)
