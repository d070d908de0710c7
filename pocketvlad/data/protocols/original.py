"""The protocol of Oxford and Paris Buildings (Philbin et al., CVPR 2007 and 2008): find good and
ok images, skip junk. Official lists, or a table of one's own."""

from pocketvlad.data.protocols import Protocol
from pocketvlad.data.query import Judgement, Query

ALL = "all"


def _all(query: Query) -> Judgement:
    return Judgement(query.positives, frozenset(query.junk) - query.positives)


PROTOCOL = Protocol(
    difficulties={ALL: _all},
    headline=ALL,
    fits=lambda path: path.suffix.lower() != ".pkl",
)
