"""A map of places that can be searched: a `.pvmap` file and the code that its bytes are of."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from pocketvlad.format.error import FormatError
from pocketvlad.format.map_file import MapFile
from pocketvlad.format.map_layout import CODES, LIST_CENTRES, STAMPS
from pocketvlad.format.map_writer import write_map
from pocketvlad.maps.comparison import rows_at_once
from pocketvlad.maps.fitted_code import FittedCode, from_parameters
from pocketvlad.maps.map_code import RERANKED, Code, code_of
from pocketvlad.maps.place_lists import PlaceLists, learnt_centres, list_numbers
from pocketvlad.maps.place_scan import PlaceScan, similarities_of
from pocketvlad.retrieval.provenance_difference import difference
from pocketvlad.util.blas_threads import one_thread_a_product

_PART = 1 << 23  # bytes of codes that a thread takes at a time
_Range = tuple[int, int]
"""Numbers of places: the first, and behind the last."""
ANOTHER_MAP = "make another map with this model: pocketvlad index"
"""What to do where a map cannot be searched by a model."""


class MapError(ValueError):
    """A map does not fit the model or what is asked of it; the message names the file."""


@dataclass(frozen=True)
class Places:
    """What a search found, the most similar first.

    numbers: [k] of places.  similarities: [k] float64.
    """

    numbers: np.ndarray
    similarities: np.ndarray


class PlaceMap:
    """An open map. Use it in `with`, or `close` it."""

    def __init__(self, path: Path) -> None:
        """Read the header and the code's parameters; the places stay in the file.

        Raises:
            FormatError: damaged, truncated, hostile, or of an unknown version; names the file.
            OSError: it cannot be read.
        """
        self.file = MapFile(path)
        try:
            declared = code_of(self.file.header.code)
            copied = {name: np.array(each) for name, each in self.file.parameters().items()}
            self.code = from_parameters(declared, copied)
            _require_shapes(self.file, self.code)
        except FormatError:
            raise
        except ValueError as error:
            raise FormatError(f"{path}: {error}") from None
        self.centres: np.ndarray | None = None
        """[K, L] float16, of the lists; None where places are in one list."""
        if LIST_CENTRES in self.file.sections:
            self.centres = np.array(self.file.whole(LIST_CENTRES))
            if not np.isfinite(self.centres).all():
                raise FormatError(f"{path}: the centre of a list is not finite")
            self._lists = PlaceLists(self.centres, self.file.list_ends)
        self._scan = PlaceScan(self.code.coder)

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def places(self) -> int:
        """How many."""
        return self.file.places

    @property
    def lists(self) -> int:
        """How many lists the places are in; 0 where every search compares all."""
        return 0 if self.centres is None else len(self.centres)

    @property
    def stamped(self) -> bool:
        """Whether a changed photograph is noticed."""
        return STAMPS in self.file.sections

    def require_made_with(self, made_with: str, remedy: str = ANOTHER_MAP) -> None:
        """Make sure that the places can be compared with descriptors of this `provenance`.

        Args:
            remedy: what to do where they cannot.

        Raises:
            MapError: they were made by another model, with another preprocessing, or from images of
                another size or squeeze; says which and what to do.
        """
        mine, other = self.file.header.provenance, json.loads(made_with)
        if mine == other:
            return
        if found := difference(mine, other, "here"):
            advice = ""
            if found.key == "sizing":
                advice = _size_advice(mine.get("sizing"), other.get("sizing"))
            raise MapError(f"{self.path} was made {found.made} ({found.values}); {advice}{remedy}")
        raise MapError(f"{self.path} was made with {json.dumps(mine)[:300]}; {remedy}")

    def search(self, rows: np.ndarray, top: int, probes: int | None = None) -> list[Places]:
        """The `top` most similar places of each query.

        Args:
            rows: [Q, D] descriptors.
            probes: lists that are searched for each query; None: all, and then nothing is missed.

        Raises:
            FormatError: what is read of the file is damaged, or codes are of no row.
            ValueError: descriptors have another shape, or are not finite.
        """
        prepared = _prepared(self.code, rows)
        finer = self.code.finer
        wanted = top if finer is None else max(top, RERANKED)
        if self.centres is None or probes is None or probes >= self.lists:
            found = self._nearest(prepared, self._coarse_parts(self._everywhere), wanted)
        else:
            with one_thread_a_product():  # else threads wait for one another at each query
                found = [self._probed(query, probes, wanted) for query in prepared]
        if finer is not None:
            again = _prepared(finer, rows)
            found = [self._again(*each) for each in zip(again, found, strict=True)]
        return [Places(each.numbers[:top], each.similarities[:top]) for each in found]

    def codes(self, places: Sequence[int]) -> np.ndarray:
        """[n, B] Codes of some places.

        Raises:
            FormatError: what is read of the file is damaged.
        """
        found = np.empty((len(places), self.code.bytes_per_row), np.uint8)
        for row, place in enumerate(places):
            found[row] = self.file.rows(CODES, place, place + 1)[0]
        return found

    def verify(self) -> None:
        """Read all of the file.

        Raises:
            FormatError: anything is damaged; see `MapFile.verify`. Or a code is of no row.
        """
        self.file.verify()
        for numbers, codes in self._parts(self._everywhere):
            step = rows_at_once(self.code.components)
            for start in range(0, len(codes), step):
                try:
                    _decode_all(self.code, codes[start : start + step])
                except ValueError as error:
                    first = numbers[start]
                    raise FormatError(f"{self.path}: places from {first} on: {error}") from None

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    def __enter__(self) -> "PlaceMap":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _everywhere(self) -> list[_Range]:
        return [(0, self.places)]

    def _probed(self, query: np.ndarray, probes: int, top: int) -> Places:
        """The nearest to a query [L] among the lists that it is most similar to."""
        parts = self._coarse_parts(self._lists.nearest(query, probes))
        return self._nearest(query[None], parts, top)[0]

    def _parts(self, ranges: Iterable[_Range]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(numbers, codes) of the places in some ranges, about `_PART` bytes at a time: short
        ranges together, long ones in pieces."""
        most = max(1, _PART // self.code.bytes_per_row)
        waiting, held = [], 0
        for start, stop in ranges:
            for begin in range(start, stop, most):
                end = min(begin + most, stop)
                if held + end - begin > most:
                    yield self._joined(waiting)
                    waiting, held = [], 0
                waiting.append((begin, end))
                held += end - begin
        yield self._joined(waiting)

    def _joined(self, ranges: Sequence[_Range]) -> tuple[np.ndarray, np.ndarray]:
        """(numbers, codes) of the places in some ranges; of one, codes are a view of the file."""
        codes = [self.file.rows(CODES, *each) for each in ranges]
        numbers = np.concatenate([np.arange(*each) for each in ranges])
        return numbers, codes[0] if len(codes) == 1 else np.concatenate(codes)

    def _coarse_parts(self, ranges: Iterable[_Range]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """`_parts` without the bytes of a finer code."""
        for numbers, codes in self._parts(ranges):
            yield numbers, codes[:, : self.code.coder.bytes_per_row]

    def _nearest(self, prepared: np.ndarray, parts: Iterator, top: int) -> list[Places]:
        try:
            numbers, similarities = self._scan.nearest(prepared, parts, top)
        except FormatError:
            raise
        except ValueError as error:
            raise FormatError(f"{self.path}: {error}") from None
        return [Places(*each) for each in zip(numbers, similarities, strict=True)]

    def _again(self, query: np.ndarray, found: Places) -> Places:
        """All that was found, ranked again by the finer code; ties keep their order."""
        try:
            places = self.code.finer.decode(self.code.finer_codes(self.codes(found.numbers)))
        except ValueError as error:
            raise FormatError(f"{self.path}: {error}") from None
        similarities = similarities_of(np.broadcast_to(query, places.shape), places)
        order = np.argsort(-similarities, kind="stable")
        return Places(found.numbers[order], similarities[order])


def _prepared(code: FittedCode, rows: np.ndarray) -> np.ndarray:
    """[Q, L] Queries, each prepared by itself: a product along axes is rounded in another way where
    it is of several rows."""
    if rows.ndim != 2 or len(rows) < 2:
        return code.prepare(rows)
    return np.concatenate([code.prepare(row[None]) for row in rows])


def _decode_all(code: FittedCode | None, codes: np.ndarray) -> None:
    """By the code and its finer one. Raises CodeError where they are of no row."""
    while code is not None:
        code.decode(codes)
        codes, code = code.finer_codes(codes), code.finer


def write_places(
    path: Path,
    *,
    names: Sequence[str],
    codes: np.ndarray,
    code: FittedCode,
    made_with: str,
    stamps: np.ndarray | None = None,
    positions: np.ndarray | None = None,
    lists: int = 0,
    centres: np.ndarray | None = None,
    seed: int = 0,
) -> int:
    """Write a map of N places, whole or not at all.

    Args:
        names: paths within a folder, in any order.
        codes: [N, B] uint8, by `code`.
        made_with: what `provenance` gives.
        stamps, positions: [N, 8] uint8 and [N, 2] float64; see `format.map_writer`.
        lists: that places are put into, so that a search may compare a part of them; 0: one list.
        centres: [lists, L], of lists that were learnt before; None: they are learnt from the codes.
        seed: of the random part that they are learnt from.

    Returns:
        the file's size in bytes.

    Raises:
        ValueError: see `write_map`; or there are more lists than places.
    """
    packed = [name.encode("utf-8", "surrogateescape") for name in names]
    order = np.array(sorted(range(len(packed)), key=packed.__getitem__), dtype=np.int64)
    grouped = None
    if lists:
        if centres is None:
            centres = learnt_centres(code, codes, lists, seed)
        numbers = list_numbers(code, codes, centres)[order]
        order = order[np.argsort(numbers, kind="stable")]
        grouped = np.cumsum(np.bincount(numbers, minlength=lists)), centres
    return write_map(
        path,
        names=[names[place] for place in order],
        codes=codes[order],
        code=code.declared.as_dict(),
        parameters=code.parameters(),
        provenance=json.loads(made_with),
        stamps=None if stamps is None else stamps[order],
        positions=None if positions is None else positions[order],
        lists=grouped,
    )


def _require_shapes(file: MapFile, code: FittedCode) -> None:
    found = file.sections[CODES].shape[1]
    if found != code.bytes_per_row:
        raise FormatError(
            f"{file.path}: codes of {found} bytes; those of {code.declared.short} have "
            f"{code.bytes_per_row}"
        )
    if LIST_CENTRES in file.sections:
        found = file.sections[LIST_CENTRES].shape[1]
        if found != code.length:
            raise FormatError(
                f"{file.path}: centres of {found} components; codes have {code.length}"
            )


def require_code(declared: Code, components: int) -> None:
    """Raises MapError where a code is longer than the descriptor, before any is made."""
    if declared.least_components > components:
        raise MapError(
            f"map code {declared.short} is for descriptors of {declared.least_components} "
            f"components or more, the model's have {components}; ask for a shorter code"
        )


def _size_advice(mine: object, other: object) -> str:
    """Which option gives images the size of `mine`; nothing where another entry differs."""
    match mine, other:
        case {"image_size": size, **rest}, {"image_size": another, **others} if (
            size == another and rest.get("squeeze") == others.get("squeeze")
        ):
            return ""
        case {"squeeze": [int(height), int(width)]}, _:
            return f"give --squeeze {height} {width}, or "
        case {"image_size": int(size)}, _:
            return f"give --image-size {size}, or "
    return ""
