"""A layer's weights as codes and a codebook: what quantizers make and files hold."""

from dataclasses import dataclass

import numpy as np


def grid(first: float, last: float, count: int) -> np.ndarray:
    """`count` evenly spaced float32 levels from `first` to `last`.

    The one way to compute a uniform codebook: quantizers and files must agree to the last bit.
    """
    low, high = np.float64(np.float32(first)), np.float64(np.float32(last))
    levels = low + np.arange(count) * ((high - low) / max(1, count - 1))
    levels[-1:] = high if count > 1 else low
    return levels.astype(np.float32)


def per_row(scales: np.ndarray, dimensions: int) -> np.ndarray:
    """`scales` [R] in a shape that broadcasts over a weight of so many dimensions, by rows."""
    return scales.reshape(-1, *[1] * (dimensions - 1))


@dataclass(frozen=True)
class QuantizedTensor:
    """A quantized weight of R rows (its first dimension: the outputs of a layer).

    codes: uint8, the weight's shape.  codebook: [L] float32, L <= 2^b, `codebook[0] == 0`.
    scales: [R] float32, above 0, each a number of half precision; a row is its levels times its
    scale. None: the levels are the weights.
    """

    codes: np.ndarray
    codebook: np.ndarray
    scales: np.ndarray | None = None

    def dequantize(self) -> np.ndarray:
        """The float32 weights that the codes stand for."""
        levels = self.codebook[self.codes]
        return levels if self.scales is None else levels * per_row(self.scales, levels.ndim)

    def counts(self) -> np.ndarray:
        """[L] How many weights have each level."""
        return np.bincount(self.codes.reshape(-1), minlength=len(self.codebook))

    def entropy_bits(self) -> float:
        """Shannon's bound on the size of the codes, coded one by one with one model: in bits."""
        counts = self.counts()
        counts = counts[counts > 0]
        return float(-(counts * np.log2(counts / counts.sum())).sum())
