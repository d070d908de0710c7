"""Every weight in half precision."""

from collections.abc import Mapping

import numpy as np

from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.format.roles import Role


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One, of every base model."""
    return [Rival("float16", "float16", "float16", "base")]


def encode(tensors: Mapping[str, np.ndarray], roles: Mapping[str, Role]) -> bytes:
    """The float32 `tensors` of a model as a file."""
    return pack({name: half(tensor) for name, tensor in tensors.items()})


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that the file stands for.

    Raises:
        FormatError: the file is damaged.
    """
    return {name: array.astype(np.float32) for name, array in unpack(data)[0].items()}
