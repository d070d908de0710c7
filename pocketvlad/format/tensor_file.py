"""Named arrays and a JSON header in one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pocketvlad.format.error import FormatError
from pocketvlad.util.atomic import replacing

_KEY = "pocketvlad"


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


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """(tensors, header) as `write_tensors` was given them.

    Raises:
        FormatError: not a safetensors file, or not one with our header.
    """
    try:
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise FormatError(f"{path} is not a PocketVLAD model file: {error}") from None
