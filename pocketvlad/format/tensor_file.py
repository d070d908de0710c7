"""Named arrays and a JSON header in one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pocketvlad.format.error import FormatError
from pocketvlad.util.atomic import replacing
from pocketvlad.util.foreign import foreign

_KEY = "pocketvlad"
_READ = (np.float32, np.float16, np.float64)


def write_tensors(
    path: Path, tensors: Mapping[str, np.ndarray], header: Mapping[str, object]
) -> None:
    """Write `tensors` with a JSON `header`; whole or not at all."""
    try:
        with replacing(path) as unfinished:
            save_file(
                {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()},
                unfinished,
                metadata={_KEY: json.dumps(header, sort_keys=True)},
            )
    except SafetensorError as error:
        raise OSError(f"{path} cannot be written: {error}") from None


def read_tensors(path: Path, remedy: str = "") -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """(tensors, header) as `write_tensors` was given them.

    Args:
        remedy: what to do about a file of another kind.

    Raises:
        FormatError: not a safetensors file, or not one with our header.
    """
    if not path.is_file():
        raise FormatError(f"{path} is {'no ordinary file' if path.exists() else 'missing'}")
    label = f"{path} is not a PocketVLAD model file"
    with foreign(FormatError, label, remedy), safe_open(path, framework="np") as file:
        text = (file.metadata() or {}).get(_KEY)
        header = {} if text is None else json.loads(text)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if text is None or not isinstance(header, dict):
        raise FormatError(f"{label}: it lacks our header{remedy and '; '}{remedy}")
    for name, tensor in tensors.items():
        if tensor.dtype not in _READ:
            raise FormatError(f"{path}: {name} is {tensor.dtype}; save it as float32")
    return tensors, header
