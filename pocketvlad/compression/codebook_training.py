"""Codebooks that learn (trained quantization: Han, Mao & Dally, ICLR 2016, section 3).

A layer's weights are centres looked up by fixed assignments. The gradient of a centre is the sum of
the gradients of all weights that have it; the centres take the steps, the assignments stay, unless
they are renewed every so many steps. Biases, which no codebook holds, learn beside them.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pocketvlad.compression.settings import CodebookSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor, per_row
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.epoch import Objective
from pocketvlad.training.fine_tuning import EpochRecord, fine_tune
from pocketvlad.training.settings import TrainingSettings


class _LookUp(torch.autograd.Function):
    """levels [L], codes -> weights; the gradient of a level is the sum over its weights.

    The same as differentiating the indexing, but in one pass over the weights and in double
    precision.
    """

    @staticmethod
    def forward(ctx, levels: Tensor, codes: Tensor) -> Tensor:
        ctx.save_for_backward(codes)
        ctx.levels = len(levels)
        return torch.index_select(levels, 0, codes.flatten()).view(codes.shape)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (codes,) = ctx.saved_tensors
        sums = torch.bincount(codes.flatten(), gradient.double().flatten(), minlength=ctx.levels)
        return sums.to(gradient.dtype), None


class Codebook(nn.Module):
    """A parametrization: `weight` is looked up in zero and the learning levels.

    Scales of the rows, where the layer has them, stay as they are.
    """

    def __init__(self, tensor: QuantizedTensor) -> None:
        super().__init__()
        self.register_buffer("codes", torch.from_numpy(tensor.codes.astype(np.int32)))
        scaled = tensor.scales is not None
        scales = per_row(tensor.scales if scaled else np.ones(1, np.float32), tensor.codes.ndim)
        self.register_buffer("scales", torch.from_numpy(scales))

    def forward(self, levels: Tensor) -> Tensor:
        """levels [L], that of zero apart -> weights of the codes' shape."""
        looked_up = _LookUp.apply(torch.cat([levels.new_zeros(1), levels]), self.codes)
        return looked_up * self.scales


def _owner(network: RetrievalNetwork, name: str) -> tuple[nn.Module, str]:
    path, _, attribute = name.rpartition(".")
    return network.get_submodule(path), attribute


def use_codebooks(network: RetrievalNetwork, quantized: Mapping[str, QuantizedTensor]) -> None:
    """Make the layers of `network` look their weights up; their levels are its parameters now.

    A layer whose weights are all zero has no level to learn and becomes a constant.
    """
    for name, tensor in quantized.items():
        module, attribute = _owner(network, name)
        weight = torch.from_numpy(tensor.dequantize()).to(network.device)
        if len(tensor.codebook) == 1:
            delattr(module, attribute)
            module.register_buffer(attribute, weight)
            continue
        getattr(module, attribute).data = weight
        # Unsafe: the parameter and the weight made from it have different shapes.
        codebook = Codebook(tensor).to(network.device)
        parametrize.register_parametrization(module, attribute, codebook, unsafe=True)
        originals = module.parametrizations[attribute]
        levels = torch.from_numpy(tensor.codebook[1:].copy()).to(network.device)
        originals.original = nn.Parameter(levels)


def read_codebooks(
    network: RetrievalNetwork, quantized: Mapping[str, QuantizedTensor]
) -> dict[str, QuantizedTensor]:
    """The present codebooks and codes of a network under `use_codebooks`."""
    result = {}
    for name, tensor in quantized.items():
        module, attribute = _owner(network, name)
        if not parametrize.is_parametrized(module, attribute):
            result[name] = tensor
            continue
        held = module.parametrizations[attribute]
        levels = held.original.detach().cpu().numpy()
        codes = held[0].codes.cpu().numpy().astype(np.uint8)
        codebook = np.concatenate([np.zeros(1, np.float32), levels])
        result[name] = QuantizedTensor(codes, codebook, tensor.scales)
    return result


@torch.no_grad()
def recluster(network: RetrievalNetwork, weights: Mapping[str, Tensor]) -> None:
    """Assign every weight that survived pruning to the level that is now nearest.

    Args:
        weights: the network's weights before quantization.
    """
    for name, weight in weights.items():
        module, attribute = _owner(network, name)
        if not parametrize.is_parametrized(module, attribute):
            continue
        held = module.parametrizations[attribute]
        levels, order = held.original.detach().sort()
        nearest = torch.bucketize(weight / held[0].scales, (levels[1:] + levels[:-1]) / 2)
        held[0].codes.copy_(torch.where(weight == 0, 0, order[nearest] + 1))


def train_codebooks(
    network: RetrievalNetwork,
    quantized: Mapping[str, QuantizedTensor],
    training: TrainingSettings,
    settings: CodebookSettings,
    objective: Objective,
    seed: int,
    checkpoint: Checkpoint,
) -> tuple[dict[str, QuantizedTensor], list[EpochRecord]]:
    """Fine-tune the codebooks of a quantized network, and keep the best epoch, or the start.

    Args:
        network: pruned, not quantized. Afterwards its biases are trained and its weights quantized.
        quantized: what its compressible layers become.

    Returns:
        the layers with trained codebooks, and the history of the training.
    """
    weights = {name: weight.detach().clone() for name, weight in compressible(network)}
    use_codebooks(network, quantized)
    steps = 0

    def before_epoch(_: int) -> None:
        nonlocal steps
        steps = 0  # counted an epoch, so that a resumed training re-clusters at the same steps

    def after_step() -> None:
        nonlocal steps
        steps += 1
        if settings.recluster_steps and steps % settings.recluster_steps == 0:
            recluster(network, weights)

    history = fine_tune(
        network,
        replace(
            training,
            layers=("all",),
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            weight_decay=0.0,  # it would shrink the centres, not the weights
        ),
        seed,
        checkpoint,
        objective=objective,
        select=True,
        before_epoch=before_epoch,
        after_step=after_step,
        label="codebooks",
    )
    return read_codebooks(network, quantized), history
