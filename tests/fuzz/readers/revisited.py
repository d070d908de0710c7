"""Ground truth of Revisited Oxford and Paris: pickles, which must not run anything."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pocketvlad.data.ground_truth import GroundTruthError
from pocketvlad.data.revisited import read_revisited

SUFFIX = ".pkl"
ERRORS = GroundTruthError


def read(path: Path) -> None:
    read_revisited(path)


def seeds() -> Iterator[bytes]:
    truth = {
        "imlist": ["a", "in/b.jpg"],
        "qimlist": ["c"],
        "gnd": [{"bbx": [0.0, 0.0, 3, 4], "easy": [0], "hard": [1], "junk": []}],
    }
    arrays = {"bbx": np.arange(4.0), "easy": np.array([0]), "hard": [np.int64(1)], "junk": []}
    for protocol in (0, 2, 4):
        yield pickle.dumps(truth, protocol)
        yield pickle.dumps({**truth, "gnd": [arrays]}, protocol)
