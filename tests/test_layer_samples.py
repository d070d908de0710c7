"""Walking a network's convolutions beside another's, and what is sampled of them."""

import gc

import pytest
import torch
import torch.nn.functional as F
from networks import copy_of, random_network
from torch import nn

from pocketvlad.compression.layer_samples import drawn_places, inputs_at, outputs_at
from pocketvlad.compression.paired_layers import paired_convolutions, paired_features
from pocketvlad.compression.rd.sensitivity import seen_by_taps


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


def held_maps(images):
    """Values of all maps of two images that there are, the images aside."""
    gc.collect()
    maps = [each for each in gc.get_objects() if type(each) is torch.Tensor and each.ndim == 4]
    own = {each.data_ptr() for each in images}
    return sum(each.numel() for each in maps if len(each) == 2 and each.data_ptr() not in own)


@torch.no_grad()
def test_images_that_a_layer_does_not_need_wait_while_maps_are_larger():
    """VGG16's maps hold more numbers than the images until they are a sixteenth as wide."""
    teacher = random_network("vgg16", 1.0, 4, 8)
    network = copy_of(teacher)
    images = [torch.randn(2, 3, 64, 64) for _ in range(6)]
    before = held_maps(images)
    for pair in paired_convolutions(network, teacher, images, 400, "layers"):
        shown = sum(each.numel() for each in (*pair.given, *pair.wanted))
        # Of images that are shown, the other network's values are held, too; of those that wait,
        # in each network no more than the image has.
        waiting = 2 * sum(each.numel() for each in images[len(pair.given) :])
        assert held_maps(images) - before <= 2 * shown + waiting, pair.name


@torch.no_grad()
@pytest.mark.parametrize(
    ("kernel", "settings"),
    [
        (1, {}),
        (1, {"stride": 2}),
        (3, {"padding": 1}),
        (5, {"padding": 2, "stride": 2, "groups": 4}),
        ((3, 5), {"padding": (2, 1), "stride": (2, 3), "dilation": (2, 1), "groups": 2}),
    ],
)
def test_patches_are_those_that_unfolding_the_whole_image_gives(kernel, settings):
    layer = nn.Conv2d(8, 4, kernel, **settings)
    generator = torch.Generator().manual_seed(6)
    images = [torch.randn(2, 8, 13, 17, generator=generator) for _ in range(2)]
    outputs = [layer(batch) for batch in images]
    places = drawn_places(outputs, 60, generator)
    groups = range(layer.groups // 2, layer.groups)
    found = inputs_at(images, places, layer, groups)
    shape = {key: getattr(layer, key) for key in ("padding", "stride", "dilation")}
    unfolded = [F.unfold(batch, layer.kernel_size, **shape) for batch in images]
    rows = torch.cat(
        [each[:, at].t() for each, at in zip(torch.cat(unfolded), places, strict=True)]
    )
    expected = rows.unflatten(1, (layer.groups, -1)).transpose(0, 1)[groups.start : groups.stop]
    assert torch.equal(found, expected)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@torch.no_grad()
@pytest.mark.parametrize(
    ("kernel", "settings"),
    [
        (3, {"padding": "same"}),
        ((4, 2), {"padding": "same", "dilation": (1, 2)}),
        (3, {"padding": "valid"}),
        *((3, {"padding": (1, 2), "padding_mode": mode}) for mode in ("reflect", "replicate")),
        (3, {"padding": 1, "padding_mode": "circular", "stride": 2, "groups": 2}),
    ],
)
def test_patches_make_the_outputs_whatever_the_padding(kernel, settings):
    layer = nn.Conv2d(4, 6, kernel, bias=False, **settings)
    images = [torch.randn(2, 4, 9, 11, generator=torch.Generator().manual_seed(6))]
    outputs = [layer(batch) for batch in images]
    places = drawn_places(outputs, 10**6, torch.Generator().manual_seed(6))
    seen = inputs_at(images, places, layer, range(layer.groups))
    made = seen @ layer.weight.flatten(1).unflatten(0, (layer.groups, -1)).mT
    torch.testing.assert_close(made.transpose(0, 1).flatten(1), outputs_at(outputs, places))
    means, squares = seen_by_taps(images[0], layer)
    rows = seen.transpose(0, 1).flatten(1)
    torch.testing.assert_close(means.flatten(), rows.mean(dim=0))
    torch.testing.assert_close(squares.flatten(), rows.square().mean(dim=0))
