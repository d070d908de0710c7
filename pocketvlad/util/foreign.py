"""Errors of parsers that are not ours, made ours at the border."""

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 300  # characters


def reason(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing.

    >>> reason(ValueError("two\\nlines")), reason(MemoryError())
    ('two lines', 'MemoryError')
    """
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__


@contextmanager
def foreign(ours: type[Exception], label: str, remedy: str = "") -> Iterator[None]:
    """Whatever the calls in the block raise becomes `ours`.

    A parser raises anything on bytes that its authors did not think of. So the block holds calls of
    the parser alone: our own defects keep their tracebacks.

    Args:
        label: names the file; the message begins with it.
        remedy: what to do; the message ends with it.

    >>> import json
    >>> with foreign(OSError, "notes.json cannot be read", "write it again"):
    ...     json.loads("{")
    Traceback (most recent call last):
        ...
    OSError: notes.json cannot be read: Expecting property name enclosed in double quotes: ...
    """
    try:
        yield
    except Exception as error:
        end = f"; {remedy}" if remedy else ""
        raise ours(f"{label}: {reason(error)}{end}") from None
