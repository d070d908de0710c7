"""Narrower versions of published networks."""


def scaled(channels: int, width: float, groups: int = 1) -> int:
    """`channels` narrowed by `width`, rounded to a multiple of `groups`, at least one a group.

    >>> scaled(96, 0.25, groups=2)
    24

    Raises:
        ValueError: a width outside (0, 1].
    """
    if not 0 < width <= 1:
        raise ValueError(f"width {width} is out of range; choose one above 0 and at most 1")
    return max(1, round(channels * width / groups)) * groups
