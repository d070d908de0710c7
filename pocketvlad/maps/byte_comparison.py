"""Queries compared with codes of a byte a component, without decoding them.

Byte c of a component stands for low + (c + 1/2) step.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from pocketvlad.maps.comparison import UNIT, Comparison, Products, rounded_down

if TYPE_CHECKING:
    import faiss

_BYTES = 1 << 23  # that faiss takes at a time, where it has to copy them
_SPARE = 16  # places that faiss finds in a part beside the answers


def byte_products(prepared: np.ndarray, low: np.ndarray, step: np.ndarray) -> Products:
    """Of prepared queries [Q, L]; low, step: [L].

    Bytes become numbers as they are, and the steps are in the weights: decoding takes three times
    as many operations.
    """
    queries, low, step = (each.astype(np.float64) for each in (prepared, low, step))
    weights = queries * step
    return Products(
        lambda codes: codes.astype(np.float32),
        weights.astype(np.float32),
        queries @ (low + step / 2),
        255 * np.abs(weights).sum(axis=1),
        8 * UNIT * _magnitudes(queries, low, step),  # a weight is rounded, and a decoded component
    )


class ByteScan(Comparison):
    """The same by an index of faiss, whose codes these bytes are, without making numbers of them.

    For one query that is faster than a product; for many it is slower.
    """

    def __init__(self, prepared: np.ndarray, low: np.ndarray, step: np.ndarray) -> None:
        self._products = byte_products(prepared, low, step)
        self._queries = np.ascontiguousarray(prepared, np.float32)
        self._ranges = np.concatenate([low, 255 * step]).astype(np.float32)
        # As `Products.near` has it; faiss decodes each component, by three roundings.
        wide = _magnitudes(*(each.astype(np.float64) for each in (prepared, low, step)))
        self._slack = 2 * UNIT * (len(low) + 8) * wide
        self._own = threading.local()

    @property
    def most(self) -> int:
        return max(1, _BYTES // len(self._products.weights[0]))

    def candidates(
        self, codes: np.ndarray, least: np.ndarray, top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = np.ascontiguousarray(codes)  # they stay until the search has ended
        count = min(top + _SPARE, len(codes))
        with _one_thread():
            near, rows = self._index_of(codes).search(self._queries, count)
        bars = least - self._slack
        if count < len(codes):
            # A place that was left out is at most as near as the last that was not.
            bars = np.maximum(bars, near[:, top - 1] - 2 * self._slack)
            if (near[:, -1] >= rounded_down(bars)).any():
                return self._by_products(codes, least, top)
        among = near >= rounded_down(bars)[:, None]
        return np.nonzero(among)[0], rows[among]

    def _index_of(self, codes: np.ndarray) -> "faiss.IndexScalarQuantizer":
        """An index of this thread, with `codes` in it as they lie in the file."""
        import faiss

        if not hasattr(self._own, "index"):
            kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
            self._own.index = faiss.IndexScalarQuantizer(len(self._ranges) // 2, kind, metric)
            faiss.copy_array_to_vector(self._ranges, self._own.index.sq.trained)
            self._own.index.is_trained = True
        index, places = self._own.index, faiss.swig_ptr(codes.reshape(-1))
        if hasattr(index.codes, "c_ptr"):
            index.codes.c_ptr, index.codes.c_size = places, codes.size
        if int(index.codes.data() or 0) != int(places) or index.codes.size() != codes.size:
            faiss.copy_array_to_vector(codes.reshape(-1), index.codes)  # before faiss 1.11
        index.ntotal = len(codes)
        return index

    def _by_products(
        self, codes: np.ndarray, least: np.ndarray, top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        step = self._products.most
        queries, rows = [], []
        for start in range(0, len(codes), step):
            found = self._products.candidates(codes[start : start + step], least, top)
            queries.append(found[0])
            rows.append(start + found[1])
        return np.concatenate(queries), np.concatenate(rows)


@contextmanager
def _one_thread() -> Iterator[None]:
    """faiss in this thread takes no others: for one query they have nothing to do but to wait."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _magnitudes(queries: np.ndarray, low: np.ndarray, step: np.ndarray) -> np.ndarray:
    """[Q] Which no sum of magnitudes of a query's component times a decoded one exceeds."""
    return np.abs(queries) @ (np.abs(low) + 256 * step)
