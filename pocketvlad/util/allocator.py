"""Memory that layers free is kept for the next ones instead of going back to the system.

A network asks for the same few large blocks image after image. By default the C library maps each
anew, and the kernel fills it with zeros, page by page. That takes a sixth of VGG16's forward pass
on a CPU.
"""

import ctypes

# <malloc.h> of the GNU C library
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = -1


def keep_freed_memory() -> bool:
    """Make the C library keep freed memory until the process ends. True if it does.

    For work that allocates the same blocks again and again. Peak memory grows by a tenth; by half
    where blocks of many sizes have to fit into one heap, as in `rd`.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not the GNU C library
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _NEVER)) and bool(mallopt(_MMAP_MAX, 0))
