"""The kinds of initial weights, and what each fits. Free of torch, for the check of the config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture


@dataclass(frozen=True)
class Source:
    """A kind of weights. How pixels are prepared for it, its reader says.

    file: what the config's `weights.file` is; None: no file is given.  parts: by part that the
    weights fill, the declaration that they fit; an empty one fits any.  longest: components of a
    descriptor, at most.
    """

    file: str | None = None
    parts: Mapping[Part, Mapping[str, object]] = field(default_factory=dict)
    longest: int | None = None

    def faults(
        self, name: str, architecture: Architecture, stand_in: bool = False
    ) -> Iterator[tuple[str, str]]:
        """(key below the model, fault and remedy) of what does not fit these weights.

        stand_in: only the types of the parts must fit; a stand-in's sizes are its own.
        """
        for part, expected in self.parts.items():
            found = getattr(architecture, part).as_dict()
            for key, value in expected.items():
                if found.get(key) != value and (key == "type" or not stand_in):
                    yield (
                        f"{part}.{key}",
                        f"{found.get(key)!r} does not fit {name} weights; write {value!r}",
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
