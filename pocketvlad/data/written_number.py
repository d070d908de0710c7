"""Numbers as people and other programs write them in names and tables."""


def written_number(text: str) -> float:
    """As `float`, which also takes what in a name is a date or a typing error.

    Raises:
        ValueError: it is no number in digits of ASCII, with a decimal point.

    >>> written_number("548123.4")
    548123.4
    >>> written_number("2026_11_27")
    Traceback (most recent call last):
        ...
    ValueError: '2026_11_27' is no number
    """
    if "_" in text or not text.isascii():
        raise ValueError(f"{text!r} is no number")
    return float(text)
