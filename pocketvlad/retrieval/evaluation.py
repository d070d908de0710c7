"""Scoring a network on a city: descriptors of images and cropped queries, then mAP."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from torch import Tensor

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.dense import dense_queries
from pocketvlad.data.images import Box, Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.dense_scores import dense_scores
from pocketvlad.retrieval.describe import Picture
from pocketvlad.retrieval.place_recall import PlaceRecall, place_recall
from pocketvlad.retrieval.ranking import rankings
from pocketvlad.retrieval.recall_settings import RecallSettings
from pocketvlad.retrieval.scales import describe_at_scales
from pocketvlad.retrieval.scores import Scores, mean, score_rankings, score_row

TOP = 10  # images of every ranking that are kept
DEFAULT_RECALL = RecallSettings()


@dataclass(frozen=True)
class Evaluation:
    """scores: by difficulty. top: of every query, by its name, the first TOP images found.
    dense: see `data.dense`; None where no landmark has two images. places: Recall@N; None where
    positions are not known."""

    scores: dict[str, Scores]
    top: dict[str, list[str]]
    dense: Scores | None
    places: PlaceRecall | None

    def row(self, dataset: Dataset) -> dict[str, object]:
        """What a results row says of the scores: as `score_row`, and the landmark of each query.

        The dense protocol has the same keys after `dense_`; without dense queries they are absent.
        So are those of Recall@N, which begin with `recall`, without positions.
        """
        row = score_row(self.scores, dataset.protocol)
        row["landmarks"] = {
            query.name: query.landmark
            for query in dataset.queries
            if query.name in row["average_precision"]
        }
        if self.dense:
            row["dense_map"] = mean(self.dense.average_precision)
            row["dense_average_precision"] = self.dense.average_precision
            row["dense_landmarks"] = {
                query.name: query.landmark for query in dense_queries(dataset.queries)
            }
        return row | self.places.row() if self.places else row


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
    database = database_pictures(dataset, folder)
    queries = query_pictures(dataset, folder, protocol["query_crop"], protocol["box_growth"])
    rows = describe_at_scales(
        function,
        database + queries,
        sizing_of(protocol),
        protocol["scales"],
        preprocessing,
        batch_size,
        min_side,
    )
    found = rows[: len(database)]
    ranked = list(rankings(rows[len(database) :], dataset.images, found))
    return Evaluation(
        score_rankings(dataset.queries, ranked, dataset.protocol),
        {query.name: names[:TOP] for query, names in zip(dataset.queries, ranked, strict=True)},
        dense_scores(dataset, found) if dense_queries(dataset.queries) else None,
        None if dataset.positions is None else place_recall(dataset, found, recall),
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
