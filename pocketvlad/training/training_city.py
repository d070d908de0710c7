"""The city that a network learns from: its photographs, and which of them are held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.dataset import Dataset, read_dataset
from pocketvlad.data.images import Preprocessing
from pocketvlad.data.landmarks import Split, landmarks, split_landmarks
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.picture import Picture
from pocketvlad.training.settings import ValidationSettings


@dataclass(frozen=True)
class TrainingImages:
    """The training city as the loop needs it."""

    folder: Path
    dataset: Dataset
    split: Split
    sizing: Sizing
    preprocessing: Preprocessing
    validation: ValidationSettings

    def pictures(self, names: Sequence[str]) -> list[Picture]:
        """Whole images of the database, or of queries."""
        dataset = self.dataset
        return [
            Picture(self.path(name), dataset.size_of(name), upright=dataset.upright)
            for name in names
        ]

    @property
    def crop_source(self) -> CropSource:
        """All images of the database."""
        paths = {name: self.path(name) for name in self.dataset.sizes}
        upright = self.dataset.upright
        return CropSource(paths, upright, self.sizing.interpolation, self.preprocessing)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.jpg"


def load_training_images(
    dataset_file: Path,
    folder: Path,
    sizing: Sizing,
    preprocessing: Preprocessing,
    validation: ValidationSettings,
    seed: int,
) -> TrainingImages:
    """Read the index and split its landmarks by `seed`, the same for all that trains on it."""
    dataset = read_dataset(dataset_file)
    split = split_landmarks(landmarks(dataset), dataset.images, validation.fraction, seed)
    return TrainingImages(folder, dataset, split, sizing, preprocessing, validation)
