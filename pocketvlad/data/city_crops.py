"""Unlabelled crops of photographs, for whatever needs no labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from pocketvlad.data.augmentation import augmented_image
from pocketvlad.data.images import Preprocessing, to_batch
from pocketvlad.data.settings import CropSettings
from pocketvlad.util.read_ahead import read_ahead


@dataclass(frozen=True)
class CropSource:
    """Photographs that crops are cut from.

    paths: by name.  upright: whether they are turned as their cameras were held.  interpolation: a
    one of `settings.INTERPOLATIONS`.
    """

    paths: Mapping[str, Path]
    upright: bool
    interpolation: str
    preprocessing: Preprocessing


def crop_batches(
    source: CropSource, settings: CropSettings, generator: np.random.Generator
) -> Iterator[Tensor]:
    """Preprocessed crops [n, 3, S, S], every image once before any comes again.

    Pictures are decoded in threads, a batch ahead of use.
    """
    names = sorted(source.paths)
    rounds = -(-settings.crops // len(names))
    order = np.concatenate([generator.permutation(len(names)) for _ in range(rounds)])
    chosen = [names[index] for index in order[: settings.crops]]

    def load(name: str, own: np.random.Generator) -> np.ndarray:
        return augmented_image(
            source.paths[name],
            settings,
            source.interpolation,
            own,
            upright=source.upright,
        )

    size = settings.batch
    steps = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    for pictures in read_ahead(steps, load, generator):
        yield to_batch(pictures, source.preprocessing)
