"""Which modules of this package a script depends on, read from its import statements.

Snakemake does not see imports. A digest of the modules, given as a parameter, makes it rerun the
jobs that use an edited one, and no others.
"""

import ast
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

PACKAGES = ("pocketvlad", "embedded_cities")
_DISCOVERY = "pocketvlad.util.discovery"


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a text and nothing else, as docstrings are."""
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)


@cache
def _code(path: Path) -> ast.Module:
    """What Python executes of a file: no comment, no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not _is_text(each)]
    return tree


def _imported_names(path: Path) -> set[str]:
    """Dotted names in `path` that could be modules of the packages."""
    names: set[str] = set()
    for node in ast.walk(_code(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] in PACKAGES}


@cache
def _direct(path: Path, root: Path) -> frozenset[Path]:
    found, names = set(), _imported_names(path)
    if path.name == "__init__.py" and _DISCOVERY in names:
        found.update(path.parent.glob("*.py"))
    for name in names:
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
    found = {path for path in scripts if path.relative_to(root).parts[0] in PACKAGES}
    waiting = list(scripts)
    while waiting:
        for path in _direct(waiting.pop(), root) - found:
            found.add(path)
            waiting.append(path)
    return sorted(found)


@cache
def _content(path: Path) -> bytes:
    return hashlib.sha256(ast.unparse(_code(path)).encode()).digest()


def digest(paths: Iterable[Path]) -> str:
    """Hexadecimal digest of the code of files; it changes when the code of one of them does.

    Edited comments and docstrings leave it as it is: they change no result.
    """
    return hashlib.sha256(b"".join(map(_content, paths))).hexdigest()[:16]
