"""Functions over single numbers, compiled by numba."""

from collections.abc import Callable
from functools import cache, wraps


def compiled(function: Callable) -> Callable:
    """Compiled at the first call, and kept beside the module where that may be written to.

    Numba is imported no earlier: that takes a third of a second, and most callers of a module with
    a compiled function never call it. One compiled function cannot call another, and none may work
    with files.
    """

    @cache
    def kept() -> Callable:
        from numba import njit

        try:
            return njit(cache=True, nogil=True)(function)
        except RuntimeError:  # neither the package's folder nor the user's is writable
            return not_kept()

    @cache
    def not_kept() -> Callable:
        from numba import njit

        return njit(nogil=True)(function)

    @wraps(function)
    def call(*values: object) -> object:
        try:
            return kept()(*values)
        except OSError:  # what was compiled cannot be written: the disk is full
            return not_kept()(*values)

    return call
