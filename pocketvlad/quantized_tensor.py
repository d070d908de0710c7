"""A layer's weights as codes and a codebook: what quantizers make and files hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.kernel_transform import frequency_classes, to_kernels


def grid(first: float, last: float, count: int) -> np.ndarray:
    """`count` evenly spaced float32 levels from `first` to `last`.

    The one way to compute a uniform codebook: quantizers and files must agree to the last bit.
    """
    low, high = np.float64(np.float32(first)), np.float64(np.float32(last))
    levels = low + np.arange(count) * ((high - low) / max(1, count - 1))
    levels[-1:] = high if count > 1 else low
    return levels.astype(np.float32)


def symbol_classes(shape: Sequence[int], transformed: bool) -> np.ndarray:
    """See `QuantizedTensor.classes`."""
    return frequency_classes(*(shape[2:] if transformed else (1, 1)))


def per_row(scales: np.ndarray, dimensions: int) -> np.ndarray:
    """`scales` [R] in a shape that broadcasts over a weight of so many dimensions, by rows."""
    return scales.reshape(-1, *[1] * (dimensions - 1))


@dataclass(frozen=True)
class QuantizedTensor:
    """A quantized weight of R rows (its first dimension: the outputs of a layer).

    codes: uint8, the weight's shape.  codebook: [L] float32, L <= 2^b, `codebook[0] == 0`.
    scales: [R] float32, above 0, each a number of half precision; a row is its levels times its
    scale. None: the levels are the weights.  transformed: what the codes stand for are not weights
    but the coefficients of kernels (`kernel_transform`); for weights of four dimensions.
    """

    codes: np.ndarray
    codebook: np.ndarray
    scales: np.ndarray | None = None
    transformed: bool = False

    def dequantize(self) -> np.ndarray:
        """The float32 weights that the codes stand for."""
        values = self.codebook[self.codes]
        if self.scales is not None:
            values = values * per_row(self.scales, values.ndim)
        return to_kernels(values) if self.transformed else values

    @property
    def classes(self) -> np.ndarray:
        """[K] uint8 The classes that take turns with the codes: each has its own model."""
        return symbol_classes(self.codes.shape, self.transformed)

    def counts(self) -> np.ndarray:
        """[C, L] How many codes of each class stand for each level."""
        classes = self.classes
        codes = self.codes.reshape(-1, len(classes))
        levels = len(self.codebook)
        return np.stack(
            [
                np.bincount(codes[:, classes == each].reshape(-1), minlength=levels)
                for each in range(int(classes.max()) + 1)
            ]
        )

    def entropy_bits(self) -> float:
        """Shannon's bound on the size of the codes, coded one by one, a model a class: in bits."""
        counts = self.counts().astype(np.float64)
        shares = counts / counts.sum(axis=1, keepdims=True)
        return float(-(counts * np.log2(shares, where=counts > 0, out=np.zeros_like(shares))).sum())
