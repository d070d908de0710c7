"""Protocols, a file each: what a query's ranking is held against, and which files are for it.

A file has one `PROTOCOL`; the config's `protocol` is the file's name. Nothing else has to know of
it.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePath

from pocketvlad.data.query import Judgement, Query


@dataclass(frozen=True)
class Protocol:
    """How queries are judged.

    difficulties: by name, the images of a query to find and to ignore; there may be none to find.
    headline: the difficulty whose mAP stands for the whole in tables.  fits: whether a ground truth
    of this file name may be for it.  outside: whether queries' images are taken out of the database
    and of all lists.  labels: what readers call a query's `good` and `ok` images.
    """

    difficulties: Mapping[str, Callable[[Query], Judgement]]
    headline: str
    fits: Callable[[PurePath], bool]
    outside: bool = False
    labels: tuple[str, str] = ("good", "ok")

    def word(self, verdict: str) -> str:
        """What readers call an answer that is "good", "ok", "junk" or "wrong"."""
        return dict(zip(("good", "ok"), self.labels, strict=True)).get(verdict, verdict)


def protocol_names() -> list[str]:
    """What a config may write as a `protocol`.

    >>> "original" in protocol_names()
    True
    """
    return sorted(each.name for each in pkgutil.iter_modules(__path__))


@cache
def protocol_named(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        ValueError: there is none; the message names those that there are.
    """
    if name not in protocol_names():
        raise ValueError(
            f"protocol {name!r} is unknown; choose one of {', '.join(protocol_names())}"
        )
    return import_module(f"{__name__}.{name}").PROTOCOL


def protocols_of_file(path: PurePath) -> list[str]:
    """The protocols that a ground truth may be for, by its file's name.

    The lists of one say nothing in another: good and ok are not easy and hard, and a query whose
    image is not in its own lists would find it first and be wrong.
    """
    return [name for name in protocol_names() if protocol_named(name).fits(path)]
