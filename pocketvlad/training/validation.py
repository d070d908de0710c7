"""The held-out landmarks of the training city as a small retrieval task."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pocketvlad.data.landmarks import Landmark
from pocketvlad.data.protocols.original import ALL
from pocketvlad.data.query import Query
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.retrieval.crops import random_crops
from pocketvlad.retrieval.describe import describe, require_sides
from pocketvlad.retrieval.picture import Picture
from pocketvlad.scoring.ranking import rankings
from pocketvlad.scoring.scores import mean, score_rankings
from pocketvlad.training.training_city import TrainingImages


def validation_queries(
    held: Sequence[Landmark], images: TrainingImages, limit: int, min_side: int
) -> tuple[list[Query], list[Picture]]:
    """At most `limit` queries of the held-out landmarks, and their pictures.

    Every positive and every image of an official query makes one: the latter with its box, any
    other with a random crop, the same in every epoch. Its own image is junk: finding that says
    nothing.

    Args:
        min_side: pixels that the network needs on either side of a crop.
    """
    boxes = {landmark.name: dict(landmark.queries) for landmark in held}
    queries = [
        Query(
            name=f"{landmark.name}/{name}",
            landmark=landmark.name,
            image=name,
            box=boxes[landmark.name].get(name)
            or random_crops(images.pictures([name]), 1, seed, min_side)[0].box,
            good=tuple(other for other in landmark.positives if other != name),
            ok=(),
            junk=tuple((landmark.shown - set(landmark.positives)) | {name}),
        )
        for landmark in held
        for seed, name in enumerate(
            sorted({*landmark.positives, *(image for image, _ in landmark.queries)})
        )
    ]
    queries = queries[:: max(1, -(-len(queries) // limit))]
    whole = images.pictures([query.image for query in queries])
    pictures = [
        replace(picture, box=query.box) for picture, query in zip(whole, queries, strict=True)
    ]
    return queries, pictures


def validation_scores(
    described: Callable[[list[Picture]], np.ndarray], images: TrainingImages, min_side: int
) -> dict[str, float]:
    """The average precision of each of the held-out landmarks' images, among themselves and images
    of the background.

    Args:
        described: pictures -> their descriptors [N, D], unit length.
        min_side: pixels that it needs on either side of a picture.

    Raises:
        ImageError: pictures or boxes are smaller than that; names all of them.
    """
    settings, held = images.validation, images.split.validation
    background = images.split.background
    step = max(1, -(-len(background) // settings.images))
    names = sorted({n for mark in held for n in mark.positives}.union(background[::step]))
    queries, pictures = validation_queries(held, images, settings.queries, min_side)
    shown = images.pictures(names) + pictures
    # The protocol may ask for queries whole, or with larger boxes: then nobody looked at these.
    require_sides(shown, images.sizing, min_side)
    descriptors = described(shown)
    database, wanted = descriptors[: len(names)], descriptors[len(names) :]
    scores = score_rankings(queries, rankings(wanted, names, database))
    return scores[ALL].average_precision


def network_scores(network: RetrievalNetwork, images: TrainingImages) -> dict[str, float]:
    """`validation_scores` of a network."""
    network.eval()

    def described(pictures: list[Picture]) -> np.ndarray:
        return describe(network, pictures, images.sizing, images.preprocessing, label="validation")

    return validation_scores(described, images, network.min_side)


def validate(network: RetrievalNetwork, images: TrainingImages) -> float:
    """mAP of the held-out landmarks' images among themselves and background images."""
    return mean(network_scores(network, images))
