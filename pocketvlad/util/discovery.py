"""Modules that are found by their file names: one more file in a folder is one more of its kind.

A package that imports this module depends on every module in its folder; `code_digest` knows.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType


def module_names(path: Sequence[str]) -> tuple[str, ...]:
    """The names of the modules in a package's folder, sorted; none is imported.

    Args:
        path: the package's `__path__`.
    """
    return tuple(sorted(module.name for module in iter_modules(path)))


def modules_in(package: str, path: Sequence[str]) -> dict[str, ModuleType]:
    """The modules in a package's folder by their names, imported.

    Args:
        package: the package's `__name__`.
        path: its `__path__`.
    """
    return {name: import_module(f"{package}.{name}") for name in module_names(path)}


def summaries(path: Sequence[str]) -> dict[str, str]:
    """The first lines of the modules in a package's folder, by module; none is imported.

    A module begins with its docstring in triple quotes. The first line is without a full stop.

    Args:
        path: the package's `__path__`.
    """
    found = {}
    for module in iter_modules(path):
        text = Path(module.module_finder.path, f"{module.name}.py").read_text(encoding="utf-8")
        # To parse the code of all verbs would take as long as the rest of the command's help.
        first = text.partition('"""')[2].partition("\n")[0]
        found[module.name] = first.removesuffix('"""').removesuffix(".")
    return found
