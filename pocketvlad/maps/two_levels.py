"""Components as one bit each: whether they are nearer to the lower or the upper of two levels."""

from dataclasses import dataclass

import numpy as np

from pocketvlad.maps.coder import Coder, Parameters
from pocketvlad.maps.turning import random_signs, signs_shape, turned
from pocketvlad.maps.unit_rows import unit_rows

_ROUNDS = 20  # of Lloyd's: the levels have settled long before


@dataclass(frozen=True)
class BitCoder(Coder):
    """A bit a component, the first in the lowest bit of the first byte.

    levels: [2, L] float32, what a 0 and a 1 stand for.  signs: of the rotation before, see
    `turning`; None without.
    """

    levels: np.ndarray
    signs: np.ndarray | None

    @classmethod
    def learnt(cls, rows: np.ndarray, seed: int | None) -> "BitCoder":
        """The two levels of each component that are nearest to `rows` [M, L] in the mean square.

        Args:
            seed: of the rotation; None without.

        Raises:
            ValueError: all rows are alike.
        """
        signs = None if seed is None else random_signs(rows.shape[1], seed)
        rows = rows if signs is None else turned(rows, signs)
        threshold = rows.mean(axis=0, dtype=np.float64)
        for _ in range(_ROUNDS):
            above = rows > threshold
            high = _mean_of(rows, above, threshold)
            low = _mean_of(rows, ~above, threshold)
            threshold = (low + high) / 2
        if not (high > low).any():
            raise ValueError(
                f"the {len(rows)} descriptors that bits are learnt from are all alike, and no bit "
                "would tell anything; take another code, or more photographs"
            )
        return cls(np.stack([low, high]).astype(np.float32), signs)

    @classmethod
    def restored(cls, parameters: Parameters, length: int, rotated: bool) -> "BitCoder":
        """Raises CodeError where a parameter does not fit."""
        levels = parameters.take("levels", np.float32, (2, length))
        signs = parameters.take("signs", np.uint8, signs_shape(length)) if rotated else None
        return cls(levels, signs)

    @property
    def bytes_per_row(self) -> int:
        return -(-self.levels.shape[1] // 8)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        threshold = (self.levels[0] + self.levels[1]) / 2
        return np.packbits(self.prepare(rows) > threshold, axis=1, bitorder="little")

    def decode(self, codes: np.ndarray) -> np.ndarray:
        count = self.levels.shape[1]
        bits = np.unpackbits(codes, axis=1, count=count, bitorder="little")
        return unit_rows(np.where(bits, self.levels[1], self.levels[0]))

    def parameters(self) -> dict[str, np.ndarray]:
        return {"levels": self.levels} | ({} if self.signs is None else {"signs": self.signs})

    def prepare(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.signs is None else turned(rows, self.signs)


def _mean_of(rows: np.ndarray, chosen: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """[L] The mean of each column's chosen entries; `otherwise` where none is."""
    count = chosen.sum(axis=0)
    total = np.where(chosen, rows, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)
