"""How much memory this process has had."""

import resource
import sys
from pathlib import Path


def peak_memory_mb() -> float:
    """Peak resident memory of this process, in 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says includes the process that this one was forked from.
        [line] = [each for each in status.read_text().splitlines() if each.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    return used_memory_mb(resource.getrusage(resource.RUSAGE_SELF))


def used_memory_mb(used: resource.struct_rusage) -> float:
    """Peak resident memory that the system has counted, in 10^6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return used.ru_maxrss * unit / 1e6
