"""The kinds of initial weights, and what each fits. Free of torch, for the check of the config."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A kind of weights. How its pixels are prepared is its reader's knowledge."""

    backbone: str | None = None  # the one that it is for; None: any
    file: str | None = None  # what the config's `weights.file` is; None: no file is given
    clusters: int | None = None  # of the file's NetVLAD layer; None: convolutions alone
    descriptor: int | None = None  # length of what the file's whitening makes

    @property
    def whole(self) -> bool:
        """Whether NetVLAD and whitening come with the convolutions."""
        return self.clusters is not None


SOURCES = {
    "random": Source(),
    # Narrow backbones pretrained on rendered buildings, which the package holds.
    "buildings": Source(),
    "vgg16-caffe": Source("vgg16", "torchvision's VGG16 IMAGENET1K_FEATURES, or of its form"),
    "vgg16-torchvision": Source("vgg16", "torchvision's VGG16 IMAGENET1K_V1"),
    "alexnet-caffe": Source("alexnet", "MatConvNet's imagenet-caffe-ref.mat"),
    "alexnet-torchvision": Source("alexnet-torchvision", "torchvision's AlexNet IMAGENET1K_V1"),
    # The base model of the paper.
    "netvlad-pitts30k": Source("vgg16", "NetVLAD's Pitts30K_struct.mat", 64, 4096),
}
