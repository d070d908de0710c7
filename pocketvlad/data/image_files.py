"""Image files in folders: which there are, what is passed over, and whether they have changed.

docs/data.md has the policy for a folder of photographs; this is the one place that walks through
it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pocketvlad.data.codecs import missing_codec
from pocketvlad.data.image_names import NOT_READ, is_image_name
from pocketvlad.format.city_manifest import is_city
from pocketvlad.util.counted import counted
from pocketvlad.util.foreign import reason

_OF_SYSTEMS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"})
"""Folders that systems keep to themselves, as they do those with a dot."""

_THUMBNAILS = (
    "a city that `pack` has made, whose pictures are thumbnails; name the folder of the photographs"
)


def is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _OF_SYSTEMS


@dataclass
class Found:
    """images: files to be read, sorted.  passed_over: a line for each thing that is not read and
    that its owner may take for a photograph."""

    images: list[Path] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


class _Walk:
    """Through a folder and all in it. Folders before links to folders: what is reached twice is
    taken where it lies."""

    def __init__(self, folder: Path) -> None:
        self.found = Found()
        self.kinds: Counter[str] = Counter()
        self._been: set[tuple[int, int]] = set()
        waiting, links = [folder], []
        while waiting or links:
            if not waiting:
                links.sort()
                waiting.append(links.pop(0))
            self._enter(waiting.pop(), waiting, links)

    def _enter(self, folder: Path, waiting: list[Path], links: list[Path]) -> None:
        try:
            status = folder.stat()
            if (place := (status.st_dev, status.st_ino)) in self._been:
                return
            self._been.add(place)
            if is_city(folder):
                self._pass_over(folder, _THUMBNAILS)
                return
            entries = sorted(folder.iterdir())
        except OSError as error:
            self._pass_over(folder, reason(error))
            return
        for path in entries:
            if is_hidden(path.name):
                continue
            try:
                self._meet(path, waiting, links)
            except OSError as error:
                self._pass_over(path, reason(error))

    def _meet(self, path: Path, waiting: list[Path], links: list[Path]) -> None:
        if path.is_dir():
            (links if path.is_symlink() else waiting).append(path)
        elif path.suffix.lower() in NOT_READ:
            self.kinds[path.suffix.lower()] += 1
        elif not is_image_name(path):
            if path.is_symlink() and not path.exists():
                self._pass_over(path, "a link that leads nowhere")
        elif path.is_file():
            if missing_codec(path.suffix.lower()):
                self.kinds[path.suffix.lower()] += 1
            else:
                self.found.images.append(path)
        else:
            lost = path.is_symlink() and not path.exists()
            self._pass_over(path, "a link that leads nowhere" if lost else "no ordinary file")

    def _pass_over(self, path: Path, why: str) -> None:
        self.found.passed_over.append(f"passed over: {path}: {why}")


def walk(folder: Path) -> Found:
    """What there is in a folder, and in the folders in it. Links are followed, each folder once.

    Whatever is hidden is not looked at, nor is what no one takes for a picture.
    """
    done = _Walk(folder)
    for suffix, count in sorted(done.kinds.items()):
        files = counted(count, "file")
        remedy = missing_codec(suffix) or "this format is not read; convert it to JPEG or PNG"
        done.found.passed_over.append(f"passed over: {files} of {suffix} in {folder}: {remedy}")
    done.found.images.sort()
    return done.found


def find_images(folder: Path) -> list[Path]:
    """The images of `walk`."""
    return walk(folder).images


def state(files: Iterable[Path], folder: Path) -> str:
    """What changes when one of the files is added, removed, renamed or written, hexadecimal.

    Args:
        files: in `folder`; their contents are not read.
    """
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        line = f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]
