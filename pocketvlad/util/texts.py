"""Arrays of texts, of which a file may have made up the numbers."""

import sys

import numpy as np


def listed_texts(texts: np.ndarray) -> list[str]:
    """The texts of an array of kind "U", in its order.

    >>> listed_texts(np.array(["a", "K\u00f6ln"]))
    ['a', 'Köln']

    Raises:
        ValueError: a number in it is of no character: numpy itself would make texts of it that
            Python stumbles on.
    """
    flat = np.ascontiguousarray(texts.astype(texts.dtype.newbyteorder("="))).ravel()
    if flat.size and flat.dtype.itemsize and flat.view(np.uint32).max() > sys.maxunicode:
        raise ValueError("a text holds what is no character")
    return flat.tolist()
