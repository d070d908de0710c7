"""Queries compared with codes of a byte a component, without decoding them.

Byte c of a component stands for low + (c + 1/2) step.
"""

import numpy as np

from pocketvlad.maps.comparison import UNIT, Comparison, Products, rounded_down

_MOST = 1 << 20  # rows in one go
_SPARE = 64  # more places than answers that faiss may find in a part


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
    """The same by faiss, which takes the codes as they are, in one go over the memory.

    It takes one query at a time: for many, products of matrices are faster.
    """

    def __init__(self, prepared: np.ndarray, low: np.ndarray, step: np.ndarray) -> None:
        import faiss

        self._products = [byte_products(row[None], low, step) for row in prepared]
        self._queries = prepared.astype(np.float32, copy=False)
        # As `Products.near` has it; faiss decodes each component, by three roundings.
        wide = _magnitudes(*(each.astype(np.float64) for each in (prepared, low, step)))
        self._slack = 2 * UNIT * (len(low) + 8) * wide
        # An index without lists: its scanner compares codes wherever they lie.
        self._centres = faiss.IndexFlatIP(len(low))
        kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        self._index = faiss.IndexIVFScalarQuantizer(self._centres, len(low), 1, kind, metric, False)
        ranges = np.concatenate([low, 255 * step]).astype(np.float32)
        faiss.copy_array_to_vector(ranges, self._index.sq.trained)

    @property
    def most(self) -> int:
        return _MOST

    def candidates(
        self, codes: np.ndarray, least: np.ndarray, top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = np.ascontiguousarray(codes)
        found = []
        for query, products in enumerate(self._products):
            rows = self._rows(query, codes, float(least[query]), top)
            if rows is None:
                rows = _rows_by(products, codes, least[query : query + 1], top)
            found.append(rows)
        return np.repeat(np.arange(len(found)), list(map(len, found))), np.concatenate(found)

    def _rows(self, query: int, codes: np.ndarray, least: float, top: int) -> np.ndarray | None:
        """None where more may be among the nearest than faiss has found."""
        import faiss

        slack = self._slack[query]
        count = min(top + _SPARE, len(codes))
        bar = rounded_down(np.array(least - slack))
        near = np.full(count, bar, np.float32)  # a heap: what is larger than its least comes in
        rows = np.full(count, -1, np.int64)
        scanner = self._index.get_InvertedListScanner(True, None, None)
        scanner.thisown = True  # else it is never freed
        scanner.set_query(faiss.swig_ptr(self._queries[query]))
        scanner.set_list(0, 0.0)
        places = [faiss.swig_ptr(each) for each in (codes.reshape(-1), near, rows)]
        scanner.scan_codes(len(codes), places[0], None, places[1], places[2], count)
        rows = rows[rows >= 0]
        if len(rows) < count or count == len(codes):
            return rows
        # Nothing that was left out is larger than the least in the heap.
        last = np.partition(near, -top)[-top]
        return rows if near.min() < last - 2 * slack else None


def _rows_by(products: Products, codes: np.ndarray, least: np.ndarray, top: int) -> np.ndarray:
    found = [
        start + products.candidates(codes[start : start + products.most], least, top)[1]
        for start in range(0, len(codes), products.most)
    ]
    return np.concatenate(found)


def _magnitudes(queries: np.ndarray, low: np.ndarray, step: np.ndarray) -> np.ndarray:
    """[Q] Which no sum of magnitudes of a query's component times a decoded one exceeds."""
    return np.abs(queries) @ (np.abs(low) + 256 * step)
