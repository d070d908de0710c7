"""What a job takes, measured by itself: time and memory, in the form of Snakemake's benchmarks.

Snakemake samples the processes below the one that it has started, every half second at first. It
sees nothing of a job that another process has forked, and little of a short one.
"""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketvlad.util.whole_file import write_text

_STATUS = Path("/proc/self/status")


def _peak_memory() -> float:
    """MiB resident at most so far, of this process and the largest that it has waited for."""
    kilobytes = 1 / 1024 if sys.platform != "darwin" else 1 / 1024**2
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * kilobytes
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobytes
    if _STATUS.exists():  # there `ru_maxrss` may be of the program that started this one
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        own = int(lines["VmHWM"].split()[0]) / 1024
    return max(own, largest)


def _processor_time() -> float:
    """Seconds of this process and of those that it has waited for."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def measured(file: str | Path | None) -> Iterator[None]:
    """Write what a block takes to `file`, if there is one and the block raises nothing.

    Its columns: s, seconds by the clock; cpu_time, seconds of processors; max_rss, MiB.
    """
    begin, used = time.perf_counter(), _processor_time()
    yield
    if file is not None:
        values = {
            "s": time.perf_counter() - begin,
            "max_rss": _peak_memory(),
            "cpu_time": _processor_time() - used,
        }
        text = "\t".join(values) + "\n" + "\t".join(f"{value:.2f}" for value in values.values())
        write_text(file, text + "\n")
