"""A layer's weights as codes and a codebook: what quantizers make and files hold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.format.kernel_transform import to_kernels


def grid(first: float, last: float, count: int) -> np.ndarray:
    """`count` evenly spaced float32 levels from `first` to `last`.

    The one way to compute a uniform codebook: quantizers and files must agree to the last bit.
    """
    low, high = np.float64(np.float32(first)), np.float64(np.float32(last))
    levels = low + np.arange(count) * ((high - low) / max(1, count - 1))
    levels[-1:] = high if count > 1 else low
    return levels.astype(np.float32)


def by_axes(shape: Sequence[int]) -> tuple[int, int, int]:
    """(R, C, K) of a weight of this shape: rows (outputs), inputs, taps of a kernel."""
    rows, lines, *places = (*shape, 1, 1)[: max(2, len(shape))]
    return rows, lines, math.prod(places)


def per_input(scales: np.ndarray, dimensions: int) -> np.ndarray:
    """`scales` [C] in a shape that broadcasts over a weight of so many dimensions, by inputs."""
    return scales.reshape((1, -1, *[1] * (dimensions - 2))[:dimensions])


def per_row(scales: np.ndarray, dimensions: int) -> np.ndarray:
    """`scales` [R] in a shape that broadcasts over a weight of so many dimensions, by rows."""
    return scales.reshape((-1, *[1] * (dimensions - 1))[:dimensions])


@dataclass(frozen=True)
class QuantizedTensor:
    """A quantized weight of R rows (its first dimension: the outputs of a layer).

    codes: uint8, on the trellis uint16, the weight's shape.  codebook: [L] float32, L <= 2^b,
    `codebook[0] == 0`.  scales: [R] float32, above 0, each a number of half precision; a row is its
    levels times its scale. None: it is the levels.  transformed: what the codes stand for are not
    weights but the coefficients of kernels (`kernel_transform`); for weights of four dimensions.
    input_scales: [C] as `scales`, of the inputs (the second dimension), which their columns are
    multiplied by after the rows.  on_trellis: the levels are the multiples -2 P to 2 P of a step, P
    above 0, and those of each row are on the trellis (`trellis`). Codes do not use the level in the
    middle, which is zero.
    """

    codes: np.ndarray
    codebook: np.ndarray
    scales: np.ndarray | None = None
    transformed: bool = False
    input_scales: np.ndarray | None = None
    on_trellis: bool = False

    @property
    def levels_are_weights(self) -> bool:
        """Whether each weight is a level of the codebook as it is."""
        return self.scales is None and self.input_scales is None and not self.transformed

    def dequantize(self) -> np.ndarray:
        """The float32 weights that the codes stand for."""
        values = self.codebook[self.codes]
        if self.scales is not None:
            values = values * per_row(self.scales, values.ndim)
        if self.input_scales is not None:
            values = values * per_input(self.input_scales, values.ndim)
        return to_kernels(values) if self.transformed else values

    def multiples(self) -> np.ndarray:
        """[R, D] int16: of levels that are those about zero, which multiple of their step each code
        stands for."""
        middle = np.int16(len(self.codebook) // 2)
        codes = self.codes.reshape(len(self.codes), -1)
        return np.where(codes == 0, np.int16(0), codes.astype(np.int16) - middle)

    def by_axes(self) -> np.ndarray:
        """The codes [R, C, K], see the function of the same name."""
        return self.codes.reshape(by_axes(self.codes.shape))
