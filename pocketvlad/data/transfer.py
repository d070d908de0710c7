"""One HTTP request for a file, or for the rest of one whose transfer broke off."""

import errno
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from pocketvlad.util.disk_space import DiskSpaceError, require_space
from pocketvlad.util.json_file import read_json, write_json
from pocketvlad.util.progress import progress

_CHUNK = 1 << 20
_HOPELESS = (
    requests.TooManyRedirects,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)


class TransferError(Exception):
    """A request did not bring the file.

    Attributes:
        passing: another attempt at the same url may succeed.
        wait: seconds that the server asks to be left alone, or None.
    """

    def __init__(self, message: str, passing: bool, wait: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.wait = wait


@dataclass(frozen=True)
class Origin:
    """Which version of which url the bytes of a `Part` belong to."""

    url: str
    validator: str | None  # strong ETag or Last-Modified
    total: int | None  # bytes of the whole file


class Part:
    """A file on its way: `<target>.part`, and beside it a note of its origin.

    Both outlive the process, so that the next one goes on from there. `label` names the file.
    """

    def __init__(self, target: Path) -> None:
        self.label = target.name
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self) -> Origin | None:
        """What the bytes belong to; None if there are none, or none that a range can continue."""
        match read_json(self._note):
            case {"url": str(url), "validator": str(validator), "total": int() | None as total}:
                return Origin(url, validator, total) if self.size() else None
        return None

    def begin(self, origin: Origin) -> None:
        # In this order a kill in between leaves no bytes beside the note of another version.
        self.path.unlink(missing_ok=True)
        write_json(self._note, asdict(origin))
        self.path.touch()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def rename(self, target: Path) -> None:
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


def _validator(headers: Mapping[str, str]) -> str | None:
    """What If-Range can ask for; weak ETags promise nothing about single bytes."""
    etag = headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return etag
    return headers.get("Last-Modified")


def _continues(headers: Mapping[str, str], origin: Origin, done: int) -> bool:
    """Whether a 206 is what comes after the first `done` bytes of the same version."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
    if match is None or int(match[1]) != done:
        return False
    if match[2] != "*" and origin.total is not None and int(match[2]) != origin.total:
        return False
    # Some servers heed Range and not If-Range.
    return _validator(headers) in (None, origin.validator)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of Retry-After."""
    text = headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _refusal(response: requests.Response) -> TransferError:
    status = response.status_code
    message = f"{status} {response.reason}"
    if status in (429, 503):
        return TransferError(message, True, _retry_after(response.headers))
    return TransferError(message, passing=status >= 500 or status == 408)


def _start(url: str, headers: Mapping[str, str], size: int | None, verifiable: bool) -> Origin:
    """The origin of a whole file that is about to come.

    Raises:
        TransferError: this is not the file, or a part of it could not be told from the whole.
    """
    if headers.get("Content-Type", "").startswith("text/html"):
        raise TransferError("a web page came instead of the file", passing=False)
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    length = headers.get("Content-Length", "")
    total = int(length) if length.isdigit() and not chunked else None
    if total is None and not chunked and not verifiable:
        raise TransferError(
            "the server does not say how long the file is, so that a part of it could not be "
            "told from the whole; declare its checksum or size",
            passing=False,
        )
    if None not in (total, size) and total != size:
        raise TransferError(f"{total:,} bytes offered, {size:,} declared", passing=False)
    return Origin(url, _validator(headers), total)


def _receive(response: requests.Response, part: Part, total: int | None) -> None:
    """Append the body to the part, and make sure that it is all of it."""
    with open(part.path, "ab") as file, progress(total, part.label, "B", file.tell()) as bar:
        # Read without the response's own decoding: where a server calls a .tgz "encoded", it is
        # the encoded bytes that are the file.
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))
            if total is not None and file.tell() > total:
                break
    if total is not None and part.size() > total:
        part.discard()
        raise TransferError(f"more than the {total:,} bytes that were expected", passing=False)
    if total is not None and part.size() < total:
        raise TransferError(f"broke off at {part.size():,} of {total:,} bytes", passing=True)


def transfer(
    url: str, part: Part, size: int | None, verifiable: bool, timeout: tuple[float, float]
) -> None:
    """Bring `part` to its end by one request: for what it lacks, if that is of the same version.

    Args:
        size: of the whole file in bytes, if it is known.
        verifiable: whether a wrong or cut file would be noticed later, by size or checksum.
        timeout: seconds to connect, and between two pieces of the answer.

    Raises:
        TransferError: it does not come to its end; what has come stays if it can be continued.
        DiskSpaceError: the rest does not fit on the disk.
    """
    origin, done = part.origin(), part.size()
    if origin is None or origin.url != url:
        done = 0
    elif done and done == origin.total:
        return  # a run was ended between the last byte and the checks that follow
    # "identity": by default requests asks for compression, whose bytes have no stable ranges.
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers |= {"Range": f"bytes={done}-", "If-Range": origin.validator}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
            if response.status_code == 200:
                # Also where ranges are ignored, or the file has changed.
                origin = _start(url, response.headers, size, verifiable)
                done = 0
            elif done and response.status_code in (206, 416):
                if response.status_code == 416 or not _continues(response.headers, origin, done):
                    part.discard()
                    raise TransferError(
                        f"the file has changed since its first {done:,} bytes; starting over", True
                    )
            else:
                raise _refusal(response)
            total = size if origin.total is None else origin.total
            if total is not None:
                require_space(part.path.parent, total - done, f"downloading {part.label}")
            if not done:
                part.begin(origin)
            _receive(response, part, total)
    except requests.RequestException as error:
        raise TransferError(str(error), not isinstance(error, _HOPELESS)) from None
    except ReadTimeoutError:
        raise TransferError(
            f"timed out: nothing came for {timeout[1]:g} s after {part.size():,} bytes", True
        ) from None
    except HTTPError:
        raise TransferError(f"broke off after {part.size():,} bytes", True) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskSpaceError(
                f"the disk of {part.path} is full after {part.size():,} bytes; make room and run "
                "again: the download goes on from there"
            ) from None
        raise
