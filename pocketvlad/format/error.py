"""The one error of a model file that cannot be read."""

from collections.abc import Iterator
from contextlib import contextmanager


class FormatError(ValueError):
    """A model file is damaged, truncated, hostile, not one of ours, or of an unknown version; or
    what is to be written would be no such file."""


AGAIN = "get the file again, or make it anew"
"""What to do about one that is damaged."""
CUT_SHORT = f"it is cut short: {AGAIN}"


@contextmanager
def naming(place: object) -> Iterator[None]:
    """A FormatError that leaves the block names `place`: a file, or a part of it."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from None
