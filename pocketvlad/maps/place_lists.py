"""Places in lists of like ones, so that a search reads a part of a map (an inverted file; Jegou et
al., IEEE PAMI 2011)."""

from collections.abc import Iterator

import numpy as np

from pocketvlad.maps.fitted_code import FittedCode
from pocketvlad.maps.unit_rows import unit_rows
from pocketvlad.util.counted import counted

_ROWS = 4096  # decoded at a time
_TRAINING = 64  # places a list that centres are learnt from
_ROUNDS = 10  # of k-means: later ones hardly move a place


def learnt_centres(code: FittedCode, codes: np.ndarray, lists: int, seed: int) -> np.ndarray:
    """[lists, L] float16, of the lists that `codes` [N, B] are best put into.

    They are learnt by faiss, as k-means of unit vectors, from what a random part of the codes
    decodes to.

    Raises:
        ValueError: there are fewer places than lists.
    """
    import faiss

    if lists > len(codes):
        raise ValueError(
            f"{counted(len(codes), 'place')} cannot be put into {lists} lists; ask for fewer"
        )
    generator = np.random.default_rng(seed)
    most = _TRAINING * lists
    chosen = np.arange(len(codes))
    if len(codes) > most:
        chosen = np.sort(generator.choice(len(codes), most, replace=False))
    rows = unit_rows(code.decode(codes[chosen]))
    means = faiss.Kmeans(
        rows.shape[1],
        lists,
        niter=_ROUNDS,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=_TRAINING,
    )
    means.train(rows)
    return means.centroids.astype(np.float16)


def list_numbers(code: FittedCode, codes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """[N] For each place the list whose centre is most similar."""
    found = [
        (code.decode(rows) @ centres.T.astype(np.float32)).argmax(axis=1) for rows in _parts(codes)
    ]
    return np.concatenate(found)


class PlaceLists:
    """The lists that have places, and which of them a query is most similar to."""

    def __init__(self, centres: np.ndarray, stops: np.ndarray) -> None:
        """
        Args:
            centres: [K, L] float16.
            stops: [K] behind the last place of each list.
        """
        starts = np.concatenate([[0], stops[:-1]])
        filled = stops > starts
        self._centres = centres[filled].astype(np.float32)
        self._ranges = np.stack([starts, stops], axis=1)[filled]

    def nearest(self, prepared: np.ndarray, probes: int) -> list[tuple[int, int]]:
        """(first place, behind the last) of the `probes` lists that a prepared query [L] is most
        similar to; ascending."""
        similarity = self._centres @ prepared
        probes = min(probes, len(similarity))
        chosen = np.sort(np.argpartition(-similarity, probes - 1)[:probes])
        return list(map(tuple, self._ranges[chosen].tolist()))


def _parts(codes: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(codes), _ROWS):
        yield codes[start : start + _ROWS]
