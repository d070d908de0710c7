"""Functions over single numbers, compiled by numba."""

from collections.abc import Callable

from numba import njit


def compiled(function: Callable) -> Callable:
    """Compiled on first use, and kept beside the module where that may be written to."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's is writable
        return njit(nogil=True)(function)
