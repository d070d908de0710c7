"""A compressed model as one file: codes and codebooks, and the small tensors as they are.

The file is what the study measures: its bytes are the size in the table, and evaluation reads the
network back from it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from pocketvlad.model_file import (
    Model,
    ModelFileError,
    model_from,
    model_header,
    read_tensors,
    write_tensors,
)
from pocketvlad.quantize import QuantizedTensor

_CODES, _CODEBOOK = ".codes", ".codebook"


def write_compressed(
    path: Path, model: Model, quantized: Mapping[str, QuantizedTensor], identity: dict[str, object]
) -> int:
    """Write `model` with the layers in `quantized` replaced by their codes.

    Args:
        identity: how the file was made; it is kept in the header.

    Returns:
        the file's size in bytes.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in model.network.state_dict().items():
        if name in quantized:
            tensors[name + _CODES] = quantized[name].codes
            tensors[name + _CODEBOOK] = quantized[name].codebook
        else:
            tensors[name] = tensor
    write_tensors(path, tensors, {**model_header(model), "compression": identity})
    return os.path.getsize(path)


def read_compressed(path: Path) -> Model:
    """Decode the file into a float32 network, ready to evaluate.

    Raises:
        ModelFileError: damaged, or a code has no entry in its codebook; names file and layer.
    """
    stored, header = read_tensors(path)
    tensors: dict[str, Tensor] = {}
    for key, tensor in stored.items():
        if key.endswith(_CODES):
            name = key.removesuffix(_CODES)
            codebook = stored.get(name + _CODEBOOK)
            if codebook is None or (tensor.numel() and int(tensor.max()) >= len(codebook)):
                raise ModelFileError(f"{path}: a code of layer {name} has no codebook entry")
            tensors[name] = QuantizedTensor(tensor, codebook).dequantize()
        elif not key.endswith(_CODEBOOK):
            tensors[key] = tensor
    return model_from(tensors, header, path)
