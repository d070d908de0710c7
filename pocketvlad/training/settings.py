"""Settings of what is learnt from a city. Free of torch, for the check of the config."""

from dataclasses import asdict, dataclass

from pocketvlad.data.settings import Augmentation
from pocketvlad.util.seeds import LARGEST_SEED
from pocketvlad.util.settings import Value, setting


@dataclass(frozen=True)
class InitialisationSettings:
    """How much data the cluster centres and the PCA whitening are learnt from."""

    cluster_images: int = setting(
        "images whose local descriptors are clustered, at most", minimum=1
    )
    locals_per_image: int = setting("local descriptors taken of each", minimum=1)
    projection_samples: int = setting(
        "samples for the PCA: images, then random crops of them until there are so many", minimum=2
    )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Augmentation):
    """How a network is fine-tuned."""

    layers: tuple[str, ...] = setting(
        "what learns; [all] is the whole network; config/README.md lists layers",
        shortest=1,
        items=Value(form="the beginning of a module's path, such as pooling or backbone.conv5"),
    )
    epochs: int = setting("epochs of training; 0 keeps the initial network", minimum=0)
    loss: dict[str, object] = setting(
        "what it is trained for: {type: triplet}; the keys of each type are below. The paper's "
        "triplets have theirs here: tuples to margin, and pool",
        {"type": "triplet"},
    )
    tuples: int = setting("training tuples per epoch", minimum=1)
    tuples_per_step: int = setting("training tuples per gradient step", minimum=1)
    negatives: int = setting("the hardest negatives of a tuple", minimum=1)
    negative_candidates: int = setting(
        "among how many random candidates they are the hardest", 1000, minimum=1
    )
    nearest_positives: int = setting("the positive is one of this many nearest", 8, minimum=1)
    instance_share: float = setting(
        "the share of the tuples that are made of unlabelled images", 0.3, minimum=0, maximum=1
    )
    margin: float = setting("the triplet loss's margin m", 0.1, above=0)
    learning_rate: float = setting("the learning rate of SGD", 0.001, above=0)
    momentum: float = setting("the momentum of SGD", 0.9, minimum=0, below=1)
    weight_decay: float = setting("the weight decay of SGD", 0.0001, minimum=0)
    decay: float = setting("the learning rate's factor after each epoch", above=0, maximum=1)
    gradient_norm: float = setting("a step's gradient is clipped to this length", 1.0, above=0)
    pool: int = setting(
        "images of landmarks, and as many of the background, that each epoch mines tuples from",
        minimum=1,
    )


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
    """The landmarks of the training city that pick the epoch."""

    fraction: float = setting("the share of the landmarks that is held out", 0.25, above=0, below=1)
    images: int = setting("images of the background in the validation database", minimum=1)
    queries: int = setting("images of the held-out landmarks that are queries, at most", minimum=1)


@dataclass(frozen=True, kw_only=True)
class PretrainingSettings(Augmentation):
    """How a backbone is pretrained to tell buildings apart."""

    epochs: int = setting("epochs of training", minimum=1)
    batch: int = setting("pictures per gradient step", minimum=2)
    learning_rate: float = setting("the largest learning rate of AdamW, in one cycle", above=0)
    weight_decay: float = setting("the weight decay of AdamW", minimum=0)


@dataclass(frozen=True, kw_only=True)
class BuildingsSection:
    """The pictures that narrow backbones are pretrained on."""

    seed: int = setting("a seed that no data set has", minimum=0, maximum=LARGEST_SEED)
    buildings: int = setting("ordinary buildings of each style", minimum=1)
    views: int = setting("pictures a building", minimum=1)
    size: int = setting("the longest side of a picture", unit="pixels", minimum=48, maximum=2048)
    variety: float = setting("how much viewpoints, light and cameras differ", minimum=0, maximum=1)


@dataclass(frozen=True, kw_only=True)
class PretrainingSection:
    """The config's section `pretraining`."""

    buildings: BuildingsSection = setting("the pictures to learn from")
    classifier: PretrainingSettings = setting("the training that tells the buildings apart")
