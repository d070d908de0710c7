"""Our own weights of narrow backbones: safetensors files with everything about them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.format.error import FormatError
from pocketvlad.format.tensor_file import read_tensors, write_tensors
from pocketvlad.networks.declared import Backbone
from pocketvlad.networks.weights.error import WeightsError


def write_backbone(
    path: Path,
    backbone: nn.Module,
    declared: Backbone,
    preprocessing: Preprocessing,
    origin: Mapping,
) -> None:
    """Write a backbone's weights in float16.

    Args:
        declared: what the backbone was built from.
        preprocessing: that of the pixels it learnt from.
        origin: how the weights were made, for the file's header.
    """
    tensors = {name: t.half().contiguous().numpy() for name, t in backbone.state_dict().items()}
    about = {"backbone": declared.as_dict(), "preprocessing": preprocessing.as_dict()}
    write_tensors(path, tensors, {**about, **origin})


def load_backbone(backbone: nn.Module, path: Path) -> Preprocessing:
    """Fill a backbone from a file that `write_backbone` made; returns its preprocessing.

    Raises:
        WeightsError: damaged, or of another backbone or width; names the file.
    """
    try:
        tensors, header = read_tensors(path)
        preprocessing = Preprocessing.from_dict(header.get("preprocessing"))
        for name, tensor in tensors.items():
            if not np.isfinite(tensor).all():
                raise ValueError(f"a weight of {name} is not finite")
        backbone.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    except (FormatError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path} does not hold this backbone: {error}; choose a width whose weights the "
            "package holds, or make them by `snakemake pretrain`"
        ) from None
    return preprocessing
