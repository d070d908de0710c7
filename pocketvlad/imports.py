"""Which modules of this package a script depends on, read from its import statements.

Snakemake does not see imports. A digest of the modules, given as a parameter, makes it rerun the
jobs that use an edited one, and no others.
"""

import ast
import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

PACKAGE = "pocketvlad"


def _imported_names(path: Path) -> set[str]:
    """Dotted names in `path` that could be modules of the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] == PACKAGE}


@cache
def _direct(path: Path, root: Path) -> frozenset[Path]:
    found = set()
    for name in _imported_names(path):
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            base = root.joinpath(*parts[:depth])
            for candidate in (base.with_suffix(".py"), base / "__init__.py"):
                if candidate.is_file():
                    found.add(candidate)
    return frozenset(found)


def package_modules(scripts: Sequence[Path], root: Path) -> list[Path]:
    """Every file of the package under `root` that one of `scripts` is or imports, directly or
    not, sorted."""
    found = {path for path in scripts if path.is_relative_to(root / PACKAGE)}
    waiting = list(scripts)
    while waiting:
        for path in _direct(waiting.pop(), root) - found:
            found.add(path)
            waiting.append(path)
    return sorted(found)


@cache
def _content(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def digest(paths: Iterable[Path]) -> str:
    """What changes when the contents of one of the files do, hexadecimal."""
    return hashlib.sha256(b"".join(map(_content, paths))).hexdigest()[:16]


def pass_on_path(folder: str) -> None:
    """Let the Python processes that this one starts import from `folder` before all else."""
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
