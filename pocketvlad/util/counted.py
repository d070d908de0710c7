"""How many of something, in words for people."""


def counted(number: int, one: str, many: str = "", form: str = "") -> str:
    """
    >>> counted(1, "place"), counted(12, "place"), counted(0, "query", "queries")
    ('1 place', '12 places', '0 queries')
    >>> counted(1234, "picture", form=",")
    '1,234 pictures'

    Args:
        many: the plural; "": `one` with an s.
        form: how the number is written.
    """
    return f"{number:{form}} {one if number == 1 else many or f'{one}s'}"
