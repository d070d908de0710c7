"""The places that are most similar to a query, among codes that are read part by part.

All places are compared by products of matrices in single precision. Those are off by roundings,
which depend on how many places and queries are compared at once. But how far they may be off is
known: the few places that may be among the answers are compared again in double precision, as the
similarity is defined. So answers do not depend on numbers of queries, parts or threads.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from threading import Lock

import numpy as np

from pocketvlad.maps.coder import Coder
from pocketvlad.maps.comparison import Comparison, rows_at_once
from pocketvlad.util.blas_threads import one_thread_a_product

Part = tuple[np.ndarray, np.ndarray]
"""Numbers of places [n], and their codes [n, B]."""


def similarities_of(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[n] Similarities of n pairs of a prepared query and a decoded row, both [n, L].

    In double precision, and each by itself: those of equal pairs are equal.

    >>> similarities_of(np.float32([[1, 2]]), np.float32([[3, 4]])).tolist()
    [11.0]
    """
    return np.einsum("ij,ij->i", queries, rows, dtype=np.float64)


class Nearest:
    """The `top` largest of similarities that come bit by bit, for each of Q queries.

    Ties go to the place of the lower number.

    Attributes:
        least: [Q] the last of the `top` of each query; minus infinity where there are fewer.
    """

    def __init__(self, queries: int, top: int) -> None:
        self._count, self._top = queries, top
        self._queries = np.empty(0, np.int64)
        self._numbers = np.empty(0, np.int64)
        self._similarities = np.empty(0)
        self.least = np.full(queries, -np.inf)

    def add(self, queries: np.ndarray, numbers: np.ndarray, similarities: np.ndarray) -> None:
        """n pairs of a query and a place, [n] each; in any order."""
        queries = np.concatenate([self._queries, queries])
        numbers = np.concatenate([self._numbers, numbers])
        similarities = np.concatenate([self._similarities, similarities])
        order = np.lexsort((numbers, -similarities, queries))
        ordered = queries[order]
        ranks = np.arange(len(order)) - np.searchsorted(ordered, ordered)
        kept = order[ranks < self._top]
        self._queries, self._numbers = queries[kept], numbers[kept]
        self._similarities = similarities[kept]
        last = ordered[ranks == self._top - 1]
        self.least[last] = similarities[order[ranks == self._top - 1]]

    def add_all(self, other: "Nearest") -> None:
        """What another one has found among other places."""
        self.add(other._queries, other._numbers, other._similarities)

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """(numbers of places [Q, k], similarities [Q, k]), the most similar first; k is `top`, or
        the number of places."""
        shape = self._count, len(self._queries) // max(1, self._count)
        return self._numbers.reshape(shape), self._similarities.reshape(shape)


class PlaceScan:
    """Compares queries with codes of a coder."""

    def __init__(self, coder: Coder) -> None:
        self._coder = coder

    def nearest(
        self, prepared: np.ndarray, parts: Iterable[Part], top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Nearest.best`.

        Args:
            prepared: [Q, L] queries, as `prepare` makes them.

        Raises:
            CodeError: codes are of no row. And what `parts` raise.
        """
        comparison = self._coder.comparison(prepared)
        parts = iter(parts)
        first = list(islice(parts, 2))
        with one_thread_a_product() as threads:
            if len(first) < 2 or threads == 1:
                return self._scanned(prepared, comparison, chain(first, parts), top).best()
            shared = _Shared(chain(first, parts))
            with ThreadPoolExecutor(threads) as pool:
                scans = [
                    pool.submit(self._scanned, prepared, comparison, shared, top)
                    for _ in range(threads)
                ]
            found = Nearest(len(prepared), top)
            for scan in scans:
                found.add_all(scan.result())
            return found.best()

    def _scanned(
        self, prepared: np.ndarray, comparison: Comparison, parts: Iterable[Part], top: int
    ) -> Nearest:
        found = Nearest(len(prepared), top)
        pairs = rows_at_once(prepared.shape[1])
        for numbers, codes in parts:
            for start in range(0, len(codes), comparison.most):
                block = codes[start : start + comparison.most]
                queries, rows = comparison.candidates(block, found.least, top)
                for begin in range(0, len(queries), pairs):
                    some, own = queries[begin : begin + pairs], rows[begin : begin + pairs]
                    places, at = np.unique(own, return_inverse=True)
                    decoded = self._coder.decode(block[places])[at]
                    similarities = similarities_of(prepared[some], decoded)
                    found.add(some, numbers[start + own], similarities)
        return found


class _Shared:
    """An iterator that several threads take from."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts, self._lock = parts, Lock()

    def __iter__(self) -> "_Shared":
        return self

    def __next__(self) -> Part:
        with self._lock:
            return next(self._parts)
