"""What every kind of map code computes, and the arrays that it is restored from."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from pocketvlad.maps.comparison import Comparison, of_numbers

LARGEST = 2.0**40
"""The largest magnitude of a stored number. Descriptors have unit length; beyond this, sums of
squares of a hostile file's numbers might overflow."""


def are_usable(numbers: np.ndarray) -> bool:
    """Whether all are finite, and none is larger than LARGEST.

    >>> are_usable(np.float32([1, -2])), are_usable(np.float32([np.nan])), are_usable(np.ones(0))
    (True, False, True)
    """
    if not numbers.size:
        return True
    # As Python's floats: in half precision LARGEST would be infinite. A NaN is below nothing.
    return float(numbers.min()) >= -LARGEST and float(numbers.max()) <= LARGEST


class CodeError(ValueError):
    """Codes or a code's parameters do not fit what declares them; says which and how."""


class Coder(ABC):
    """Rows [N, L] float32 as bytes, and back.

    The similarity of a query and a place is `prepare(query) . decode(code)`.
    """

    @property
    @abstractmethod
    def bytes_per_row(self) -> int:
        """Bytes of a row."""

    @abstractmethod
    def encode(self, rows: np.ndarray) -> np.ndarray:
        """[N, bytes_per_row] uint8."""

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """[N, L] float32, what is left of the rows, of about unit length; as `prepare` turns them.

        Raises:
            CodeError: the bytes are of no row.
        """

    @abstractmethod
    def parameters(self) -> dict[str, np.ndarray]:
        """What `Code.restore` needs, by name."""

    def prepare(self, rows: np.ndarray) -> np.ndarray:
        """[N, L] Queries as they are compared with decoded rows."""
        return rows

    def comparison(self, prepared: np.ndarray) -> Comparison:
        """How prepared queries [Q, L] are compared with codes in single precision.

        A coder overrides it where its codes can be compared without being decoded.
        """
        return of_numbers(self.decode, prepared)


class Parameters:
    """A code's parameters, from a file that anybody may have written: each is checked as it is
    taken."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._left = dict(arrays)

    def take(self, name: str, dtype: type, shape: Sequence[int | None]) -> np.ndarray:
        """The array of this name.

        Args:
            dtype: its very type, such as np.float32.
            shape: its very shape; None is any number from 1 on.

        Raises:
            CodeError: it is missing, of another type or shape, or has numbers that are not finite
                or beyond LARGEST.
        """
        if name not in self._left:
            raise CodeError(f"the code's parameter {name!r} is missing; write the file again")
        array = np.asarray(self._left.pop(name))
        fits = len(array.shape) == len(shape) and all(
            found == wanted or (wanted is None and found > 0)
            for found, wanted in zip(array.shape, shape, strict=True)
        )
        if array.dtype != np.dtype(dtype) or not fits:
            wanted = ", ".join("any" if each is None else str(each) for each in shape)
            raise CodeError(
                f"the code's parameter {name!r} is {array.dtype} {list(array.shape)}, not "
                f"{np.dtype(dtype)} [{wanted}]; write the file again"
            )
        if not are_usable(array):
            raise CodeError(
                f"the code's parameter {name!r} is not finite, or beyond {LARGEST:.0e}; write the "
                "file again"
            )
        return array

    def under(self, prefix: str) -> "Parameters":
        """Those whose names begin with `prefix`, taken; without it."""
        names = [name for name in self._left if name.startswith(prefix)]
        return Parameters({name.removeprefix(prefix): self._left.pop(name) for name in names})

    def require_all_taken(self) -> None:
        """Raises CodeError where arrays are left that no parameter is."""
        if self._left:
            raise CodeError(f"the code has no parameter {min(self._left)!r}; write the file again")
