"""The header of a file: JSON in UTF-8 whose numbers are finite, and nothing that is nearly so."""

import json
import math

_SHOWN = 40  # characters of a number, in messages


def parsed_header(text: bytes) -> object:
    """
    >>> parsed_header(b'{"places": 5}')
    {'places': 5}

    Raises:
        ValueError: it is no UTF-8, no JSON, or a number is not finite: Python's reader would take
            other encodings, `NaN` and whole numbers of any size, which readers in other languages
            refuse.
        RecursionError: it is nested too deeply.
    """
    return json.loads(
        text.decode("utf-8"), parse_constant=_finite, parse_float=_finite, parse_int=_whole
    )


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{_shortened(text)} is no finite number")
    return number


def _whole(text: str) -> int:
    _finite(text)  # first: Python refuses thousands of digits in words of its own
    return int(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
