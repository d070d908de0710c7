"""Walking a network's convolutions beside another's."""

import pytest
import torch
from networks import copy_of, random_network
from torch import nn

from pocketvlad.compression.paired_layers import paired_convolutions, paired_features


@pytest.mark.parametrize(
    ("name", "patches", "batches"),
    [
        ("vgg16", 500, [1] * 4 + [2] * 3 + [3] * 6),  # 256 (of 3,600, 900), 225, 49, 9 an image
        ("vgg16", 10**6, [3] * 13),
        ("alexnet", 300, [1, 3, 3, 3, 3]),  # 169 and 36 places
    ],
)
def test_layers_see_what_the_changed_ones_before_them_make(name, patches, batches):
    teacher = random_network(name, 0.1, 4, 8)
    network = copy_of(teacher)
    generator = torch.Generator().manual_seed(5)
    images = [torch.randn(2, 3, 60, 60, generator=generator) for _ in range(3)]
    held, features = [], []
    with torch.no_grad():
        walk = paired_convolutions(network, teacher, images, patches, "layers", features)
        for pair in walk:
            held.append(len(pair.given))
            position = list(network.backbone).index(pair.layer)
            before, after = network.backbone[:position], teacher.backbone[: position + 1]
            for image, given, wanted in zip(images, pair.given, pair.wanted, strict=False):
                torch.testing.assert_close(given, before(image))
                torch.testing.assert_close(wanted, after(image))
            nn.init.normal_(pair.layer.weight, std=0.1, generator=generator)
    assert held == batches
    with torch.no_grad():
        left = zip(features, paired_features(network, teacher, images), strict=True)
        for (given, wanted), (own, original) in left:
            torch.testing.assert_close(given, own)
            torch.testing.assert_close(wanted, original)
