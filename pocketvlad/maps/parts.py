"""Product quantization by faiss: which parts, how many centres, and what of it is stored."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pocketvlad.maps.coder import CodeError, Coder, Parameters
from pocketvlad.maps.turning import random_signs, signs_shape, turned
from pocketvlad.maps.unit_rows import unit_rows
from pocketvlad.util.installed import installed

_ENOUGH = 39  # training rows a centre; faiss warns where there are fewer


@dataclass(frozen=True)
class PartCoder(Coder):
    """The number of the nearest centre of each part of a rotated row.

    Components are dealt to the parts in their order, as evenly as can be; a part that has one less
    than others ends in a zero. Bytes are those of faiss's `ProductQuantizer`.

    centres: [parts, 256 or 16, components of a part] float16, which is finer than the choice among
    them.  signs: of the rotation, see `turning`.  length: L, components of a row.
    """

    centres: np.ndarray
    signs: np.ndarray
    length: int

    @classmethod
    def learnt(cls, rows: np.ndarray, size: int, bits: int | None, seed: int) -> "PartCoder":
        """Centres by k-means from `rows` [M, L].

        Args:
            size: bytes of a code.
            bits: 8 or 4 a part; None for what rows and components allow.

        Raises:
            ValueError: fewer components than parts, or fewer rows than centres.
        """
        count, length = rows.shape
        if bits is None:
            bits = 8 if count >= _ENOUGH * 256 or 2 * size > length else 4
        parts, centres = size * 8 // bits, 2**bits
        if parts > length:
            raise ValueError(
                f"a code of {size} bytes has {parts} parts of {bits} bits, and is longer than the "
                f"descriptor, which has {length} components; ask for at most "
                f"{length * bits // 8} bytes"
            )
        if count < centres:
            fewer = f"4 bits a part (pq{size}x4: at most {length // 2} bytes), or "
            raise ValueError(
                f"{centres} centres of product quantization cannot be learnt from {count} "
                f"descriptors; take {fewer if bits > 4 else ''}more photographs"
            )
        blank = np.zeros((parts, centres, -(-length // parts)), np.float16)
        coder = cls(blank, random_signs(length, seed), length)
        quantizer = coder._empty_quantizer()
        quantizer.cp.seed = seed
        quantizer.cp.min_points_per_centroid = 1  # the number is documented, not warned of
        quantizer.train(coder._dealt(rows))
        import faiss

        learnt = faiss.vector_to_array(quantizer.centroids).reshape(blank.shape)
        return cls(learnt.astype(np.float16), coder.signs, length)

    @classmethod
    def restored(
        cls, parameters: Parameters, length: int, size: int, bits: int | None
    ) -> "PartCoder":
        """Raises CodeError where a parameter does not fit."""
        centres = parameters.take("centres", np.float16, (None, None, None))
        found = {256: 8, 16: 4}.get(centres.shape[1])
        parts = size * 8 // (found or 8)
        fits = found and bits in (None, found) and parts <= length
        if not fits or centres.shape != (parts, 2**found, -(-length // parts)):
            raise CodeError(
                f"the code's parameter 'centres' is {list(centres.shape)}: not {size} bytes of "
                f"{bits or '8 or 4'} bits for {length} components; write the file again"
            )
        return cls(centres, parameters.take("signs", np.uint8, signs_shape(length)), length)

    @property
    def bytes_per_row(self) -> int:
        parts, centres, _ = self.centres.shape
        return parts * (centres.bit_length() - 1) // 8

    def encode(self, rows: np.ndarray) -> np.ndarray:
        if not len(rows):
            return np.empty((0, self.bytes_per_row), np.uint8)
        return self._quantizer.compute_codes(self._dealt(rows))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        if not len(codes):
            return np.empty((0, self.length), np.float32)
        if len(codes) == 1:
            # numpy sums the squares of one row in another order than those of several. What a code
            # stands for must not depend on what is decoded beside it, or copies would be no ties.
            return self.decode(np.repeat(codes, 2, axis=0))[:1]
        return unit_rows(self._restored(np.ascontiguousarray(codes))[:, self._places])

    def _restored(self, codes: np.ndarray) -> np.ndarray:
        """[N, parts * width] The centres that codes [N, B] name."""
        if installed("faiss"):
            return self._quantizer.decode(codes)
        parts, centres, _ = self.centres.shape
        if centres == 16:  # two to a byte, the lower half first
            codes = np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), parts)
        return self.centres[np.arange(parts), codes].reshape(len(codes), -1).astype(np.float32)

    def parameters(self) -> dict[str, np.ndarray]:
        return {"centres": self.centres, "signs": self.signs}

    def prepare(self, rows: np.ndarray) -> np.ndarray:
        return turned(rows, self.signs)

    @cached_property
    def _places(self) -> np.ndarray:
        """[L] Where each component lies among those of all parts."""
        parts, _, width = self.centres.shape
        dealt = np.array_split(np.arange(self.length), parts)
        return np.concatenate(
            [part * width + np.arange(len(own)) for part, own in enumerate(dealt)]
        )

    def _dealt(self, rows: np.ndarray) -> np.ndarray:
        parts, _, width = self.centres.shape
        dealt = np.zeros((len(rows), parts * width), np.float32)
        dealt[:, self._places] = self.prepare(rows)
        return dealt

    def _empty_quantizer(self) -> Any:
        import faiss

        parts, centres, width = self.centres.shape
        return faiss.ProductQuantizer(parts * width, parts, centres.bit_length() - 1)

    @cached_property
    def _quantizer(self) -> Any:
        import faiss

        quantizer = self._empty_quantizer()
        faiss.copy_array_to_vector(self.centres.astype(np.float32).ravel(), quantizer.centroids)
        return quantizer
