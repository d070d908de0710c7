"""A compressed model as one file: codes and codebooks, and the small tensors as they are.

The file is what the study measures: its bytes are the size in the table, and evaluation reads the
network back from it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocketvlad.quantized_tensor import QuantizedTensor
from pocketvlad.tensor_file import ModelFileError, read_tensors, write_tensors

_CODES, _CODEBOOK = ".codes", ".codebook"


def write_compressed(
    path: Path,
    tensors: Mapping[str, np.ndarray],
    quantized: Mapping[str, QuantizedTensor],
    header: Mapping[str, object],
) -> int:
    """Write `tensors` with those in `quantized` replaced by their codes.

    Args:
        header: that of the uncompressed model, and how this one was made.

    Returns:
        the file's size in bytes.
    """
    stored: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        if name in quantized:
            stored[name + _CODES] = quantized[name].codes
            stored[name + _CODEBOOK] = quantized[name].codebook
        else:
            stored[name] = tensor
    write_tensors(path, stored, header)
    return os.path.getsize(path)


def read_compressed(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """(float32 tensors, header) that the file decodes to; an uncompressed one holds them plain.

    Raises:
        ModelFileError: damaged, or a code has no entry in its codebook; names file and layer.
    """
    stored, header = read_tensors(path)
    tensors: dict[str, np.ndarray] = {}
    for key, tensor in stored.items():
        if key.endswith(_CODES):
            name = key.removesuffix(_CODES)
            codebook = stored.get(name + _CODEBOOK)
            if codebook is None or (tensor.size and int(tensor.max()) >= len(codebook)):
                raise ModelFileError(f"{path}: a code of layer {name} has no codebook entry")
            tensors[name] = QuantizedTensor(tensor, codebook).dequantize()
        elif not key.endswith(_CODEBOOK):
            tensors[key] = tensor
    return tensors, header
