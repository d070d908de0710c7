"""Scoring a network on a city: descriptors of images and cropped queries, then mAP."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from torch import Tensor

from pocketvlad.dataset import Dataset
from pocketvlad.describe import Picture, describe
from pocketvlad.images import Preprocessing, Sizing
from pocketvlad.retrieval import score_queries


def database_pictures(dataset: Dataset, folder: Path) -> list[Picture]:
    """Every image of the data set, in its order."""
    return [Picture(folder / f"{name}.jpg", size) for name, size in dataset.sizes.items()]


def query_pictures(dataset: Dataset, folder: Path, crop: bool) -> list[Picture]:
    """Every query, cropped to its box unless `crop` is false."""
    return [
        Picture(
            folder / f"{query.image}.jpg", dataset.sizes[query.image], query.box if crop else None
        )
        for query in dataset.queries
    ]


def sizing_of(protocol: dict[str, object]) -> Sizing:
    """The part of the config's protocol that says how large images are."""
    return Sizing(protocol["image_size"], protocol["interpolation"], protocol["decoder_scaling"])


def evaluate(
    function: Callable[[Tensor], Tensor],
    dataset: Dataset,
    folder: Path,
    protocol: dict[str, object],
    preprocessing: Preprocessing,
    batch_size: int = 16,
) -> dict[str, float]:
    """Average precision of every query of `dataset`, described by `function`.

    Args:
        function: preprocessed images [n, 3, H, W] -> unit-length descriptors [n, D].
        protocol: the config's section of that name.
    """
    database = database_pictures(dataset, folder)
    queries = query_pictures(dataset, folder, protocol["query_crop"])
    rows: np.ndarray = describe(
        function, database + queries, sizing_of(protocol), preprocessing, batch_size
    )
    return score_queries(
        dataset.queries, rows[len(database) :], dataset.images, rows[: len(database)]
    )


def versions(packages: Sequence[str] = ("torch", "numpy", "pillow")) -> dict[str, str]:
    """The versions that a figure depends on."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
