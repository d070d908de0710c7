"""Which modules of this package a script depends on, read from its import statements.

Snakemake does not see imports. A digest of the modules, given as a parameter, makes it rerun the
jobs that use an edited one, and no others.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from pocketvlad.util.source_facts import KnownSources

PACKAGES = ("pocketvlad", "embedded_cities")
_DISCOVERY = "pocketvlad.util.discovery"
_SOURCES = KnownSources()


def keep_facts_in(file: Path) -> None:
    """Keep what is found in sources, so that the next process need not parse them: it takes a
    second. Without this call nothing is written."""
    _SOURCES.kept = file


@cache
def _modules(root: Path) -> dict[str, Path]:
    """The file of each module of the packages, by its name with dots."""
    found = {}
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _direct(path: Path, root: Path) -> frozenset[Path]:
    imports = _SOURCES.facts(path).imports
    names = [name for name in imports if name.split(".")[0] in PACKAGES]
    found = set()
    if path.name == "__init__.py" and _DISCOVERY in names:
        found.update(path.parent.glob("*.py"))
    modules = _modules(root)
    for name in names:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            if module := modules.get(".".join(parts[:depth])):
                found.add(module)
    return frozenset(found)


def package_modules(scripts: Sequence[Path], root: Path) -> list[Path]:
    """Every file of the package under `root` that one of `scripts` is or imports, directly or
    not, sorted."""
    found = {path for path in scripts if path.relative_to(root).parts[0] in PACKAGES}
    waiting = list(scripts)
    while waiting:
        for path in _direct(waiting.pop(), root) - found:
            found.add(path)
            waiting.append(path)
    return sorted(found)


def digest(paths: Iterable[Path]) -> str:
    """Hexadecimal digest of the code of files; it changes when the code of one of them does.

    Edited comments and docstrings leave it as it is: they change no result.
    """
    codes = b"".join(bytes.fromhex(_SOURCES.facts(path).code) for path in paths)
    _SOURCES.keep()
    return hashlib.sha256(codes).hexdigest()[:16]
