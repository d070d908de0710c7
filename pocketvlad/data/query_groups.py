"""Which queries show the same landmark, where the ground truth does not say so.

Names of images do not tell: six of Oxford's landmarks have queries called `oxford_...`, cameras
call everything `IMG_...`. But queries of one landmark name mostly the same images, and those of two
landmarks hardly any.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pocketvlad.data.ground_truth import QueryLists

LEAST_SHARE = 0.5
"""Of the shorter of two queries' lists. In Oxford's official lists it is 1 within a landmark, and
between two at most 0.013."""


def _images(query: QueryLists) -> frozenset[str]:
    """The query's own image and those to be found."""
    return frozenset({query.image, *query.good, *query.ok})


def _alike(one: QueryLists, other: QueryLists) -> bool:
    first, second = _images(one), _images(other)
    if one.image == other.image:  # two boxes of one photograph may show two landmarks
        first, second = first - {one.image}, second - {one.image}
    least = min(len(first), len(second))
    return least > 0 and len(first & second) >= LEAST_SHARE * least


def _groups(lists: Sequence[QueryLists]) -> list[list[QueryLists]]:
    """Queries that are alike, or alike to one that is, and so on."""
    groups: list[list[QueryLists]] = []
    for query in lists:
        joined = [group for group in groups if any(_alike(query, other) for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*(other for group in joined for other in group), query])
    return groups


def _stem(name: str) -> str:
    """ "all_souls" of "all_souls_000013"."""
    stem, _, number = name.rpartition("_")
    return stem if stem and number.isdigit() else name


def _commonest_stem(group: Sequence[QueryLists]) -> str:
    """Of what its queries' images are called, what most of the landmark's images are."""
    counts = Counter(map(_stem, frozenset().union(*map(_images, group))))
    return max(sorted({_stem(query.image) for query in group}), key=counts.__getitem__)


def with_landmarks(lists: Sequence[QueryLists]) -> list[QueryLists]:
    """The same queries, sorted by name, those of one landmark with the same `landmark`.

    It is what its images are called, their last numbers left out; if another landmark's are called
    so, too, or one of its queries, its first query's name. So no two landmarks have one name.
    """
    groups = _groups(sorted(lists, key=lambda query: query.name))
    stems = [_commonest_stem(group) for group in groups]
    asked = {query.name for query in lists}
    names = []
    for stem, group in zip(stems, groups, strict=True):
        own = {query.name for query in group}
        taken = stems.count(stem) > 1 or stem in asked - own
        names.append(min(own) if taken else stem)
    named = [
        replace(query, landmark=name)
        for name, group in zip(names, groups, strict=True)
        for query in group
    ]
    return sorted(named, key=lambda query: query.name)
