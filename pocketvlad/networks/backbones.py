"""The convolutional networks, cut at their last convolution before its ReLU.

`alexnet` is the Caffe reference network (Krizhevsky et al. 2012 as shipped with Caffe): 96-256-
384-384-256 channels, two groups in convolutions 2, 4 and 5, local response normalisation after
the pooling. `alexnet-torchvision` is the network that torchvision calls AlexNet (Krizhevsky 2014):
64-192-384-256-256 channels, neither groups nor normalisation. `vgg16` is configuration D of
Simonyan & Zisserman 2015. NetVLAD (Arandjelovic et al. 2016, section 5) describes images by the
outputs of these last convolutions.
"""

from collections import OrderedDict

from torch import nn

# Convolutions per VGG16 stage: channels, and how many convolutions have them.
_VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

BACKBONES = ("alexnet", "alexnet-torchvision", "vgg16")
LEAST_SIDE = {"alexnet": 35, "alexnet-torchvision": 31, "vgg16": 16}
"""Pixels that an image must have on either side."""


def scaled(channels: int, width: float, groups: int = 1) -> int:
    """`channels` narrowed by `width`, rounded to a multiple of `groups`, at least one a group."""
    return max(1, round(channels * width / groups)) * groups


def alexnet(width: float = 1.0) -> nn.Sequential:
    """Caffe reference AlexNet up to conv5. Input [N, 3, H, W], H and W at least 35 pixels."""
    c1, c2, c3, c4, c5 = (scaled(c, width, groups=2) for c in (96, 256, 384, 384, 256))

    def norm() -> nn.Module:
        # Caffe divides alpha by the window as torch does: the same three figures as in Caffe.
        return nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=1.0)

    def pool() -> nn.Module:
        return nn.MaxPool2d(kernel_size=3, stride=2)  # Caffe's pooling overlaps

    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, c1, 11, stride=4),
            relu1=nn.ReLU(),
            pool1=pool(),
            norm1=norm(),
            conv2=nn.Conv2d(c1, c2, 5, padding=2, groups=2),
            relu2=nn.ReLU(),
            pool2=pool(),
            norm2=norm(),
            conv3=nn.Conv2d(c2, c3, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(c3, c4, 3, padding=1, groups=2),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(c4, c5, 3, padding=1, groups=2),
        )
    )


def alexnet_torchvision(width: float = 1.0) -> nn.Sequential:
    """torchvision's AlexNet up to its last convolution. Input [N, 3, H, W], at least 31 pixels."""
    c1, c2, c3, c4, c5 = (scaled(c, width) for c in (64, 192, 384, 256, 256))
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, c1, 11, stride=4, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(kernel_size=3, stride=2),
            conv2=nn.Conv2d(c1, c2, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(kernel_size=3, stride=2),
            conv3=nn.Conv2d(c2, c3, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(c3, c4, 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(c4, c5, 3, padding=1),
        )
    )


def vgg16(width: float = 1.0) -> nn.Sequential:
    """VGG16 up to conv5_3. Input [N, 3, H, W], H and W at least 16 pixels."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    incoming = 3
    for stage, (channels, repeats) in enumerate(_VGG16_STAGES, start=1):
        for index in range(1, repeats + 1):
            outgoing = scaled(channels, width)
            layers[f"conv{stage}_{index}"] = nn.Conv2d(incoming, outgoing, 3, padding=1)
            layers[f"relu{stage}_{index}"] = nn.ReLU()
            incoming = outgoing
        layers[f"pool{stage}"] = nn.MaxPool2d(2)
    for name in ("pool5", "relu5_3"):
        del layers[name]
    return nn.Sequential(layers)


def _check(name: str, width: float) -> None:
    if name not in BACKBONES:
        raise ValueError(f"backbone {name!r} is unknown; choose one of {', '.join(BACKBONES)}")
    if not 0 < width <= 1:
        raise ValueError(f"width {width} is out of range; choose one in (0, 1]")


def build_backbone(name: str, width: float = 1.0) -> nn.Sequential:
    """The backbone called `name`, narrowed by `width` (1 is the published network).

    Raises:
        ValueError: unknown name, or a width outside (0, 1].
    """
    _check(name, width)
    builders = {"alexnet": alexnet, "alexnet-torchvision": alexnet_torchvision, "vgg16": vgg16}
    return builders[name](width)


def descriptor_channels(name: str, width: float = 1.0) -> int:
    """Channels of the last convolution of a backbone that has not been built.

    Raises:
        ValueError: unknown name, or a width outside (0, 1].
    """
    _check(name, width)
    sizes = {"alexnet": (256, 2), "alexnet-torchvision": (256, 1), "vgg16": (512, 1)}
    channels, groups = sizes[name]
    return scaled(channels, width, groups)


def output_channels(backbone: nn.Sequential) -> int:
    """Channels of the backbone's last convolution: the length of one local descriptor."""
    return [m.out_channels for m in backbone if isinstance(m, nn.Conv2d)][-1]
