"""Backbones that learn to tell many buildings apart, before they learn to recognise a few.

What ImageNet's classes did for the published networks, a few hundred ordinary buildings do for the
narrow ones: a softmax over the buildings, from the mean of the last convolution's activations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.data.augmentation import augmented_image
from pocketvlad.data.images import Preprocessing, to_batch
from pocketvlad.networks.declared import Backbone
from pocketvlad.networks.network import initialise_randomly
from pocketvlad.training.batch_norm import add_batch_norm, fold_batch_norm
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.settings import PretrainingSettings
from pocketvlad.util.counted import counted
from pocketvlad.util.progress import progress
from pocketvlad.util.read_ahead import read_ahead

_LABEL_SMOOTHING = 0.1
_GRADIENT_NORM = 5.0
_WARM_UP = 0.15  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class LabelledPictures:
    """Picture files, and which building each shows."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    @property
    def classes(self) -> int:
        return max(self.labels) + 1


def labelled_pictures(folder: Path) -> LabelledPictures:
    """The pictures `<folder>/<building>/<view>.jpg`; buildings are numbered by name.

    Raises:
        ValueError: there are fewer than two buildings, or no pictures.
    """
    buildings = sorted(path for path in folder.iterdir() if path.is_dir())
    if len(buildings) < 2:
        raise ValueError(
            f"{folder} holds {counted(len(buildings), 'building')}; at least 2 are needed: raise "
            "`pretraining.buildings.buildings`"
        )
    found = [(path, n) for n, each in enumerate(buildings) for path in sorted(each.glob("*.jpg"))]
    if not found:
        raise ValueError(f"{folder}: the folders of its buildings hold no .jpg; render them again")
    paths, labels = zip(*found, strict=True)
    return LabelledPictures(paths, labels)


class BuildingClassifier(nn.Module):
    """Backbone with batch normalisation -> mean activation -> a score for each building."""

    def __init__(self, backbone: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.features = backbone
        add_batch_norm(self.features)
        self.scores = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Preprocessed images [N, 3, H, W] -> scores [N, classes]."""
        return self.scores(F.relu(self.features(images)).mean(dim=(2, 3)))


def _batches(
    pictures: LabelledPictures,
    settings: PretrainingSettings,
    preprocessing: Preprocessing,
    generator: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:
    """(augmented images, labels) of one epoch, decoded a batch ahead of use."""
    order = generator.permutation(len(pictures.paths))
    groups = [
        order[start : start + settings.batch]
        for start in range(0, len(order) - settings.batch + 1, settings.batch)
    ]

    def load(index: int, own: np.random.Generator) -> np.ndarray:
        return augmented_image(pictures.paths[index], settings, "bilinear", own)

    for group, loaded in zip(groups, read_ahead(groups, load, generator), strict=True):
        labels = torch.tensor([pictures.labels[index] for index in group])
        yield to_batch(loaded, preprocessing), labels


def pretrain(
    declared: Backbone,
    pictures: LabelledPictures,
    settings: PretrainingSettings,
    preprocessing: Preprocessing,
    seed: int,
    checkpoint: Checkpoint,
) -> nn.Module:
    """A backbone trained from scratch, resumed from `checkpoint` if it has a state.

    Raises:
        ValueError: fewer pictures than a batch holds.
    """
    if len(pictures.paths) < settings.batch:
        found = counted(len(pictures.paths), "picture")
        raise ValueError(
            f"{found} cannot fill a batch of {settings.batch}; lower `pretraining.classifier.batch`"
        )
    torch.manual_seed(seed)
    backbone = declared.build()
    initialise_randomly(backbone, seed)
    network = BuildingClassifier(backbone, declared.channels, pictures.classes)
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        total_steps=settings.epochs * (len(pictures.paths) // settings.batch),
        pct_start=_WARM_UP,
    )
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    state = checkpoint.load() or {"epoch": 0}
    for name, part in parts.items():
        if name in state:
            part.load_state_dict(state[name])
    network.train()
    for epoch in range(state["epoch"] + 1, settings.epochs + 1):
        generator = np.random.default_rng((seed, epoch))
        label = f"pretraining, epoch {epoch} of {settings.epochs}"
        losses: list[float] = []
        with progress(len(pictures.paths), label, "image") as bar:
            for images, labels in _batches(pictures, settings, preprocessing, generator):
                loss = F.cross_entropy(network(images), labels, label_smoothing=_LABEL_SMOOTHING)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT_NORM)
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
                bar.set_postfix(loss=f"{np.mean(losses):.3f}")
                bar.update(len(labels))
        checkpoint.save(
            {
                "epoch": epoch,
                "loss": float(np.mean(losses)),
                **{name: part.state_dict() for name, part in parts.items()},
            }
        )
    network.eval()
    fold_batch_norm(network.features)
    return network.features
