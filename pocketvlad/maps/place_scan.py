"""The places that are most similar to a query, among codes that are read part by part."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from pocketvlad.maps.coder import Coder
from pocketvlad.scoring.ranking import products

_FEW = 16  # queries: of more, decoding once and one product of matrices is faster
_ROWS = 4096  # decoded at a time
_NUMBERS = 1 << 24  # of rows so long that fewer are


class Nearest:
    """The `top` largest of similarities that come part by part, for each of Q queries.

    Ties go to the place of the lower number.
    """

    def __init__(self, queries: int, top: int) -> None:
        self._top = top
        self._similarities = np.empty((queries, 0), np.float32)
        self._numbers = np.empty((queries, 0), np.int64)

    def add(self, similarities: np.ndarray, numbers: np.ndarray) -> None:
        """Similarities [Q, n] of the places `numbers`, [n] or [Q, n]."""
        numbers = np.broadcast_to(numbers, similarities.shape)
        held = self._similarities.shape[1]
        if held < self._top:
            similarities = np.hstack([self._similarities, similarities])
            numbers = np.hstack([self._numbers, numbers])
            kept = np.array(
                [_largest(*each, self._top) for each in zip(similarities, numbers, strict=True)]
            )
            self._similarities = np.take_along_axis(similarities, kept, axis=1)
            self._numbers = np.take_along_axis(numbers, kept, axis=1)
            return
        # Of most parts nothing is left here, and no query needs a pass of its own.
        among = similarities >= self._similarities[:, -1:]
        for query in np.flatnonzero(among.any(axis=1)):
            new = among[query]
            own = np.concatenate([self._similarities[query], similarities[query, new]])
            places = np.concatenate([self._numbers[query], numbers[query, new]])
            kept = _largest(own, places, self._top)
            self._similarities[query], self._numbers[query] = own[kept], places[kept]

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """(numbers of places [Q, k], similarities [Q, k]), the most similar first; k is `top`, or
        the number of places."""
        return self._numbers, self._similarities


def _largest(similarities: np.ndarray, numbers: np.ndarray, top: int) -> np.ndarray:
    """[k] Where the largest are, the largest first."""
    chosen = np.arange(len(similarities))
    if len(similarities) > top:
        least = np.partition(similarities, -top)[-top]
        chosen = np.flatnonzero(similarities >= least)
    order = np.lexsort((numbers[chosen], -similarities[chosen]))
    return chosen[order[:top]]


def rows_at_once(length: int) -> int:
    """How many rows of so many numbers are decoded at a time."""
    return max(1, min(_ROWS, _NUMBERS // length))


class PlaceScan:
    """Compares queries with codes [n, B] of a coder."""

    def __init__(self, coder: Coder) -> None:
        self._coder = coder
        self._index = coder.faiss_index()

    def nearest(
        self, prepared: np.ndarray, parts: Iterable[tuple[np.ndarray, np.ndarray]], top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Nearest.best`.

        Args:
            prepared: [Q, L] queries, as `prepare` makes them.
            parts: (numbers of places [n], codes [n, B]) each.
        """
        found = Nearest(len(prepared), top)
        step = rows_at_once(prepared.shape[1])
        for numbers, codes in parts:
            if self._index is not None and len(prepared) < _FEW:
                similarities, rows = _by_faiss(self._index, prepared, codes, top)
                found.add(similarities, numbers[rows])
            else:
                for start in range(0, len(codes), step):
                    rows = self._coder.decode(codes[start : start + step])
                    found.add(products(prepared, rows), numbers[start : start + step])
        return found.best()


def _by_faiss(
    index: Any, prepared: np.ndarray, codes: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray]:
    """(similarities, rows), both [Q, k], by an index that takes the codes as they are.

    k is at least `top`, or n. Which of equal ones faiss leaves out is not said, so that all are
    asked for that are as similar as the last.
    """
    import faiss

    faiss.copy_array_to_vector(np.ascontiguousarray(codes).reshape(-1), index.codes)
    index.ntotal = len(codes)
    count = top
    while True:
        count = min(count + 1, len(codes))
        found = index.search(np.ascontiguousarray(prepared), count)
        if count == len(codes) or (found[0][:, -1] < found[0][:, top - 1]).all():
            return found
        count *= 2
