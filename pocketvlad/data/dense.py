"""The dense protocol: every labelled photograph a query.

The official queries are few: five of a landmark, fewer where images are missing. But their lists
name every photograph of the landmark, and each of these can be asked for the others. Each is
whole, so that its descriptor is the one that it has in the database.

How answers count is that of the `original` protocol, and so is the arithmetic.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from pocketvlad.data.query import Query


@dataclass
class _Lists:
    """What any query of a landmark lists."""

    good: set[str] = field(default_factory=set)
    ok: set[str] = field(default_factory=set)
    junk: set[str] = field(default_factory=set)

    @property
    def positives(self) -> set[str]:
        return self.good | self.ok


def _by_landmark(queries: Iterable[Query]) -> dict[str, _Lists]:
    found: dict[str, _Lists] = defaultdict(_Lists)
    for query in queries:
        lists = found[query.landmark]
        lists.good.update(query.good)
        lists.ok.update(query.ok)
        lists.junk.update(query.junk)
    return dict(sorted(found.items()))


def dense_queries(queries: Iterable[Query]) -> tuple[Query, ...]:
    """A whole-image query for each image that a landmark's good or ok lists name.

    To be found are all other images that these lists name, those of all the landmark's queries
    taken together; good is what one of them calls so. The query's own image and the landmark's junk
    do not count. All else is wrong.

    An image that two landmarks list is a query of each. Whole, it shows both: what the other one
    lists does not count, either. An image without another to be found is no query.

    On Revisited Oxford and Paris, easy and hard images are queries and are to be found, as in
    "medium". That protocol's own queries are not in the database and are none here.

    Args:
        queries: of a `Dataset`, whose lists name no image that is missing.

    Returns:
        Queries called "landmark/image", sorted by landmark and image, without a box.

    >>> lists = dict(good=("a", "b"), ok=("c",), junk=("x",))
    >>> first, *_ = dense_queries([Query("tower_1", "tower", "a", (0, 0, 9, 9), **lists)])
    >>> first.name, first.good, first.ok, first.junk
    ('tower/a', ('b',), ('c',), ('a', 'x'))
    """
    lists = _by_landmark(queries)
    shown = defaultdict(list)  # image -> lists of the landmarks that it shows
    for each in lists.values():
        for image in each.positives:
            shown[image].append(each)
    found = []
    for landmark, own in lists.items():
        for image in sorted(own.positives):
            others = own.positives - {image}
            if not others:
                continue
            not_wrong = set().union(*(each.positives | each.junk for each in shown[image]))
            found.append(
                Query(
                    name=f"{landmark}/{image}",
                    landmark=landmark,
                    image=image,
                    box=None,
                    good=tuple(sorted(own.good - {image})),
                    ok=tuple(sorted(own.ok - own.good - {image})),
                    junk=tuple(sorted((not_wrong | {image}) - others)),
                )
            )
    return tuple(found)
