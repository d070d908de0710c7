"""The descriptors of two cities as a file, so that they are made once for all codes of a map."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.util.atomic import replacing


@dataclass(frozen=True)
class CityDescriptors:
    """What one model says of its two cities; float32, of unit length.

    training: [M, D], the images of the city that it was trained on, which codes are learnt from;
    none in the file of a test set.  database, queries: [N, D] and [Q, D], of the city that it is
    tested on; no queries where they are whole images.  computed_on: what has computed them, as rows
    of results say it.
    """

    training: np.ndarray
    database: np.ndarray
    queries: np.ndarray
    computed_on: str = "cpu"

    def write(self, path: Path) -> None:
        """As .npz; whole or not at all."""
        with replacing(path) as unfinished, open(unfinished, "wb") as file:
            np.savez(file, **vars(self))

    @classmethod
    def read(cls, path: Path) -> "CityDescriptors":
        """What `write` wrote."""
        with np.load(path, allow_pickle=False) as file:
            rows = (file[name] for name in ("training", "database", "queries"))
            return cls(*rows, str(file["computed_on"]))
