"""One epoch of fine-tuning on mined tuples."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.augmentation import Augmentation, augmented_image
from pocketvlad.describe import describe
from pocketvlad.images import Box, to_batch
from pocketvlad.mining import TrainingTuple, mine_tuples, step_triplets
from pocketvlad.model import PlaceNet
from pocketvlad.progress import progress
from pocketvlad.sampling import drawn
from pocketvlad.training_city import TrainingImages
from pocketvlad.triplet import triplet_loss


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is fine-tuned; the config's keys of the same names explain each."""

    layers: tuple[str, ...]  # prefixes of parameter names, or ("all",)
    epochs: int
    tuples: int  # an epoch
    tuples_per_step: int
    negatives: int  # a tuple
    negative_candidates: int
    nearest_positives: int
    instance_share: float
    margin: float
    learning_rate: float
    momentum: float
    weight_decay: float
    decay: float  # the learning rate's factor an epoch
    gradient_norm: float  # a step's gradient is clipped to this length
    pool: int  # images of landmarks, and as many of the background, to mine among, an epoch
    image_size: int
    crop: float
    colour: float


def trainable_parameters(network: nn.Module, layers: Sequence[str]) -> list[nn.Parameter]:
    """Freeze all but the parameters whose name begins with one of `layers`; return those.

    Raises:
        ValueError: a prefix fits no parameter.
    """
    named = dict(network.named_parameters())
    for prefix in layers:
        if prefix != "all" and not any(name.startswith(prefix) for name in named):
            raise ValueError(
                f"training layer {prefix!r} fits no parameter; choose among {', '.join(named)}"
            )
    for name, parameter in named.items():
        parameter.requires_grad_("all" in layers or name.startswith(tuple(layers)))
    return [parameter for parameter in named.values() if parameter.requires_grad]


def epoch_tuples(
    network: PlaceNet,
    images: TrainingImages,
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> list[TrainingTuple]:
    """Describe this epoch's candidates with the network as it is, and mine tuples among them."""
    background = drawn(images.split.background, settings.pool, generator)
    training = images.split.training
    share = max(2, settings.pool // len(training))
    positives = {
        name
        for landmark in training
        for name in (
            *drawn(landmark.positives, share, generator),
            *(image for image, _ in landmark.queries),
        )
    }
    names = sorted(positives.union(background))
    network.eval()
    descriptors = describe(
        network, images.pictures(names), images.sizing, images.preprocessing, label="mining"
    )
    return mine_tuples(
        training,
        background,
        names,
        descriptors,
        count=settings.tuples,
        negatives=settings.negatives,
        negative_candidates=settings.negative_candidates,
        nearest_positives=settings.nearest_positives,
        instance_share=settings.instance_share,
        generator=generator,
    )


def tuple_batches(
    tuples: Sequence[TrainingTuple],
    images: TrainingImages,
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> Iterator[tuple[Sequence[TrainingTuple], Tensor]]:
    """The tuples of each step and their images, augmented and preprocessed, [N, 3, S, S].

    Pictures are decoded in threads, a step ahead of use; each draws from a generator of its own,
    so that the result does not depend on which thread is faster.
    """
    augmentation = Augmentation(settings.image_size, settings.crop, settings.colour)

    def load(name: str, box: Box | None, own: np.random.Generator) -> np.ndarray:
        path = images.path(name)
        return augmented_image(path, augmentation, images.sizing.interpolation, own, box)

    with ThreadPoolExecutor(max_workers=2) as pool:

        def submit(step: Sequence[TrainingTuple]) -> list:
            parts = [
                (name, each.box if place == 0 else None)
                for each in step
                for place, name in enumerate(each.images)
            ]
            return [
                pool.submit(load, *part, own)
                for part, own in zip(parts, generator.spawn(len(parts)), strict=True)
            ]

        size = settings.tuples_per_step
        steps = [tuples[start : start + size] for start in range(0, len(tuples), size)]
        ahead = submit(steps[0])
        for step, following in zip(steps, [*steps[1:], []], strict=True):
            current, ahead = ahead, submit(following)
            yield step, to_batch([future.result() for future in current], images.preprocessing)


def train_epoch(
    network: PlaceNet,
    optimiser: torch.optim.Optimizer,
    parameters: Sequence[nn.Parameter],
    images: TrainingImages,
    settings: TrainingSettings,
    generator: np.random.Generator,
    after_step: Callable[[], None],
    label: str,
) -> float:
    """One pass over freshly mined tuples. `after_step` runs after each step. Returns the loss."""
    tuples = epoch_tuples(network, images, settings, generator)
    labelled = frozenset(name for mark in images.split.training for name in mark.positives)
    losses = []
    with progress(total=len(tuples), label=label, unit="tuple") as bar:
        for step, batch in tuple_batches(tuples, images, settings, generator):
            triplets = torch.from_numpy(step_triplets(step, labelled))
            loss = triplet_loss(network(batch), triplets, settings.margin)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, settings.gradient_norm)
            optimiser.step()
            after_step()
            losses.append(loss.item())
            bar.set_postfix(loss=f"{np.mean(losses):.4f}")
            bar.update(len(step))
    return float(np.mean(losses))
