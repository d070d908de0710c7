"""Memory that layers free is kept for the next ones instead of going back to the system.

A network asks for the same few large blocks image after image. By its defaults the C library maps
each anew and the kernel fills it with zeros, page by page: of VGG16's forward pass on a CPU that is
a sixth.
"""

import ctypes

# <malloc.h> of the GNU C library
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = -1


def keep_freed_memory() -> bool:
    """Tell the C library to, for the rest of the process; whether it could be told.

    For work that asks for the same blocks again and again. What a process holds at its most grows
    by a tenth then; by half where blocks of many sizes have to fit into one heap, as in `rd`.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not the GNU C library
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _NEVER)) and bool(mallopt(_MMAP_MAX, 0))
