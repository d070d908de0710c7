"""A rounded network whose convolutions can learn although they are rounded.

Each weight, or coefficient of a kernel, is a continuous number of steps. The network computes with
the nearest whole number, and the gradient passes as if nothing had been rounded (straight-through
estimator; Bengio, Léonard & Courville, arXiv:1308.3432, 2013). Biases learn in the same way, in
units of their power of two. Steps and scales of rows stay as they are.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from pocketvlad.compression.rd.descent import symbol_bits
from pocketvlad.compression.rd.interpolated_rate import interpolated_bits
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, from_multiples, multiples_of
from pocketvlad.format.kernel_transform import cosine_basis
from pocketvlad.format.quantized_tensor import QuantizedTensor, by_axes
from pocketvlad.format.roles import Part
from pocketvlad.format.whole_multiples import whole
from pocketvlad.networks.labels import compressible_of
from pocketvlad.networks.network import RetrievalNetwork


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        return values.round()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient


def _rounded(values: Tensor) -> Tensor:
    """The nearest whole numbers; their gradient is that of the values. No negative zero."""
    return _Rounded.apply(values) + 0.0


class _Kernels:
    """The weights of one convolution.

    values: [R, D], in steps.  units: [R, 1], what a step of each row is.
    """

    def __init__(self, tensor: QuantizedTensor, device: torch.device) -> None:
        multiples, step = multiples_of(tensor)
        self.tensor, self.step = tensor, step
        _, _, self.taps = by_axes(multiples.shape)
        scales = np.ones(len(multiples)) if tensor.scales is None else tensor.scales
        rows = torch.from_numpy(multiples.reshape(len(multiples), -1)).float()
        self.values = rows.to(device).requires_grad_()
        self.units = torch.from_numpy(step * scales[:, None]).float().to(device)
        basis = cosine_basis(*multiples.shape[2:]) if tensor.transformed else np.ones((1, 1))
        self.basis = torch.from_numpy(basis).float().to(device)
        self.refit()

    def refit(self) -> None:
        """Fit the frequency models to the present multiples."""
        with torch.no_grad():
            self.frequencies = symbol_bits(self.values.round(), self.taps, MAX_MULTIPLE)

    def bits(self) -> Tensor:
        return interpolated_bits(self.values, *self.frequencies)

    def weight(self) -> Tensor:
        rows = _rounded(self.values) * self.units
        kernels = rows.unflatten(1, (-1, len(self.basis))) @ self.basis
        return kernels.view(self.tensor.codes.shape)

    def quantized(self) -> QuantizedTensor:
        multiples = self.values.detach().round().to(torch.int16).cpu().numpy()
        tensor = self.tensor
        return from_multiples(
            multiples.reshape(tensor.codes.shape),
            self.step,
            tensor.transformed,
            scales=tensor.scales,
        )


class _Biases:
    """values: [R], whole multiples of `unit` at the start."""

    def __init__(self, multiples: np.ndarray, exponent: int, device: torch.device) -> None:
        self.unit = 2.0**exponent
        self.values = torch.from_numpy(multiples).float().to(device).requires_grad_()

    def bias(self) -> Tensor:
        return _rounded(self.values) * self.unit


class StraightThrough:
    """The convolutions of a network as continuous numbers of steps; all else as it is.

    Layers of zeros stay so. So do biases that are all zero, which tell no power of two, and those
    that are not whole multiples of one.

    Args:
        network: rounded; not changed until `write`.
        codes: its layers, convolutions without scales of inputs.
    """

    def __init__(self, network: RetrievalNetwork, codes: Mapping[str, QuantizedTensor]) -> None:
        self.network, self.codes = network, codes
        self.kernels: dict[str, _Kernels] = {}
        self.biases: dict[str, _Biases] = {}
        for name in compressible_of(network, Part.BACKBONE):
            if name not in codes or not codes[name].codes.any():
                continue
            self.kernels[name] = _Kernels(codes[name], network.device)
            path = name.rpartition(".")[0]
            bias = network.get_submodule(path).bias
            found = None if bias is None else whole(bias.detach().cpu().numpy())
            if found is not None and bias.any():
                self.biases[f"{path}.bias"] = _Biases(*found, network.device)

    @property
    def values(self) -> list[Tensor]:
        """What learns, in steps: of the weights, then of the biases."""
        return self.weights + [each.values for each in self.biases.values()]

    @property
    def weights(self) -> list[Tensor]:
        """What `bits` depends on."""
        return [each.values for each in self.kernels.values()]

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        yield from ((name, each.weight()) for name, each in self.kernels.items())
        yield from ((name, each.bias()) for name, each in self.biases.items())

    def __call__(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W] -> descriptors [N, F]."""
        return functional_call(self.network, dict(self._tensors()), (images,))

    def refit(self) -> None:
        """Fit the frequency models of all layers to their present multiples."""
        for each in self.kernels.values():
            each.refit()

    def bits(self) -> Tensor:
        """Of all kernels, interpolated between whole multiples."""
        return sum(each.bits() for each in self.kernels.values())

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep multiples within those that a file holds."""
        for values in self.weights:
            values.clamp_(-MAX_MULTIPLE, MAX_MULTIPLE)

    @torch.no_grad()
    def write(self) -> dict[str, QuantizedTensor]:
        """Give the network the present multiples.

        Returns:
            all of its layers as codes.
        """
        parameters = dict(self.network.named_parameters())
        found = dict(self.codes)
        for name, kernels in self.kernels.items():
            found[name] = kernels.quantized()
            parameters[name].copy_(torch.from_numpy(found[name].dequantize()))
        for name, biases in self.biases.items():
            parameters[name].copy_(biases.bias())
        return found
