"""The config's sections `models` and `compute`. Free of torch, for the check of the config."""

from dataclasses import dataclass

from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.util.settings import setting

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "mixed")
BACKENDS = ("torch", "onnxruntime")
MEASURED = "measured"
"""In place of a backend: the faster one, as a job of the study measures it for each model."""


@dataclass(frozen=True)
class RunSettings:
    """Where and how a network computes: what a result may depend on."""

    device: str = setting("the device; auto is a GPU where there is one", "auto", choices=DEVICES)
    precision: str = setting(
        "the precision; mixed: on a GPU the convolutions are computed in bfloat16",
        "float32",
        choices=PRECISIONS,
    )


@dataclass(frozen=True, kw_only=True)
class ComputeSettings(RunSettings):
    """The config's section `compute`."""

    threads: int = setting(
        "cores that one training or describing job uses, of those that `--cores` allows; beside a "
        "GPU they decode pictures. Another number rounds differently, as another machine does; "
        "what is there stays",
        1,
        minimum=1,
    )
    batch_size: int = setting(
        "images that are described at a time, where they are scored or packed; what learns from "
        "photographs describes 16 at a time",
        16,
        minimum=1,
    )
    backend: str = setting(
        "what describes the images that a model is scored on. onnxruntime: on a CPU, faster than "
        "torch for some networks; it needs the extra export. measured: for each model the faster "
        "one, see docs/phone-export.md",
        "torch",
        choices=(*BACKENDS, MEASURED),
    )


@dataclass(frozen=True, kw_only=True)
class WeightsSection:
    """What a model starts from."""

    source: str = setting(
        "the initial weights. buildings: narrow backbones pretrained on rendered buildings, which "
        "the package holds. netvlad-pitts30k: VGG16 with NetVLAD and whitening. cosplace, "
        "eigenplaces: a trunk, GeM and a linear layer. efficientnet-lite0-classifier and the like: "
        "the whole ImageNet classifier. They also decide how pixels are prepared, "
        "see docs/method.md",
        choices=tuple(SOURCES),
    )
    file: str | None = setting(
        "the file of the weights; a relative path starts from the data folder",
        None,
        form="the name of an entry of sources, or a path",
    )
    stand_in: bool | None = setting(
        "whether the file is a stand-in: of the form that the source has, but of any width and "
        "with any values, for a rehearsal of a study; tables and cards say so; false unless told",
        None,
    )


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """A network of three parts. Each part is a section with a `type` and that type's own keys."""

    backbone: dict[str, object] = setting(
        "the convolutions: {type: vgg16, width: 1.0}; the keys of each type are below"
    )
    pooling: dict[str, object] = setting(
        "what makes one vector of local descriptors: {type: netvlad, clusters: 64}; likewise"
    )
    projection: dict[str, object] = setting(
        "what shortens the vector: {type: pca-whitening, length: 4096}; likewise"
    )
    weights: WeightsSection = setting(
        "what the model starts from: {source: random}, {source: buildings} or "
        "{source: vgg16-caffe, file: ...}"
    )
