"""What a job takes, measured by itself: time and memory, in the form of Snakemake's benchmarks.

Snakemake samples the processes below the one that it has started, every half second at first. It
sees nothing of a job that another process has forked, and little of a short one.
"""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketvlad.util.memory import peak_memory_mb, used_memory_mb
from pocketvlad.util.whole_file import write_text


def _peak_memory() -> float:
    """MiB resident at most so far, of this process and the largest that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(peak_memory_mb(), used_memory_mb(children)) * 1e6 / 2**20


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
