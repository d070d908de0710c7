"""A layer's weights as codes and a codebook: what quantizers make and files hold."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class QuantizedTensor:
    """`codes`: uint8, the weight's shape. `codebook`: [L] float32, L <= 2^b, `codebook[0] == 0`."""

    codes: np.ndarray
    codebook: np.ndarray

    def dequantize(self) -> np.ndarray:
        """The float32 weights that the codes stand for."""
        return self.codebook[self.codes]
