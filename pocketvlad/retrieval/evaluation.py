"""Scoring a network on a city: descriptors of images and cropped queries, then mAP."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from torch import Tensor

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.images import Box, Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.scales import describe_at_scales
from pocketvlad.scoring.place_recall import place_recall
from pocketvlad.scoring.ranking import rankings
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.scoring.scored import Evaluation, scored

DEFAULT_RECALL = RecallSettings()


def database_pictures(dataset: Dataset, folder: Path) -> list[Picture]:
    """Every image of the data set, in its order."""
    return [
        Picture(folder / f"{name}.jpg", size, upright=dataset.upright)
        for name, size in dataset.sizes.items()
    ]


def _grown(box: Box | None, pixels: float) -> Box | None:
    if box is None:
        return None
    return (box[0] - pixels, box[1] - pixels, box[2] + pixels, box[3] + pixels)


def query_pictures(
    dataset: Dataset, folder: Path, crop: bool, box_growth: float = 0
) -> list[Picture]:
    """Every query, cropped to its box unless `crop` is false or it has none.

    Args:
        box_growth: pixels that the box is larger on each side, as far as the image goes; Relja
            Arandjelovic's NetVLAD release adds half a receptive field.
    """
    return [
        Picture(
            folder / f"{query.image}.jpg",
            dataset.size_of(query.image),
            _grown(query.box, box_growth) if crop else None,
            dataset.upright,
        )
        for query in dataset.queries
    ]


def sizing_of(protocol: dict[str, object]) -> Sizing:
    """The part of the config's protocol that says how large images are."""
    sizing = Sizing(protocol["image_size"], protocol["interpolation"], protocol["decoder_scaling"])
    return sizing.squeezed(tuple(protocol["squeeze"])) if "squeeze" in protocol else sizing


def city_rows(
    function: Callable[[Tensor], Tensor],
    dataset: Dataset,
    folder: Path,
    protocol: dict[str, object],
    preprocessing: Preprocessing,
    batch_size: int = 16,
    min_side: int = 1,
    asked: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """[N, D] and [Q, D]: descriptors of all images and of all queries, see `evaluate`.

    Args:
        asked: whether queries are described; without, there are none.

    Raises:
        ImageError: images or boxes are too small; names all of them.
    """
    database = database_pictures(dataset, folder)
    queries = (
        query_pictures(dataset, folder, protocol["query_crop"], protocol["box_growth"])
        if asked
        else []
    )
    rows = describe_at_scales(
        function,
        database + queries,
        sizing_of(protocol),
        protocol["scales"],
        preprocessing,
        batch_size,
        min_side,
    )
    return rows[: len(database)], rows[len(database) :]


def evaluate(
    function: Callable[[Tensor], Tensor],
    dataset: Dataset,
    folder: Path,
    protocol: dict[str, object],
    preprocessing: Preprocessing,
    batch_size: int = 16,
    min_side: int = 1,
    recall: RecallSettings = DEFAULT_RECALL,
) -> Evaluation:
    """Scores and first answers of every query of `dataset`, described by `function`.

    Args:
        function: preprocessed images [n, 3, H, W] -> unit-length descriptors [n, D].
        protocol: the config's section of that name.
        min_side: pixels that `function` needs on either side of an image.
        recall: what counts as found by its position.

    Raises:
        ImageError: images or boxes are smaller than that; names all of them.
    """
    # Without lists queries are whole images, whose descriptors the database has.
    found, asked = city_rows(
        function, dataset, folder, protocol, preprocessing, batch_size, min_side, dataset.listed
    )
    places = None if dataset.positions is None else place_recall(dataset, found, recall)
    return scored(dataset, asked, found, lambda rows: rankings(rows, dataset.images, found), places)


def versions(packages: Sequence[str] = ("torch", "numpy", "pillow")) -> dict[str, str]:
    """The versions that a figure depends on."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
