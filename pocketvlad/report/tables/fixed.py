"""A number as a text. Free of pandas, which the terminal's table cannot wait for."""


def fixed(value: float, digits: int) -> str:
    """`value` with so many decimals; never "-0.0".

    >>> fixed(-0.04, 1)
    '0.0'
    """
    return f"{round(value, digits) + 0.0:.{digits}f}"
