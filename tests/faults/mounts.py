"""Disks that can be full or read-only: mounts that only this process and its children see."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIED = "POCKETVLAD_FAULTS_ALONE"


def alone() -> bool:
    """Whether this process may mount: `become_alone` has worked."""
    return os.environ.get(_TRIED) == "yes"


def become_alone(command: list[str]) -> None:
    """Run `command` in place of this process where mounts are its own, if the system allows it.

    They end with the last process there, however that ends. Where the system does not allow it,
    this process goes on.
    """
    if _TRIED in os.environ or sys.platform != "linux" or shutil.which("unshare") is None:
        return
    prefix = ["unshare", "--user", "--map-root-user", "--mount"]
    attempt = subprocess.run([*prefix, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    if attempt.returncode == 0:
        os.execvpe("unshare", [*prefix, *command], os.environ | {_TRIED: "yes"})


def _run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True)


def mount_disk(folder: Path, megabytes: int) -> None:
    """A disk of this size in memory, at an empty folder."""
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing can be written to `folder` meanwhile, but for files that are open for it already."""
    _run("mount", "--bind", folder, folder)
    try:
        _run("mount", "-o", "remount,bind,ro", folder)
        yield
    finally:
        _run("umount", "-l", folder)


@contextmanager
def full(folder: Path, left: int) -> Iterator[None]:
    """No more than `left` bytes can be written to the disk of `folder` meanwhile."""
    ballast = folder / ".ballast"
    try:
        with open(ballast, "wb") as file:
            # Those who write at the same time take some of it: what is left is at most `left`.
            while (free := shutil.disk_usage(folder).free) > left:
                size = min(free - left, 1 << 20)
                try:
                    file.write(bytes(size))
                    file.flush()
                except OSError:
                    break
        yield
    finally:
        ballast.unlink(missing_ok=True)
