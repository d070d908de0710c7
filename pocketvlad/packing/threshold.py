"""From which similarity on a place is known: calibrated on the photographs of the city itself.

Each query is asked twice. The best photograph of its own place says how similar a place is that the
city has. The best one of all other places says how similar a place is that the city has not, for
that is what would be answered if the query's place were missing. The threshold lies where the share
of own places below it and the share of others from it on are least in sum (Youden 1950, doi
10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3); within an interval without figures,
in its middle.

Queries are whole photographs whose place has another one, without that photograph itself
(`PLACES`). Where no place is known to have two, they are random parts of photographs, and the own
place is the photograph that a part was cut from (`PARTS`). Parts are more like their photograph
than another day's picture is, and other photographs of the same place count as others. So that
threshold is rather too high.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from pocketvlad.format.map_layout import CODES
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.self_retrieval import random_parts
from pocketvlad.util.counted import counted

PLACES, PARTS = "own places", "parts of photographs"
_QUERIES = 400
_PARTS_EACH = 4
_ROWS = 1024  # places that are compared at a time
_LEAST_APART = 0.25  # share of own places less that of others: what is well separated has 1
_POORLY = (
    f"; the shares are less than {100 * _LEAST_APART:.0f} points apart, so it separates poorly: "
    "that a place is known, or is not, says little"
)


@dataclass(frozen=True)
class Calibration:
    """threshold: the least similarity of a known place.  rule: PLACES or PARTS.  queries: how many
    were asked.  own, others: the median similarity of the best photograph of the own place, and of
    all other places.  kept: the share of own places from the threshold on.  mistaken: of others."""

    threshold: float
    rule: str
    queries: int
    own: float
    others: float
    kept: float
    mistaken: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"a place is known from a similarity of {self.threshold:.3f} on ({self.rule}, "
            f"{counted(self.queries, 'query', 'queries')}: {100 * self.kept:.0f} % of the own "
            f"places are at or above it, {100 * self.mistaken:.0f} % of the others)"
            + (_POORLY if self.kept - self.mistaken < _LEAST_APART else "")
        )


def calibration_of(section: object) -> Calibration | None:
    """What a manifest says; None where it is not what `as_dict` gives, as when somebody has edited
    it. It is then made anew, like all else of a city that is damaged."""
    if not isinstance(section, Mapping) or section.keys() != Calibration.__annotations__.keys():
        return None
    values = dict(section)
    rule, queries = values.pop("rule"), values.pop("queries")
    usual = all(type(each) in (int, float) and abs(each) <= 1 for each in values.values())
    if not usual or type(queries) is not int or queries < 1 or rule not in (PLACES, PARTS):
        return None
    return Calibration(**section)


def cut(own: np.ndarray, others: np.ndarray) -> float:
    """The threshold between two sets of similarities.

    >>> round(float(cut(np.array([0.8, 0.9]), np.array([0.4, 0.2]))), 3)
    0.6
    >>> round(float(cut(np.array([0.3, 0.8, 0.9, 0.9]), np.array([0.2, 0.2, 0.4, 0.2]))), 3)
    0.6
    """
    own, others = np.sort(own), np.sort(others)
    values = np.unique(np.concatenate([own, others]))
    between = (values[1:] + values[:-1]) / 2 if len(values) > 1 else values
    errors = np.searchsorted(own, between) / len(own)
    errors = errors + 1 - np.searchsorted(others, between) / len(others)
    best = np.flatnonzero(errors <= errors.min() + 1e-9)
    widths = np.diff(values)[best] if len(values) > 1 else np.zeros(1)
    return between[best[np.argmax(widths)]]


def calibrate(
    places: PlaceMap,
    pictures: Callable[[Sequence[int]], list[Picture]],
    names: Sequence[str | None],
    describe: Callable[[Sequence[Picture]], np.ndarray],
    min_side: int,
    seed: int,
) -> Calibration | None:
    """The threshold of a map; None without two places, or where none keeps more of the own places
    than of the others.

    At most 400 queries are described.

    Args:
        pictures: the photographs of some places.
        names: of the place that each photograph shows; None: it shows one that no other does.
        describe: pictures -> [Q, D].
        min_side: pixels that the network needs on either side.
        seed: of the parts.
    """
    groups = _groups(names)
    if len(np.unique(groups)) < 2:
        return None
    sizes = np.bincount(groups)
    shared = np.flatnonzero(sizes[groups] > 1)
    if len(shared):
        rule, asked = PLACES, _spread(shared, _QUERIES)
        queries, without = pictures(asked.tolist()), asked
    else:
        rule, chosen = PARTS, _spread(np.arange(len(groups)), _QUERIES // _PARTS_EACH)
        queries = random_parts(pictures(chosen.tolist()), _PARTS_EACH, seed, min_side)
        asked = np.repeat(chosen, _PARTS_EACH)
        without = np.full(len(asked), -1)
    found = _best(places, describe(queries), groups, groups[asked], without)
    # As people are told them: the rounding of a code takes some a little beyond 1.
    own, others = (np.clip(each, -1, 1) for each in found)
    threshold = round(float(cut(own, others)), 4)
    kept, mistaken = (round(float((each >= threshold).mean()), 4) for each in (own, others))
    if kept <= mistaken:
        return None
    medians = (round(float(np.median(each)), 4) for each in (own, others))
    return Calibration(threshold, rule, len(asked), *medians, kept, mistaken)


def _groups(names: Sequence[str | None]) -> np.ndarray:
    """[N] A number for each place; a photograph without a name is one of its own."""
    numbers: dict[object, int] = {}
    keys = [number if name is None else name for number, name in enumerate(names)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])


def _spread(numbers: np.ndarray, most: int) -> np.ndarray:
    """At most so many of them, evenly spaced."""
    return numbers[:: max(1, -(-len(numbers) // most))]


def _best(
    places: PlaceMap, rows: np.ndarray, groups: np.ndarray, asked: np.ndarray, without: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[Q], [Q] The best similarity of the own place, and of all others.

    Args:
        rows: [Q, D] queries.
        groups: [N] of the photographs.  asked: [Q] of the queries.
        without: [Q] the photograph that does not count for a query; -1: all do.
    """
    own, others = np.full((2, len(rows)), -np.inf)
    for start, similarities in _similarities(places, rows):
        numbers = np.arange(start, start + similarities.shape[1])
        same = groups[numbers] == asked[:, None]
        usable = same & (numbers != without[:, None])
        own = np.maximum(own, np.where(usable, similarities, -np.inf).max(axis=1))
        others = np.maximum(others, np.where(same, -np.inf, similarities).max(axis=1))
    return own, others


def _similarities(places: PlaceMap, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(the first place, [Q, n]), part by part: by the code that answers are told by."""
    code, finer = places.code, places.code.finer
    prepared = (finer or code).prepare(rows)
    for start in range(0, places.places, _ROWS):
        codes = places.file.rows(CODES, start, min(start + _ROWS, places.places))
        held = code.decode(codes) if finer is None else finer.decode(code.finer_codes(codes))
        yield start, prepared @ held.T
