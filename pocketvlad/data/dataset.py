"""A data set as the rest of the study sees it: images, queries and their lists, cut to fit."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from pocketvlad.data.box import SLACK, box_text, reaches_outside
from pocketvlad.data.ground_truth import QueryLists
from pocketvlad.data.protocols import protocol_named
from pocketvlad.data.query import Query
from pocketvlad.util.counted import counted
from pocketvlad.util.whole_file import write_text


class DatasetError(ValueError):
    """The images and lists that are there are not those that the config declares."""


Sizes = Mapping[str, tuple[int, int]]

_SHOWN = 3  # names of many

BY_POSITIONS = "positions"
"""What a data set without lists has in place of a protocol: its queries are whole images, and what
they are to find was taken near them."""


@dataclass(frozen=True)
class Dataset:
    """An indexed data set.

    `sizes` maps each image of the database by its name, sorted, to its (width, height) in pixels;
    `outside` does so for query images that the protocol takes out of the database.
    `upright`: sizes and boxes refer to images turned as their cameras were held.
    `absent`: names in the lists that no image has.
    `positions`: easting and northing of each image of the database in metres; None: not known.
    """

    name: str
    protocol: str  # see `protocols`; BY_POSITIONS without lists
    sizes: dict[str, tuple[int, int]]
    outside: dict[str, tuple[int, int]]
    queries: tuple[Query, ...]
    expected_images: int
    expected_queries: int
    upright: bool = False
    absent: tuple[str, ...] = ()
    positions: dict[str, tuple[float, float]] | None = None

    @property
    def listed(self) -> bool:
        """Whether lists say what queries are to find; else positions alone do."""
        return self.protocol != BY_POSITIONS

    @property
    def images(self) -> list[str]:
        return list(self.sizes)

    def size_of(self, image: str) -> tuple[int, int]:
        """(width, height) of a database's or a query's image."""
        return self.sizes.get(image) or self.outside[image]

    def identity(self) -> dict[str, object]:
        """What a results row says of the data set."""
        return {"name": self.name, "protocol": self.protocol, **self.counts()}

    def counts(self) -> dict[str, int]:
        return {
            "images": len(self.sizes),
            "expected_images": self.expected_images,
            "queries": len(self.queries),
            "expected_queries": self.expected_queries,
        }


def describe_counts(counts: Mapping[str, int]) -> str:
    """How much of a data set is there, in words: "1054 of 5063 images, 33 of 55 queries"."""

    def part(one: str, many: str) -> str:
        there, expected = counts[many], counts[f"expected_{many}"]
        all_of = counted(expected, one, many)
        return all_of if there == expected else f"{there} of {all_of}"

    return f"{part('image', 'images')}, {part('query', 'queries')}"


def lacks_some(counts: Mapping[str, int]) -> bool:
    """Whether images or queries of a data set are missing, so that its mAP is not that which others
    have published."""
    return any(counts[kind] != counts[f"expected_{kind}"] for kind in ("images", "queries"))


def describe_absent(dataset: Dataset) -> str:
    """How many listed names no image has, in words; nothing if none."""
    if not dataset.absent:
        return ""
    count, first = len(dataset.absent), ", ".join(dataset.absent[:_SHOWN])
    more = ", ..." if count > _SHOWN else ""
    return f"{count} listed {'names were' if count > 1 else 'name was'} not found: {first}{more}"


def _told(text: str, faults: Mapping[str, str]) -> DatasetError:
    """The error, with the images that are there and cannot be decoded."""
    if not faults:
        return DatasetError(text)
    lines = "\n  ".join(faults.values())
    names = json.dumps(list(faults), ensure_ascii=False)  # in quotes: YAML takes 000013 for 11
    return DatasetError(
        f"{text}\n{counted(len(faults), 'image')} cannot be decoded:\n  {lines}\nget them again, "
        f"or name them under `leave_out` of the data set: {names}"
    )


def _without(
    leave_out: frozenset[str], sizes: Sizes, faults: Mapping[str, str] | None
) -> tuple[Sizes, dict[str, str]]:
    """(images, sorted by name, and faults) of what is not left out."""
    there = {n: sizes[n] for n in sorted(sizes) if n not in leave_out}
    return there, {n: fault for n, fault in (faults or {}).items() if n not in leave_out}


def _left_out(name: str, leave_out: Iterable[str], known: Iterable[str] | None) -> frozenset[str]:
    """The images to ignore, accents composed as in `image_names`.

    Args:
        known: all names that images and lists have; None: any may be missing.

    Raises:
        DatasetError: one is not known, so that nothing would be ignored for it.
    """
    found = frozenset(unicodedata.normalize("NFC", each) for each in leave_out)
    if known is not None and (strays := sorted(found.difference(known))):
        raise DatasetError(
            f"data set {name}: `leave_out` has {json.dumps(strays, ensure_ascii=False)}, which "
            "no image is called and no list names; write names without folder and suffix, or "
            "remove them"
        )
    return found


def _expected(
    name: str,
    there: Sizes,
    queries: int,
    declared: tuple[int | None, int | None],
    left_out: tuple[int, int],
    faults: Mapping[str, str],
    remedy: str | None,
) -> tuple[int, int]:
    """How many images and queries the complete data set has.

    Args:
        there: the images that are there.  queries: how many.
        declared: images and queries, those that are left out counted; None: as many as there are.
        left_out: images and queries that are.
        remedy: what to do where others are there; None: any number may be.

    Raises:
        DatasetError: others are there.
    """
    images, asked = declared
    expected = len(there) + len(faults) if images is None else images - left_out[0]
    expected_queries = queries if asked is None else asked - left_out[1]
    if remedy and images is not None and len(there) != expected:
        raise _told(
            f"data set {name}: {counted(len(there), 'image')} found, {expected} expected; {remedy}",
            faults,
        )
    if remedy and queries != expected_queries:
        raise DatasetError(
            f"data set {name}: {counted(queries, 'query', 'queries')} found, {expected_queries} "
            f"expected; {remedy}"
        )
    return expected, expected_queries


def index_located(
    name: str,
    sizes: Sizes,
    asked: Iterable[str] | None,
    positions: Mapping[str, tuple[float, float]],
    *,
    expected_images: int | None = None,
    expected_queries: int | None = None,
    leave_out: Iterable[str] = (),
    partial: bool = False,
    upright: bool = False,
    faults: Mapping[str, str] | None = None,
) -> Dataset:
    """A data set that is known by positions alone.

    Args:
        asked: images that are queries; all others are the database. None: each image is asked for
            all others.
        positions: easting and northing of every image found, in metres.
        The others: see `index_dataset`.

    Raises:
        DatasetError: a count is off and `partial` is false, or there is nothing to be found.
    """
    any_missing = partial or expected_images is not None
    leave_out = _left_out(name, leave_out, None if any_missing else {*sizes, *(faults or {})})
    there, faults = _without(leave_out, sizes, faults)
    named = there if asked is None else set(asked)
    chosen = [image for image in there if image in named]
    least = 2 if asked is None else len(chosen) + 1
    if not chosen or len(there) < least:
        raise _told(
            f"data set {name}: {counted(len(there), 'image')}, {len(chosen)} of them "
            "queries; a query and another image are needed. Put queries into their folder, and the "
            "images to be found beside it",
            faults,
        )
    expected = _expected(
        name,
        there,
        len(chosen),
        (expected_images, expected_queries),
        (len(leave_out), len(leave_out if asked is None else leave_out & named)),
        faults,
        None if partial else "get all images, or allow a part with `partial: true`",
    )
    return Dataset(
        name,
        BY_POSITIONS,
        there,
        {},
        tuple(Query(image, "", image, None, (), (), ()) for image in chosen),
        *expected,
        upright,
        (),
        {image: positions[image] for image in there},
    )


def index_dataset(
    name: str,
    sizes: Sizes,
    lists: Iterable[QueryLists],
    *,
    protocol: str = "original",
    expected_images: int | None = None,
    expected_queries: int | None = None,
    leave_out: Iterable[str] = (),
    partial: bool = False,
    upright: bool = False,
    faults: Mapping[str, str] | None = None,
    positions: Mapping[str, tuple[float, float]] | None = None,
    allowed_by: str = "`partial: true`",
) -> Dataset:
    """Hold the lists against the images.

    Args:
        sizes: (width, height) of every image found, by name.
        protocol: see `protocols`; one may take the queries' images out of the database and of all
            lists.
        expected_images: how many the complete data set has, `leave_out` not counted off, query
            images counted; None: as many as there are, for a data set of one's own.
        expected_queries: likewise.
        leave_out: images to ignore wherever they are named, and with them the queries that they
            are. Where no count is declared, each must be named somewhere.
        partial: whether images and queries may be missing. If so, queries without their image
            or without any positive are dropped and the lists are cut.
        upright: whether `sizes` are those of images turned as their cameras were held.
        faults: what is wrong with images that are there and cannot be decoded, by name. They are
            left out, and count as expected.
        positions: easting and northing of every image found, in metres; None: not known.
        allowed_by: how `partial` is written where the message is read.

    Raises:
        DatasetError: a count is off or a list names a missing image, and `partial` is false; or
            nothing is left.
    """
    asked = list(lists)
    known = None
    if not partial and expected_images is None:  # else the count tells, or any may be missing
        listed = ((each.image, *each.good, *each.ok, *each.junk) for each in asked)
        known = {*sizes, *(faults or {}), *chain.from_iterable(listed)}
    leave_out = _left_out(name, leave_out, known)
    there, faults = _without(leave_out, sizes, faults)
    lists = [query for query in asked if query.image not in leave_out]
    remedy = f"get all images, correct the lists, or allow a part with {allowed_by}"
    outside = {query.image for query in lists} if protocol_named(protocol).outside else set()
    # Where no count is declared, what is not there is not counted.
    outside_counted = outside if expected_images is not None else outside & {*there, *faults}
    expected_images, expected_queries = _expected(
        name,
        there,
        len(lists),
        (expected_images, expected_queries),
        (len(leave_out), len(asked) - len(lists)),
        faults,
        None if partial else remedy,
    )
    queries, absent = [], set()
    for query in lists:
        named = {query.image, *query.good, *query.ok, *query.junk} - leave_out
        missing = sorted(named - there.keys())
        absent.update(missing)
        if missing and not partial:
            raise _told(
                f"data set {name}: query {query.name} names {counted(len(missing), 'image')} not "
                f"there, {missing[0]} for one; {remedy}",
                {n: faults[n] for n in missing if n in faults},
            )
        cut = {
            kind: tuple(n for n in getattr(query, kind) if n in there and n not in outside)
            for kind in ("good", "ok", "junk")
        }
        if query.image in there and (cut["good"] or cut["ok"]):
            queries.append(Query(query.name, query.landmark, query.image, query.box, **cut))
        elif not partial:
            raise DatasetError(
                f"data set {name}: query {query.name} has no positives in the database; list some, "
                f"or leave it out with {allowed_by}"
            )
    if not queries:
        raise _told(f"data set {name}: no query has its image and a positive; {remedy}", faults)
    database = {image: size for image, size in there.items() if image not in outside}
    return Dataset(
        name,
        protocol,
        database,
        {image: size for image, size in there.items() if image in outside},
        tuple(queries),
        expected_images - len(outside_counted),
        expected_queries,
        upright,
        tuple(sorted(absent)),
        None if positions is None else {image: positions[image] for image in database},
    )


def require_boxes_inside(dataset: Dataset) -> None:
    """Raises DatasetError where the box of a query lies beside its image; names both."""
    for query in dataset.queries:
        if query.box is None:
            continue
        (x1, y1, x2, y2), (width, height) = query.box, dataset.size_of(query.image)
        if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
            raise DatasetError(
                f"data set {dataset.name}: the box {box_text(query.box)} of query "
                f"{query.name} lies outside of its image {query.image}, which has {width} x "
                f"{height} pixels; give x1 y1 x2 y2 in pixels of that image"
            )


def describe_outside(dataset: Dataset) -> str:
    """How many boxes reach far outside of their images, in words; nothing if none."""
    found = [
        query
        for query in dataset.queries
        if query.box is not None and reaches_outside(query.box, *dataset.size_of(query.image))
    ]
    if not found:
        return ""
    first = found[0]
    width, height = dataset.size_of(first.image)
    boxes = "1 box reaches" if len(found) == 1 else f"{len(found)} boxes reach"
    return (
        f"{boxes} more than {SLACK} pixels outside of the image, and what is outside is cut off: "
        f"{box_text(first.box)} of query {first.name}, whose image {first.image} has {width} x "
        f"{height} pixels{', for one' if len(found) > 1 else ''}; are boxes in pixels of these "
        "images?"
    )


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write the index; whole or not at all."""
    write_text(path, json.dumps(asdict(dataset), indent=1))


def read_dataset(path: Path) -> Dataset:
    raw = json.loads(path.read_text(encoding="utf-8"))
    queries = tuple(
        Query(**{k: tuple(v) if isinstance(v, list) else v for k, v in query.items()})
        for query in raw.pop("queries")
    )
    sizes, outside = (
        {name: tuple(size) for name, size in raw.pop(key).items()} for key in ("sizes", "outside")
    )
    absent = tuple(raw.pop("absent", ()))
    positions = raw.pop("positions", None)
    if positions is not None:
        positions = {name: tuple(place) for name, place in positions.items()}
    return Dataset(
        sizes=sizes, outside=outside, queries=queries, absent=absent, positions=positions, **raw
    )
