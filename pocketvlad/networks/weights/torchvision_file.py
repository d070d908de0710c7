"""How torchvision names its networks' tensors, and what their pixels become."""

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.weights.placing import convolutions
from pocketvlad.networks.weights.state_dict_file import Form, Names, numbered

# ImageNet's mean as the authors of VGG16 subtract it. The preprocessing that torchvision gives
# with IMAGENET1K_FEATURES is this, rounded to whole levels.
CAFFE = Preprocessing(mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0))
# ImageNet's mean and deviation as IMAGENET1K_V1 weights expect them, in 0-255.
TORCHVISION = Preprocessing(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))

FEATURES = Form(numbered("features."), ("features.",), TORCHVISION)
"""VGG16 and AlexNet."""
CAFFE_FEATURES = replace(FEATURES, preprocessing=CAFFE)


def residual_names(backbone: nn.Module) -> Iterator[Names]:
    """`conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.bn1`, `layer2.0.downsample.0`, ..."""
    for layer, _ in convolutions(backbone):
        block, _, own = layer.rpartition(".")
        block = f"{block.removesuffix('.body')}." if block else ""
        if own == "shortcut":
            yield Names(layer, f"{block}downsample.0", f"{block}downsample.1")
        else:
            yield Names(layer, f"{block}{own}", f"{block}{own.replace('conv', 'bn')}")


RESIDUAL = Form(residual_names, ("conv1.", "bn1.", "layer"), TORCHVISION)
"""ResNets."""
