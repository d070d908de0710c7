"""One input of one reader: it returns, or raises an error of ours that names the file."""

import resource
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from fuzz import readers

MEMORY = 256
"""MiB that a reader may have more than before, whatever a small file claims."""

CLAIMED = 8192
"""MiB that the process may have asked for: libraries ask for what a header says, and read less."""

_STATUS = Path("/proc/self/status")


class FindingError(AssertionError):
    """A reader did what it must not."""


def kind_of(finding: FindingError) -> str:
    """The same for findings of one cause: the error, and where it was raised."""
    error = finding.__cause__ or finding
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f"{Path(frame.filename).stem}-{frame.name}" for frame in frames]
    return "-".join([str(finding).partition(":")[0].replace(" ", "-"), *ours[-2:]])


def names() -> list[str]:
    """Of all readers."""
    return sorted(module.name for module in iter_modules(readers.__path__))


def reader(name: str) -> ModuleType:
    """`SUFFIX` of its files, `ERRORS` that it may raise, `read`, `seeds`: good files, from which
    the search starts; perhaps `NAME` of its file, `MEMORY`, and `changed`, see `mutations`."""
    return import_module(f"{readers.__name__}.{name}")


def _kilobytes(what: str) -> int:
    """`VmRSS` or `VmHWM` of this process; 0 where only Linux would tell."""
    if not _STATUS.exists():
        return 0
    [line] = [each for each in _STATUS.read_text().splitlines() if each.startswith(what)]
    return int(line.split()[1])


@contextmanager
def bounded(mebibytes: int) -> Iterator[None]:
    """Raises FindingError where the block has so much more memory than before it; it gets no more
    than `CLAIMED`."""
    with suppress(OSError):  # the highest so far is forgotten where the system allows it
        Path("/proc/self/clear_refs").write_text("5")
    before = _kilobytes("VmHWM")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = (_kilobytes("VmSize") << 10) + (CLAIMED << 20)
    if _STATUS.exists():
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        if _STATUS.exists():
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        more = (_kilobytes("VmHWM") - before) >> 10
        if more > mebibytes:
            raise FindingError(f"memory: {more} MiB, {mebibytes} are allowed")


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
        FindingError: it raised anything else, or wanted more memory than it may.
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
                raise FindingError(f"out of memory: {error}") from error
            if str(path) not in str(error) and str(folder) not in str(error):
                raise FindingError(f"no file named: {type(error).__name__}: {error}") from error
            return False
        except FindingError:
            raise
        except Exception as error:
            raise FindingError(f"{type(error).__name__}: {error}") from error
    return True


def limit_depth() -> None:
    """The depth that recursion has in a plain run, whatever a library has set."""
    sys.setrecursionlimit(1000)
