"""Coders that keep every component as a floating-point number; nothing is learnt."""

from dataclasses import dataclass

import numpy as np

from pocketvlad.maps.coder import LARGEST, CodeError, Coder, are_usable
from pocketvlad.maps.comparison import Comparison, of_numbers


@dataclass(frozen=True)
class FloatCoder(Coder):
    """dtype: little-endian, "<f4" or "<f2".  length: L, components of a row."""

    dtype: str
    length: int

    @property
    def bytes_per_row(self) -> int:
        return self.length * np.dtype(self.dtype).itemsize

    def encode(self, rows: np.ndarray) -> np.ndarray:
        most = min(float(np.finfo(self.dtype).max), LARGEST)
        numbers = np.clip(rows, -most, most).astype(self.dtype)
        return numbers.view(np.uint8).reshape(len(rows), self.bytes_per_row)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        numbers = self._numbers(codes)
        if not are_usable(numbers):
            row = next(row for row, each in enumerate(numbers) if not are_usable(each))
            raise CodeError(
                f"the code of row {row} is not finite, or beyond {LARGEST:.0e}; write the file "
                "again"
            )
        return numbers

    def comparison(self, prepared: np.ndarray) -> Comparison:
        return of_numbers(self._numbers, prepared)  # what is among the nearest is checked

    def _numbers(self, codes: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(codes).view(self.dtype).astype(np.float32, copy=False)

    def parameters(self) -> dict[str, np.ndarray]:
        return {}
