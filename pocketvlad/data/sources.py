"""The files that a study needs from elsewhere: where each lies, and whether it is the right one.

Where a publisher gives no checksum, the first download records its own digest and size in a lock
file beside the download, and from then on these are enforced. Each source has a lock file of its
own, so that downloads that finish at once never write the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.data.declarations import local_file
from pocketvlad.data.packaged import SCHEME, packaged_file, split
from pocketvlad.util.checksum import ChecksumError, file_digest, verify_file
from pocketvlad.util.json_file import read_json, write_json

DOWNLOADS = Path("resources")


@dataclass(frozen=True)
class Source:
    """A file by its name, the urls that have it in order of preference, and what is known of it."""

    name: str
    urls: tuple[str, ...] = ()
    checksum: str | None = None  # as for `checksum.verify_file`
    size: int | None = None  # bytes

    @property
    def web_urls(self) -> list[str]:
        return [url for url in self.urls if not url.startswith(("file:", SCHEME))]

    @property
    def packages(self) -> list[str]:
        """The Python packages that have the file."""
        return [split(url)[0] for url in self.urls if url.startswith(SCHEME)]


def declared_source(sources: Mapping[str, Mapping], name: str) -> Source:
    """The entry `name` of the config's `sources`."""
    declared = sources[name]
    return Source(name, tuple(declared["urls"]), declared.get("checksum"), declared.get("size"))


def source_path(source: Source, data_folder: Path) -> Path:
    """Where the file lies, or will lie once it is downloaded.

    A copy of that name in the data folder goes before all else, then the files of `file:` and
    `package:` urls.
    """
    named = [local_file(url, data_folder) for url in source.urls if url.startswith("file:")]
    named += [packaged_file(url) for url in source.urls if url.startswith(SCHEME)]
    for path in (data_folder / source.name, *named):
        if path.is_file():
            return path
    return DOWNLOADS / source.name if source.web_urls else named[0]


def lock_path(source: Source, downloads: Path) -> Path:
    return downloads / f"{source.name}.lock.json"


def lock_source(source: Source, path: Path, url: str, downloads: Path) -> None:
    """Record digest and size of a first download, unless a checksum is published or recorded."""
    lock = lock_path(source, downloads)
    if source.checksum is None and not lock.exists():
        digest = f"sha256:{file_digest(path, 'sha256')}"
        write_json(lock, {"checksum": digest, "size": path.stat().st_size, "url": url})


def verify_source(source: Source, path: Path, downloads: Path) -> None:
    """Hold a file against its declared checksum and size, and against the lock file.

    Args:
        path: the file, wherever it lies and whatever it is called there.
        downloads: the folder of the lock files.

    Raises:
        ChecksumError: missing, or another file; if it is not that of the first download, the
            message says how a new version is accepted.
    """
    verify_file(path, source.checksum, source.size)
    lock = lock_path(source, downloads)
    if source.checksum is not None or not lock.exists():
        return
    match read_json(lock):
        case {"checksum": str(checksum), "size": int(size)} if ":" in checksum:
            pass
        case _:
            raise ChecksumError(f"{lock} is damaged; delete it to record {source.name} anew")
    try:
        verify_file(path, checksum, size)
    except ChecksumError as error:
        raise ChecksumError(
            f"{error}. Expected is what {lock} recorded at the first download; if the publisher "
            "has a new version and you want it, delete that file and run again"
        ) from None


def verify_declared(files: Mapping[str, Mapping]) -> None:
    """`verify_source` for files of a rule: their paths, each with the fields of its `Source`."""
    for path, declared in files.items():
        verify_source(Source(**declared), Path(path), DOWNLOADS)
