"""Ranking the places of a map by their codes, the first of them again by finer ones."""

from collections.abc import Iterator, Sequence

import numpy as np

from pocketvlad.maps.fitted_code import FittedCode
from pocketvlad.maps.map_code import RERANKED
from pocketvlad.scoring.ranking import dissimilarities, rank


def coded_rankings(
    code: FittedCode, queries: np.ndarray, names: Sequence[str], codes: np.ndarray
) -> Iterator[list[str]]:
    """For each query all of `names`, the most similar first.

    Args:
        queries: [Q, D] descriptors.
        names: N image names, sorted, so that ties break the same way everywhere.
        codes: [N, B] of the same images.

    Raises:
        ValueError: a shape does not fit, or a descriptor is not finite.
    """
    if len(codes) != len(names):
        raise ValueError(f"{len(names)} images need as many codes, not {len(codes)}")
    rows = dissimilarities(code.prepare(queries), code.decode(codes))
    for query, row in zip(queries, rows, strict=True):
        order = rank(row)
        if code.finer is not None:
            first = order[:RERANKED]
            order = np.concatenate([_again(code, query, first, codes), order[RERANKED:]])
        yield [names[number] for number in order]


def _again(code: FittedCode, query: np.ndarray, first: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The places `first`, ordered by their finer codes; ties keep their order."""
    finer = code.finer
    places = finer.decode(code.finer_codes(codes[first]))
    return first[rank(dissimilarities(finer.prepare(query[None]), places)[0])]
