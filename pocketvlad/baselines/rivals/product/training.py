"""Codebooks and biases that learn to describe crops as the base model does; the codes stay."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.product.blocks import Blocked
from pocketvlad.baselines.rivals.product.codebook import summed
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.roles import Role
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.distillation import DistillationObjective
from pocketvlad.training.epoch import train_epoch

_RATE = 0.003  # of Adam at the start: a step's size, in shares of what a tensor's numbers are


class _LookUp(torch.autograd.Function):
    """codebook [k, d], codes [N] -> blocks [N, d]; an entry's gradient is the sum of its blocks'.

    The same as differentiating the indexing, but much faster.
    """

    @staticmethod
    def forward(ctx, codebook: Tensor, codes: Tensor) -> Tensor:
        ctx.save_for_backward(codes)
        ctx.entries = len(codebook)
        return codebook.index_select(0, codes)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (codes,) = ctx.saved_tensors
        return summed(gradient, codes, ctx.entries), None


class BlockCodebook(nn.Module):
    """A parametrization: `weight` [O, I, ...] is made of the entries of a codebook."""

    def __init__(self, tensor: Blocked) -> None:
        super().__init__()
        self.shape = tensor.shape
        self.register_buffer("codes", torch.from_numpy(tensor.codes.astype(np.int64)))
        back = np.argsort(tensor.order)
        self.ordered = bool((back[1:] > back[:-1]).all())
        self.register_buffer("back", torch.from_numpy(back))

    def forward(self, codebook: Tensor) -> Tensor:
        """codebook [k, d] -> weight of the tensor's shape."""
        rows = _LookUp.apply(codebook, self.codes).view(-1, *self.shape[1:])
        if not self.ordered:
            rows = rows[:, self.back]
        absent = self.shape[0] - len(rows)
        return torch.cat([rows, rows.new_zeros(absent, *self.shape[1:])]) if absent else rows


def use_block_codebooks(
    network: nn.Module, tensors: Mapping[str, Blocked]
) -> dict[str, nn.Parameter]:
    """Make the layers of `network` look their weights up.

    Returns:
        by tensor the codebook, which is a parameter now.
    """
    codebooks = {}
    for name, tensor in tensors.items():
        path, _, attribute = name.rpartition(".")
        module = network.get_submodule(path)
        device = getattr(module, attribute).device
        made = BlockCodebook(tensor).to(device)
        # Unsafe: the parameter and the weight made from it have different shapes.
        parametrize.register_parametrization(module, attribute, made, unsafe=True)
        entries = torch.from_numpy(tensor.codebook.astype(np.float32)).to(device)
        codebooks[name] = nn.Parameter(entries)
        module.parametrizations[attribute].original = codebooks[name]
    return codebooks


def train_codebooks(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    tensors: Mapping[str, Blocked],
    source: CropSource,
    crops: CropSettings,
    seed: int,
) -> dict[str, Blocked]:
    """Fine-tune `network` on crops of photographs, and store its codebooks in half precision.

    Args:
        network: its layers are those of `tensors`. Afterwards its biases are trained, and its
            weights are the trained codebooks'.
        crops: how they are cut, and how many; each is seen once.

    Returns:
        the tensors with trained codebooks.
    """
    # Before the weights become parametrized.
    biases = [tensor for _, tensor, label in labelled_tensors(network) if label.role is Role.BIAS]
    codebooks = use_block_codebooks(network, tensors)
    learning = [*codebooks.values(), *biases]
    optimiser = torch.optim.Adam(
        {"params": [each], "lr": _RATE * float(each.detach().square().mean().sqrt())}
        for each in learning
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, -(-crops.crops // crops.batch))
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in learning:
        parameter.requires_grad_(True)
    train_epoch(
        network,
        optimiser,
        learning,
        DistillationObjective(source, crops, teacher),
        math.inf,  # Adam's steps do not depend on the length of the gradient
        np.random.default_rng(seed),
        "codebooks",
        schedule.step,
    )
    network.eval()
    return {
        name: replace(tensor, codebook=half(codebooks[name].detach().cpu().numpy()))
        for name, tensor in tensors.items()
    }
