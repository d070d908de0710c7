"""Memory that layers free is kept for the next ones instead of going back to the system.

A network asks for the same few large blocks image after image. By default the C library maps each
anew, and the kernel fills it with zeros, page by page. That takes a sixth of VGG16's forward pass
on a CPU.
"""

import ctypes

# <malloc.h> of the GNU C library
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_NEVER = -1
_SMALL = 32 << 20  # bytes
_MOST_KEPT = 1 << 30  # bytes free at the heap's end


def _set(options: dict[int, int]) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not the GNU C library
        return False
    return all(mallopt(option, value) for option, value in options.items())


def keep_freed_memory() -> bool:
    """Make the C library keep freed memory until the process ends. True if it does.

    For work that allocates the same blocks again and again. Peak memory grows by a tenth; by half
    where large blocks of many sizes have to fit into one heap, as in `rd`.
    """
    return _set({_TRIM_THRESHOLD: _NEVER, _MMAP_MAX: 0})


def keep_small_blocks() -> bool:
    """Make the C library keep freed blocks of 32 MiB or less. True if it does.

    For work that has large blocks of many sizes as well: those go back to the system, so that none
    waits for another of its size. Rounding EfficientNet-Lite0 takes 18 % less time, and 3 % more
    memory (docs/compression-record.md).
    """
    return _set({_MMAP_THRESHOLD: _SMALL, _TRIM_THRESHOLD: _MOST_KEPT})
