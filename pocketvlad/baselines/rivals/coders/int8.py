"""Eight bits a weight, symmetric about zero, with a scale for each output of a layer.

What inference libraries do to weights by default; nothing is calibrated, for weights need none.
"""

from collections.abc import Mapping

import numpy as np

from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.format.quantized_tensor import per_row
from pocketvlad.format.roles import Role

_MAX = 127  # -128 is left out: the range is symmetric
_SCALES = "/scales"


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One, of every base model."""
    return [Rival("int8", "int8 per channel", "int8", "base")]


def encode(tensors: Mapping[str, np.ndarray], roles: Mapping[str, Role]) -> bytes:
    """The float32 `tensors` of a model as a file; scales in float32, biases in half precision."""
    arrays = {}
    for name, tensor in tensors.items():
        if not roles[name].compressed:
            arrays[name] = half(tensor)
            continue
        largest = np.abs(tensor).reshape(len(tensor), -1).max(axis=1)
        scales = np.where(largest > 0, largest / _MAX, 1).astype(np.float32)
        steps = np.rint(tensor / per_row(scales, tensor.ndim))
        arrays[name] = np.clip(steps, -_MAX, _MAX).astype(np.int8)
        arrays[name + _SCALES] = scales
    return pack(arrays)


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that the file stands for.

    Raises:
        FormatError: the file is damaged.
    """
    arrays, _ = unpack(data)
    return {
        name: array.astype(np.float32) * per_row(arrays[name + _SCALES], array.ndim)
        if array.dtype == np.int8
        else array.astype(np.float32)
        for name, array in arrays.items()
        if not name.endswith(_SCALES)
    }
