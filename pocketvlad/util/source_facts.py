"""What of a Python file counts for a result: what it imports, and its code without texts.

Both need the file's syntax tree, which takes a second for all of the package. So they can be kept
in a file between runs, by the sources' content: what is found there is never out of date.
"""

import ast
import hashlib
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pocketvlad.util.atomic import replacing

_PYTHON = "{}.{}".format(*sys.version_info)  # its parser and its `unparse` may change


class SourceFacts(NamedTuple):
    """imports: dotted names that are imported, some of them not of modules but of what is in them.
    code: hexadecimal digest of what is executed, without comments and docstrings."""

    imports: tuple[str, ...]
    code: str


@dataclass
class KnownSources:
    """Facts of sources by the digest of their content.

    kept: a JSON file that these are read from and added to; None: they are kept in memory alone.
    A file that is missing or damaged counts as empty, one that cannot be written stays as it is.
    """

    kept: Path | None = None
    _known: dict[str, SourceFacts] | None = None
    _by_path: dict[Path, SourceFacts] = field(default_factory=dict)
    _is_new: bool = False

    def facts(self, path: Path) -> SourceFacts:
        """Those of a file, as it was when this first read it."""
        if path not in self._by_path:
            self._by_path[path] = self._of(path)
        return self._by_path[path]

    def _of(self, path: Path) -> SourceFacts:
        if self._known is None:
            self._known = _read(self.kept)
        content = path.read_bytes()
        name = hashlib.sha256(content).hexdigest()
        if name not in self._known:
            self._known[name] = _facts(content, str(path))
            self._is_new = True
        return self._known[name]

    def keep(self) -> None:
        """Write what is new, without the facts of sources that nobody has asked for."""
        if self.kept is None or not self._is_new:
            return
        used = set(self._by_path.values())
        entries = {name: facts for name, facts in self._known.items() if facts in used}
        with suppress(OSError):
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.kept) as unfinished:
                unfinished.write_text(json.dumps({"python": _PYTHON, "sources": entries}))
            self._is_new = False


def _read(kept: Path | None) -> dict[str, SourceFacts]:
    if kept is None:
        return {}
    try:
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["python"] != _PYTHON:
            return {}
        return {
            name: SourceFacts(tuple(map(str, imports)), bytes.fromhex(code).hex())
            for name, (imports, code) in content["sources"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _facts(content: bytes, name: str) -> SourceFacts:
    tree = ast.parse(content, filename=name)
    imports: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not _is_text(each)]
        if isinstance(node, ast.Import):
            imports |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports[node.module] = None
            imports |= dict.fromkeys(f"{node.module}.{alias.name}" for alias in node.names)
    code = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
    return SourceFacts(tuple(imports), code)


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a text and nothing else, as docstrings are."""
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
