"""Whether a package that not every installation has is there; it is not imported for that."""

from functools import cache
from importlib.util import find_spec


@cache
def installed(name: str) -> bool:
    """
    >>> installed("json"), installed("no_such_package")
    (True, False)
    """
    return find_spec(name) is not None
