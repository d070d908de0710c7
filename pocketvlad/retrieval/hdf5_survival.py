"""Whether HDF5 reads a file to its end, which a process of its own finds out.

HDF5 is a library in C. A file that was made up can have it run in circles or crash, and nothing in
the same process could catch that. So the file is read twice, the first time where it does no harm.

    python -m pocketvlad.retrieval.hdf5_survival FILE SECONDS BYTES
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from pocketvlad.retrieval.descriptor_formats import ContentError

SECONDS = 60
"""Of a processor, that any file may take."""

_BYTES_A_SECOND = 1 << 22  # of what a slow disk gives; so much longer may a large file take
_BYTES = 1 << 30  # of memory, beside eight times the file's
_PATIENCE = 20  # seconds for one of the processor's, which others may need, too
_NO_MEMORY = 3  # exit status
_ROOT = Path(__file__).parents[2]


def require_survived(path: Path) -> None:
    """Make sure that reading a file ends, whether well or with an exception.

    Raises:
        ContentError: it does not; says how.
    """
    size = path.stat().st_size
    seconds = SECONDS + size // _BYTES_A_SECOND
    others = filter(None, [os.environ.get("PYTHONPATH")])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *others])}
    task = (
        f"{__package__}.hdf5_survival",
        str(path.absolute()),
        str(seconds),
        str(_BYTES + 8 * size),
    )
    command = [sys.executable, "-m", *task]
    try:
        run = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE * seconds,
        )
    except subprocess.TimeoutExpired:
        raise ContentError(f"HDF5 does not end with it within {seconds} seconds") from None
    if run.returncode == _NO_MEMORY:
        raise ContentError("HDF5 asks for much more memory than the file has bytes")
    if run.returncode < 0:
        raise ContentError(
            f"HDF5 crashes on it, or does not end within {seconds} seconds (signal "
            f"{-run.returncode})"
        )


def _limit(seconds: int, more: int) -> None:
    """What this process may use; nothing is limited where the system has no such limits."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + more, has + more))


def main() -> int:
    """The exit status: 1 where reading ends with an exception, which the caller will see itself."""
    from pocketvlad.retrieval.descriptor_formats.hdf5 import read_here

    path, seconds, more = sys.argv[1:]
    _limit(int(seconds), int(more))
    try:
        read_here(Path(path))
    except MemoryError:
        return _NO_MEMORY
    except Exception:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
