"""Putting foreign weights into our networks."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from pocketvlad.networks.weights.error import WeightsError

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Others, of 8 bits, are not computed with."""


def fitting(values: Tensor, shape: Sequence[int], path: Path, layer: str) -> Tensor:
    """`values`, once they were found to be finite numbers of this shape.

    Args:
        path: the file that they come from, for the message.
        layer: our name of the layer and theirs, for the message.

    Raises:
        WeightsError: another shape, or a value that is not finite.
    """
    if values.shape != shape:
        raise WeightsError(
            f"{path}: {layer}: shape {tuple(values.shape)} found, {tuple(shape)} expected"
        )
    if values.dtype not in _FLOATS:
        raise WeightsError(
            f"{path}: {layer}: a tensor of {values.dtype} found; plain floating-point "
            "numbers expected"
        )
    if not torch.isfinite(values).all():
        raise WeightsError(f"{path}: {layer}: a weight is not finite")
    return values


@torch.no_grad()
def place(target: nn.Parameter, values: Tensor, path: Path, layer: str) -> None:
    """Copy `values` into `target`, if they are `fitting`.

    Raises:
        WeightsError: they are not.
    """
    target.copy_(fitting(values, target.shape, path, layer))


def convolutions(backbone: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """(name, layer) of the backbone's convolutions, in order."""
    return [(n, m) for n, m in backbone.named_modules() if isinstance(m, nn.Conv2d)]
