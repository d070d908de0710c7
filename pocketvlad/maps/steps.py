"""Components as whole numbers of steps, a byte each.

A component is in error by at most half its step, and evenly so: by step^2 / 12 on the mean square.
The error of a similarity q . x is the sum of q_j^2 step_j^2 / 12. One step for all would be that of
the widest component; steps of their own are never larger. Where whitening has made all components
alike, both are the same; where it has not, widths differ up to tenfold, and so do errors. The
steps cost 8 bytes a component, once: as much as eight places do.

The bytes are those of faiss's 8-bit scalar quantizer (`QT_8bit`, vmin = low, vdiff = 255 step), so
that it can search them as they are.
"""

from dataclasses import dataclass

import numpy as np

from pocketvlad.maps.byte_comparison import ByteScan, byte_products
from pocketvlad.maps.coder import CodeError, Coder, Parameters
from pocketvlad.maps.comparison import Comparison
from pocketvlad.util.installed import installed

_LEVELS = 255  # intervals that the range is cut into
_FEW = 100  # rows
_FEW_QUERIES = 3  # more are compared faster by products of matrices
_DEVIATIONS = 4.0  # that the range spans on either side; of a normal variable 1 in 16,000 is beyond


@dataclass(frozen=True)
class StepCoder(Coder):
    """Byte c of a component stands for low + (c + 1/2) step.

    low, step: [L] float32.
    """

    low: np.ndarray
    step: np.ndarray

    @classmethod
    def learnt(cls, rows: np.ndarray) -> "StepCoder":
        """Steps that span the range of `rows` [M, L], and at least four deviations either side.

        A few hundred photographs do not have the rare values of another city's. Fewer than
        _FEW do not even say how far a component spreads: there it is as far, at least, as all
        components do together. A component that never moves gets the mean of the other steps.
        """
        mean = rows.mean(axis=0, dtype=np.float64)
        apart = np.abs(rows - mean)
        half = np.maximum(apart.max(axis=0), _DEVIATIONS * np.sqrt(np.square(apart).mean(axis=0)))
        if len(rows) < _FEW:
            # The mean is off, too, by the spread over the root of their number.
            spread = np.sqrt(np.square(rows, dtype=np.float64).mean() * (1 + 1 / len(rows)))
            half = np.maximum(half, _DEVIATIONS * spread)
        moves = half > 1e-6 * max(half.max(), np.finfo(np.float32).tiny)
        half = np.where(moves, half, half[moves].mean() if moves.any() else 1.0)
        return cls((mean - half).astype(np.float32), (2 * half / _LEVELS).astype(np.float32))

    @classmethod
    def restored(cls, parameters: Parameters, length: int) -> "StepCoder":
        """Raises CodeError where a parameter does not fit or a step is not above 0."""
        low = parameters.take("low", np.float32, (length,))
        step = parameters.take("step", np.float32, (length,))
        if not (step > 0).all():
            raise CodeError("the code's parameter 'step' is not above 0; write the file again")
        return cls(low, step)

    @property
    def bytes_per_row(self) -> int:
        return len(self.low)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        return np.clip(np.floor((rows - self.low) / self.step), 0, _LEVELS).astype(np.uint8)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return self.low + (codes.astype(np.float32) + np.float32(0.5)) * self.step

    def parameters(self) -> dict[str, np.ndarray]:
        return {"low": self.low, "step": self.step}

    def comparison(self, prepared: np.ndarray) -> Comparison:
        if len(prepared) <= _FEW_QUERIES and installed("faiss"):
            return ByteScan(prepared, self.low, self.step)
        return byte_products(prepared, self.low, self.step)
