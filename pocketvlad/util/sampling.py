"""Drawing some of many."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def drawn(items: Sequence[Item], count: int, generator: np.random.Generator) -> list[Item]:
    """At most `count` of `items`, drawn at random without repetition, in their order."""
    if len(items) <= count:
        return list(items)
    return [items[i] for i in sorted(generator.choice(len(items), count, replace=False))]
