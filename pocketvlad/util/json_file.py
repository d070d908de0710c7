"""Small JSON files that are there whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path

from pocketvlad.util.atomic import replacing


def write_json(path: Path, content: Mapping) -> None:
    """Write `content`; a reader, or a run after a kill, sees the old file or the new one."""
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict | None:
    """The file's object, or None if there is no file or no object in it, or a folder of its path is
    a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except RecursionError:  # nested too deeply
        return None
    return content if isinstance(content, dict) else None
