"""Names of files as they are shown: a name may hold any byte but two."""


def shown(text: object) -> str:
    """`text` in one line that any terminal and any font can show.

    >>> shown("a\\nb"), shown("caf\\udce9.jpg"), shown("Köln $$.jpg")
    ('a\\\\nb', 'caf\\\\xe9.jpg', 'Köln $$.jpg')
    """
    return "".join(map(_character, str(text)))


def _character(one: str) -> str:
    if one.isprintable():
        return one
    if "\udc80" <= one <= "\udcff":  # a byte that is no UTF-8, as Python keeps it in file names
        return f"\\x{ord(one) - 0xDC00:02x}"
    return one.encode("unicode_escape").decode("ascii")
