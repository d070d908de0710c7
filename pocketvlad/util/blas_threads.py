"""The threads of numpy's products of matrices, where a block has threads of its own.

Products of a library that is told to use two threads wait for one another at each small product.
Where other programs run beside it, most of the time goes there. So a block that divides its work
itself has each product computed by one thread.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


class _Limit:
    """Of the whole program: it begins with the first block in any thread, and ends with the
    last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks = 0
        self._blas = ThreadpoolController().select(user_api="blas")

    def begin(self) -> int:
        """How many threads a product had before."""
        with self._lock:
            if not self._blocks:
                found = [each["num_threads"] for each in self._blas.info()]
                self._threads = max(found, default=os.cpu_count() or 1)
                self._limiter = self._blas.limit(limits=1)
            self._blocks += 1
            return self._threads

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                self._limiter.restore_original_limits()


@cache
def _limit() -> _Limit:
    return _Limit()  # it looks for the libraries, once


@contextmanager
def one_thread_a_product() -> Iterator[int]:
    """How many threads the block may have itself: as many as a product would have had.

    >>> with one_thread_a_product() as threads:
    ...     threads >= 1
    True
    """
    threads = _limit().begin()
    try:
        yield threads
    finally:
        _limit().end()
