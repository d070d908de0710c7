"""A map code that was learnt from a city: what turns descriptors into bytes and compares them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pocketvlad.maps.coder import CodeError, Coder, Parameters
from pocketvlad.maps.map_code import Code
from pocketvlad.maps.shortening import principal_axes, shortened

_FINER = "finer."  # before the names of the finer code's parameters


@dataclass(frozen=True)
class FittedCode:
    """A code with all that it has learnt.

    The similarity of a query and a place is `prepare(query) . decode(code)`: the query is never
    rounded. What coarse codes (parts, bits) decode to is of unit length again. The mean of the rows
    that a code stands for is the shorter the more of them it has lost, and such places would be
    found more rarely than others. Floats and int8 lose next to nothing, and stay as they are.

    declared: what it is.  components: D, of a descriptor.  axes: [L, D] float16, those of a
    shortened one; None where all are kept.  coder: of the L components that are kept.  finer: by
    which the first places are ranked again; None without re-ranking.
    """

    declared: Code
    components: int
    axes: np.ndarray | None
    coder: Coder
    finer: "FittedCode | None"

    @property
    def length(self) -> int:
        """L, components of what is compared."""
        return self.components if self.axes is None else len(self.axes)

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a place: its code, and behind it its finer code, where there is one."""
        return self.coder.bytes_per_row + (self.finer.bytes_per_row if self.finer else 0)

    @property
    def parameter_bytes(self) -> int:
        """Bytes of what `parameters` gives."""
        return sum(array.nbytes for array in self.parameters().values())

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """[N, bytes_per_row] uint8 of descriptors [N, D] float32 of unit length.

        Raises:
            ValueError: they have another shape, or are not finite.
        """
        codes = self.coder.encode(self._short(rows))
        return codes if self.finer is None else np.hstack([codes, self.finer.encode(rows)])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """[N, L] float32, what `prepare(query)` is compared with.

        Args:
            codes: [N, bytes_per_row]; the bytes of a finer code are skipped.

        Raises:
            CodeError: they have another shape, or are of no row.
        """
        return self.coder.decode(self._checked(codes)[:, : self.coder.bytes_per_row])

    def finer_codes(self, codes: np.ndarray) -> np.ndarray:
        """[N, B] The bytes for `finer` in `codes` [N, bytes_per_row].

        Raises:
            CodeError: they have another shape.
        """
        return self._checked(codes)[:, self.coder.bytes_per_row :]

    def prepare(self, queries: np.ndarray) -> np.ndarray:
        """[Q, L] float32 of descriptors [Q, D], to be compared with decoded rows.

        Raises:
            ValueError: they have another shape, or are not finite.
        """
        return self.coder.prepare(self._short(queries))

    def parameters(self) -> dict[str, np.ndarray]:
        """All that `from_parameters` needs beside the declaration, by name."""
        found = {"components": np.array([self.components], np.int32)}
        if self.axes is not None:
            found["axes"] = self.axes
        found |= self.coder.parameters()
        if self.finer is not None:
            found |= {f"{_FINER}{name}": each for name, each in self.finer.parameters().items()}
        return found

    def _short(self, rows: np.ndarray) -> np.ndarray:
        if rows.ndim != 2 or rows.shape[1] != self.components:
            raise ValueError(
                f"descriptors are {list(rows.shape)}; the code {self.declared.short} is for rows "
                f"of {self.components}"
            )
        if not np.isfinite(rows).all():
            raise ValueError("a descriptor is not finite")
        rows = rows.astype(np.float32, copy=False)
        return rows if self.axes is None else shortened(rows, self.axes)

    def _checked(self, codes: np.ndarray) -> np.ndarray:
        wanted = self.bytes_per_row
        if codes.ndim != 2 or codes.shape[1] != wanted or codes.dtype != np.uint8:
            raise CodeError(
                f"codes are {codes.dtype} {list(codes.shape)}; those of {self.declared.short} are "
                f"uint8 [N, {wanted}]"
            )
        return codes


def fit(declared: Code, rows: np.ndarray, seed: int) -> FittedCode:
    """The code, learnt from `rows` [M, D] float32: descriptors of the training city.

    The same rows and seed give the same code.

    Raises:
        ValueError: too few rows, the code is longer than the descriptor, or a row is not finite.
    """
    rows = np.asarray(rows)
    if rows.ndim != 2 or not rows.size or rows.dtype.kind != "f":
        raise ValueError(f"a code is learnt from descriptors [M, D], not {list(rows.shape)}")
    if not np.isfinite(rows).all():
        raise ValueError("a descriptor that the code is learnt from is not finite")
    rows = rows.astype(np.float32, copy=False)
    axes = None if declared.length is None else principal_axes(rows, declared.length)
    short = rows if axes is None else shortened(rows, axes)
    finer = declared.finer
    return FittedCode(
        declared,
        rows.shape[1],
        axes,
        declared.learn(short, seed),
        None if finer is None else fit(finer, rows, seed),
    )


def from_parameters(declared: Code, arrays: Mapping[str, np.ndarray] | Parameters) -> FittedCode:
    """The code that gave these `parameters()`: it encodes, decodes and prepares alike.

    Raises:
        CodeError: an array is missing, has another type or shape, is not finite or out of range, or
            there are more.
    """
    left = arrays if isinstance(arrays, Parameters) else Parameters(arrays)
    components = int(left.take("components", np.int32, (1,))[0])
    if components < 1:
        raise CodeError(f"the code is for descriptors of {components} components; write it again")
    if declared.least_components > components:
        raise CodeError(
            f"the code {declared.short} is longer than descriptors of {components} components; "
            "write it again"
        )
    length, axes = components, None
    if declared.length is not None:
        length = declared.length
        axes = left.take("axes", np.float16, (length, components))
    finer = None
    if declared.finer is not None:
        finer = from_parameters(declared.finer, left.under(_FINER))
        if finer.components != components:
            raise CodeError(
                f"the code is for {components} components, its finer one for {finer.components}; "
                "write it again"
            )
    coder = declared.restore(left, length)
    left.require_all_taken()
    return FittedCode(declared, components, axes, coder, finer)
