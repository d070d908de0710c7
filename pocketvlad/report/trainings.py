"""On how many trainings a line of the results table rests."""


def trainings(seeds: str) -> int:
    """How many trainings there are, with `seeds` as the results table has them.

    >>> trainings("1 2 3")
    3
    """
    return len(seeds.split())
