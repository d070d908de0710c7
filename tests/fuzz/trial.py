"""One input of one reader: it returns, or raises an error of ours that names the file."""

import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from fuzz import readers

MEMORY = 512
"""MiB that a reader may have more than before, whatever a small file claims."""


class Finding(AssertionError):
    """A reader did what it must not."""


def names() -> list[str]:
    """Of all readers."""
    return sorted(module.name for module in iter_modules(readers.__path__))


def reader(name: str) -> ModuleType:
    """`SUFFIX` of its files, `ERRORS` that it may raise, `read`, `seeds`: good files, from which
    the search starts; perhaps `NAME` of its file, `MEMORY`, and `changed`, see `mutations`."""
    return import_module(f"{readers.__name__}.{name}")


@contextmanager
def bounded(mebibytes: int) -> Iterator[None]:
    """The process gets no more than so much more memory in the block. Only Linux tells how much it
    has; elsewhere nothing is bounded."""
    sizes = Path("/proc/self/statm")
    if not sizes.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    has = int(sizes.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + (mebibytes << 20), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _out_of_memory(error: BaseException | None) -> bool:
    """Whether an error stands for one of memory: `from None` hides it, and keeps it."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def trial(module: ModuleType, data: bytes, folder: Path) -> bool:
    """Whether the reader takes `data`; False where it refuses it as it must.

    Args:
        folder: an empty one, for the file.

    Raises:
        Finding: it raised anything else, or wanted more memory than it may.
    """
    path = folder / getattr(module, "NAME", f"odd{module.SUFFIX}")
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with bounded(getattr(module, "MEMORY", MEMORY)):
                module.read(path)
        except module.ERRORS as error:
            if _out_of_memory(error):
                raise Finding(f"out of memory: {error}") from error
            if str(path) not in str(error) and str(folder) not in str(error):
                raise Finding(f"no file named: {type(error).__name__}: {error}") from error
            return False
        except Exception as error:
            raise Finding(f"{type(error).__name__}: {error}") from error
    return True


def limit_depth() -> None:
    """The depth that recursion has in a plain run: a fuzzer or a test begins deeper."""
    sys.setrecursionlimit(1000)
