"""Settings and helpers of the tests that train."""

from pathlib import Path

from networks import random_network

from pocketvlad.data.dataset import Dataset, write_dataset
from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import (
    InitialisationSettings,
    TrainingSettings,
    ValidationSettings,
)
from pocketvlad.training.training_city import TrainingImages, load_training_images

SETTINGS = TrainingSettings(
    layers=("all",),
    epochs=2,
    tuples=6,
    tuples_per_step=2,
    negatives=2,
    negative_candidates=10,
    nearest_positives=2,
    instance_share=0.3,
    margin=0.3,
    learning_rate=0.01,
    momentum=0.9,
    weight_decay=0.0,
    decay=0.9,
    gradient_norm=1.0,
    pool=4,
    image_size=67,
    crop=0.8,
    colour=0.2,
)


def training_images(dataset: Dataset, folder: Path) -> TrainingImages:
    """The training city as a job has it, its images in `folder`; one landmark of three held out."""
    index = folder / "dataset.json"
    write_dataset(index, dataset)
    return load_training_images(
        index,
        folder,
        Sizing(67, "bilinear"),
        Preprocessing((127.5,) * 3, (64.0,) * 3),
        ValidationSettings(fraction=0.3, images=4, queries=20),
        seed=1,
    )


def learnt_network(backbone: str, city: TrainingImages) -> RetrievalNetwork:
    """A narrow network, clustered and whitened on a city: else all images are alike to it."""
    network = random_network(backbone, 0.1, 4, 8)
    learnt = InitialisationSettings(cluster_images=16, locals_per_image=20, projection_samples=24)
    pictures = city.pictures(city.dataset.images)
    for fit in (fit_pooling, fit_projection):
        fit(network, pictures, city.sizing, city.preprocessing, learnt, 3)
    return network


class Killed(Exception):  # noqa: N818
    pass
