"""The config's sections `models` and `compute`. Free of torch, for the check of the config."""

from dataclasses import dataclass

from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.util.settings import setting

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "mixed")


@dataclass(frozen=True)
class RunSettings:
    """Where and how a network computes: what a result may depend on."""

    device: str = setting("auto: a GPU where there is one", "auto", choices=DEVICES)
    precision: str = setting(
        "mixed: on a GPU the convolutions are computed in bfloat16", "float32", choices=PRECISIONS
    )


@dataclass(frozen=True, kw_only=True)
class ComputeSettings(RunSettings):
    """The config's section `compute`."""

    threads: int = setting(
        "that one training or describing job uses; beside a GPU they decode pictures",
        1,
        unit="cores",
        least=1,
    )
    batch_size: int = setting("that are described at a time", 16, unit="images", least=1)


@dataclass(frozen=True, kw_only=True)
class WeightsSection:
    """What a model starts from."""

    source: str = setting(
        "buildings: narrow backbones pretrained on rendered buildings, which the package holds. "
        "netvlad-pitts30k: VGG16 with NetVLAD and whitening. It also decides how pixels are "
        "prepared, see docs/method.md",
        choices=tuple(SOURCES),
    )
    file: str | None = setting(
        "a relative path starts from the data folder",
        None,
        form="a weights file: the name of an entry of sources, or a path",
    )


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """A network of three parts. Each part is a section with a `type` and that type's own keys."""

    backbone: dict[str, object] = setting("{type: vgg16, width: 1.0}: the convolutions")
    pooling: dict[str, object] = setting(
        "{type: netvlad, clusters: 64}: from local descriptors to one of the image"
    )
    projection: dict[str, object] = setting(
        "{type: pca-whitening, length: 4096}: what the descriptor is shortened by"
    )
    weights: WeightsSection = setting(
        "what the model starts from: {source: random}, {source: buildings} or "
        "{source: vgg16-caffe, file: ...}"
    )
