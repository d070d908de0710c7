"""Readers of initial weights, against networks computed from the raw arrays by plain torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import architecture, assert_same, weights_of
from scipy.io import savemat
from torch import nn
from torchvision import models
from weights_files import (
    ALEXNET_NUMBERS,
    VGG16_NUMBERS,
    alexnet_layers,
    cell,
    kernels,
    kernels_of_torch,
    layer,
    normalization,
    pitts30k_layers,
    state_of,
    take_any_size,
    vgg16_kernels,
    vgg16_layers,
    write_with_object,
)

from pocketvlad.data.images import CENTRED, Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import part_types
from pocketvlad.networks.modules.kept import kept
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.networks.settings import WeightsSection
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.retrieval.picture import Picture
from pocketvlad.training.initial_model import initial_model
from pocketvlad.training.settings import InitialisationSettings
from pocketvlad.util.settings import declared_field

CHANNELS = (3, 6, 13, 26, 26)  # VGG16's five stages at a width of 0.05
VGG16 = architecture("vgg16", 0.05, 6, 10)
ALEXNET = architecture("alexnet", 0.1, 4, 8)
CLUSTERS, LONGEST = 6, 16  # of the file that a test makes
PUBLISHED = dict(SOURCES)  # before a test changes them
MEAN = (123.5, 116.75, 103.25)


@pytest.fixture
def any_size(monkeypatch):
    """Files of narrow networks are read."""
    take_any_size(monkeypatch)


pytestmark = pytest.mark.usefixtures("any_size")


def load(network, source, path):
    return load_initial_weights(network.eval(), source, path, seed=0)


def run_vgg16(images, pairs):
    """VGG16 to conv5_3 by functions alone, from [H, W, I, O] kernels."""
    for number, (weight, bias) in enumerate(pairs):
        if number:
            images = F.relu(images)
        if number in (2, 4, 7, 10):
            images = F.max_pool2d(images, 2)
        images = F.conv2d(
            images, kernels_of_torch(weight), torch.from_numpy(bias).flatten(), padding=1
        )
    return images


def run_netvlad(features, assignment, centres):
    """NetVLAD's equation 4 in numpy, float64, flattened channel by channel; both [D, K]."""
    rows = []
    for image in features.double().numpy():
        local = image.reshape(len(image), -1)
        local = local / np.linalg.norm(local, axis=0)
        shares = np.exp(assignment.T.astype(np.float64) @ local)
        shares /= shares.sum(axis=0)
        vlad = local @ shares.T - centres * shares.sum(axis=1)
        vlad /= np.linalg.norm(vlad, axis=0)
        rows.append(vlad.ravel() / np.linalg.norm(vlad))
    return np.stack(rows)


@pytest.fixture(scope="module")
def pitts():
    """The raw arrays of a small Pitts30K_struct.mat."""
    generator = np.random.default_rng(0)
    channels = CHANNELS[-1]
    pairs = vgg16_kernels(generator, CHANNELS)
    assignment = generator.normal(size=(channels, CLUSTERS)).astype(np.float32) * 5
    minus_centres = generator.normal(size=(channels, CLUSTERS)).astype(np.float32) * 0.3
    whitening = kernels(generator, 1, channels * CLUSTERS, LONGEST)
    return pairs, assignment, minus_centres, whitening


def average_image():
    """Of no single colour: what is subtracted is its first pixel."""
    image = np.empty((4, 5, 3), dtype=np.float32)
    image[:] = MEAN
    image[1:, 1:] += 7
    return image


def write_pitts(path, pitts, change=lambda layers: None, **options):
    layers = pitts30k_layers(*pitts)
    change(layers)
    net = {"layers": cell(layers), "meta": normalization(average_image())}
    savemat(path, {"net": net, "unused": np.zeros(3)}, **options)
    return path


def without_names(layers):
    for each in layers:
        del each["name"], each["type"]
        each["precious"] = 0.0


def with_four_axes(layers):
    arrays = [array[np.newaxis, np.newaxis] for array in layers[30]["weights"].ravel()]
    layers[30]["weights"] = cell(arrays)


@pytest.mark.parametrize("change", [lambda layers: None, without_names, with_four_axes])
@pytest.mark.parametrize("length", [LONGEST, 5])
def test_netvlad_of_pitts30k_is_the_published_computation(tmp_path, pitts, change, length):
    path = write_pitts(tmp_path / "p.mat", pitts, change, do_compression=length == 5)
    network = RetrievalNetwork(architecture("vgg16", 0.05, CLUSTERS, length))
    preprocessing = load(network, "netvlad-pitts30k", path)
    assert preprocessing == Preprocessing(MEAN, (1.0, 1.0, 1.0))
    pairs, assignment, minus_centres, (whitening, biases) = pitts
    images = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 50
    vlad = run_netvlad(run_vgg16(images, pairs), assignment, -minus_centres)
    full = vlad @ whitening[0, 0].astype(np.float64) + biases.ravel()
    expected = full[:, :length] / np.linalg.norm(full[:, :length], axis=1, keepdims=True)
    with torch.inference_mode():
        np.testing.assert_allclose(network(images).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (("vgg16", 0.05, 5, 8), r"pooling, vlad:core.*\(6, 26\) found, \(5, 26\) expected"),
        (("vgg16", 0.05, 6, 17), r"projection, WPCA.*17 numbers is asked of one of 16; lower"),
        (("vgg16", 0.1, 6, 8), r"conv1_1, conv1_1.*\(3, 3, 3, 3\) found, \(6, 3, 3, 3\) exp"),
        (
            ("alexnet", 0.1, 6, 8),
            r"backbone\.type: 'alexnet' does not fit netvlad-pitts30k weights; write 'vgg16'",
        ),
    ],
)
def test_a_model_that_the_pitts30k_weights_do_not_fit(tmp_path, pitts, sizes, message):
    path = write_pitts(tmp_path / "p.mat", pitts)
    with pytest.raises(WeightsError, match=message):
        load(RetrievalNetwork(architecture(*sizes)), "netvlad-pitts30k", path)


def cut_whitening(layers):
    weight, bias = layers[33]["weights"].ravel()
    layers[33]["weights"] = cell([weight[:, :, 1:], bias])


def third_array(layers):
    layers[30]["weights"] = cell([*layers[30]["weights"].ravel(), np.zeros((6, 1))])


def not_finite(layers):
    layers[0]["weights"][0, 1] = np.full((1, 3), np.nan, dtype=np.float32)


def text_in_place_of_weights(layers):
    layers[2]["weights"] = cell(["gone", np.zeros((1, 3))])


def early_form(layers):
    layers[0] = {"name": "conv1_1", "type": "conv", "filters": np.zeros((3, 3, 3, 3))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut_whitening, r"projection, WPCA.*\(10, 155\) found, \(10, 156\) expected"),
        (third_array, "layer vlad:core: 3 arrays found, 2 expected"),
        (not_finite, "conv1_1, conv1_1 in the file, biases: a weight is not finite"),
        (text_in_place_of_weights, "layer conv1_2 is not an array of numbers"),
        (early_form, "conv1_1 has `filters`.*vl_simplenn_tidy"),
        (lambda layers: layers.pop(30), "conv5_3, WPCA; expected 13 convolutions, NetVLAD and wh"),
        (lambda layers: layers[0].update(type="bnorm"), "conv1_1 is of type 'bnorm'"),
    ],
)
def test_a_file_that_is_not_as_published(tmp_path, pitts, change, message):
    path = write_pitts(tmp_path / "p.mat", pitts, change)
    with pytest.raises(WeightsError, match=message) as caught:
        load(RetrievalNetwork(VGG16), "netvlad-pitts30k", path)
    assert str(path) in str(caught.value)
    assert "reads NetVLAD's Pitts30K_struct.mat" in str(caught.value)


@pytest.fixture(scope="module")
def caffe():
    """Raw arrays of a narrow AlexNet: second, fourth and fifth convolution in two groups."""
    generator = np.random.default_rng(1)
    shapes = [(11, 3, 10), (5, 5, 26), (3, 26, 38), (3, 19, 38), (3, 19, 26)]
    pairs = [kernels(generator, *shape) for shape in shapes]
    connected = [kernels(generator, 6, 26, 8), kernels(generator, 1, 8, 8)]
    return pairs, connected


def run_alexnet(x, pairs):
    """Caffe's reference network to conv5, by functions alone."""
    strides, pads, groups = (4, 1, 1, 1, 1), (0, 2, 1, 1, 1), (1, 2, 1, 2, 2)
    for number, (weight, bias) in enumerate(pairs):
        if number:
            x = F.relu(x)
        if number in (1, 2):
            x = F.local_response_norm(F.max_pool2d(x, 3, 2), 5, alpha=1e-4, beta=0.75, k=1.0)
        x = F.conv2d(
            x,
            kernels_of_torch(weight),
            torch.from_numpy(bias).flatten(),
            strides[number],
            pads[number],
            groups=groups[number],
        )
    return x


def gradient_image(height, width):
    """A mean image that is not constant, RGB; its mean a channel is MEAN."""
    rise = np.linspace(-40, 40, height * width).reshape(height, width, 1)
    return (rise + np.array(MEAN)).astype(np.float32)


@pytest.mark.parametrize("place", ["variables", "net", "older"])
def test_caffes_alexnet_in_two_groups(tmp_path, caffe, place):
    path = tmp_path / "imagenet-caffe-ref.mat"
    content = {"layers": cell(alexnet_layers(*caffe)), "meta": normalization(gradient_image(7, 9))}
    if place == "older":
        content |= content.pop("meta")
    savemat(path, {"net": content} if place == "net" else content)
    network = RetrievalNetwork(ALEXNET)
    preprocessing = load(network, "alexnet-caffe", path)
    assert preprocessing.mean == pytest.approx(MEAN, abs=1e-4)
    assert preprocessing.std == (1.0, 1.0, 1.0)
    images = torch.randn(2, 3, 99, 80, generator=torch.Generator().manual_seed(2)) * 50
    with torch.inference_mode():
        torch.testing.assert_close(network.backbone(images), run_alexnet(images, caffe[0]))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.array([[1.0, 2.0, 3.0]]), (1.0, 2.0, 3.0)),
        (np.array([[1], [2], [3]], dtype=np.uint8), (1.0, 2.0, 3.0)),
        (np.zeros((4, 5)), r"averageImage: shape \(4, 5\) found, \(height, width, 3\)"),
        (np.full((1, 3), 300.0), "values that are not within 0 to 255"),
        ("none", "averageImage is not an array of numbers"),
    ],
)
def test_the_mean_image(tmp_path, caffe, image, expected):
    path = tmp_path / "a.mat"
    savemat(path, {"layers": cell(alexnet_layers(*caffe)), "meta": normalization(image)})
    if isinstance(expected, tuple):
        assert load(RetrievalNetwork(ALEXNET), "alexnet-caffe", path).mean == expected
    else:
        with pytest.raises(WeightsError, match=expected):
            load(RetrievalNetwork(ALEXNET), "alexnet-caffe", path)


def test_another_network_is_refused_by_layer(tmp_path, caffe, pitts):
    path, meta = tmp_path / "n.mat", normalization(average_image())
    savemat(path, {"layers": cell(vgg16_layers(pitts[0])), "meta": meta})
    with pytest.raises(WeightsError, match=r"layer conv1, conv1_1.*\(3, 3, 3, 3\) found, \(10, 3"):
        load(RetrievalNetwork(ALEXNET), "alexnet-caffe", path)
    savemat(path, {"layers": cell(alexnet_layers(*caffe)[:4]), "meta": meta})
    with pytest.raises(WeightsError, match="weights: conv1; expected 5 convolutions or more"):
        load(RetrievalNetwork(ALEXNET), "alexnet-caffe", path)


def test_objects_of_matlab_classes_are_told(tmp_path, caffe):
    """As in NetVLAD's own AlexNet file, whose NetVLAD layer is one."""
    path = tmp_path / "caffe_pitts30k.mat"
    write_with_object(path, [layer("conv1", "conv", *caffe[0][0])])
    with pytest.raises(WeightsError, match=r"caffe_pitts30k\.mat: layer 1 is a MATLAB object"):
        load(RetrievalNetwork(ALEXNET), "alexnet-caffe", path)


def from_transforms(weights):
    """The mean and deviation that torchvision itself applies to pixels in 0-1, for 0-255."""
    transforms = weights.transforms()
    return [255 * value for value in (*transforms.mean, *transforms.std)]


@pytest.mark.parametrize(
    ("source", "published", "rounding"),
    [
        # torchvision rounds the mean that the network was trained with.
        ("vgg16-caffe", models.VGG16_Weights.IMAGENET1K_FEATURES, 0.7),
        ("vgg16-torchvision", models.VGG16_Weights.IMAGENET1K_V1, 1e-3),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_torchvisions_vgg16(tmp_path, pitts, source, published, rounding, legacy):
    path = tmp_path / "vgg16.pth"
    state = state_of(VGG16_NUMBERS, pitts[0])
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    network = RetrievalNetwork(VGG16)
    preprocessing = load(network, source, path)
    figures = [*preprocessing.mean, *preprocessing.std]
    assert figures == pytest.approx(from_transforms(published), abs=rounding)
    images = torch.randn(1, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        torch.testing.assert_close(network.backbone(images), run_vgg16(images, pitts[0]))


def test_torchvisions_alexnet(tmp_path):
    generator = np.random.default_rng(4)
    shapes = [(11, 3, 6), (5, 6, 19), (3, 19, 38), (3, 38, 26), (3, 26, 26)]
    pairs = [kernels(generator, *shape) for shape in shapes]
    torch.save(state_of(ALEXNET_NUMBERS, pairs), tmp_path / "alexnet.pth")
    network = RetrievalNetwork(architecture("alexnet-torchvision", 0.1, 4, 8))
    preprocessing = load(network, "alexnet-torchvision", tmp_path / "alexnet.pth")
    published = from_transforms(models.AlexNet_Weights.IMAGENET1K_V1)
    assert [*preprocessing.mean, *preprocessing.std] == pytest.approx(published, abs=1e-3)
    x = images = torch.randn(1, 3, 70, 90, generator=torch.Generator().manual_seed(5))
    for number, (weight, bias) in enumerate(pairs):
        x = F.relu(x) if number else x
        x = F.max_pool2d(x, 3, 2) if number in (1, 2) else x
        stride, pad = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))[number]
        bias = torch.from_numpy(bias).flatten()
        x = F.conv2d(x, kernels_of_torch(weight), bias, stride, pad)
    with torch.inference_mode():
        torch.testing.assert_close(network.backbone(images), x)


def rename(state):
    state["features.norm.weight"] = state.pop("features.0.weight")


def narrow(state):
    state["features.0.weight"] = state["features.0.weight"][:2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename, r"lacks features\.0\.weight for layer conv1_1"),
        (narrow, r"layer conv1_1, features\.0\.weight: shape \(2, 3, 3, 3\) found, \(3, 3, 3, 3\)"),
        (lambda s: [s.pop(f"features.28.{x}") for x in ("weight", "bias")], r"lacks features\.28"),
        (
            lambda s: s.update({"features.30.weight": torch.zeros(1)}),
            r"is not vgg16: it has features\.30\.weight",
        ),
        (
            lambda s: s["features.2.bias"].fill_(torch.inf),
            r"\.2\.bias: a weight is not finite",
        ),
        (lambda s: s.update(note="text"), "must map names to tensors"),
        (lambda s: s.update({"features": torch.zeros(1)}), None),
    ],
)
def test_state_dicts_that_do_not_fit(tmp_path, pitts, change, message):
    state, path = state_of(VGG16_NUMBERS, pitts[0]), tmp_path / "v.pth"
    state = {name: tensor.clone() for name, tensor in state.items()}
    change(state)
    torch.save(state, path)
    if message is None:
        load(RetrievalNetwork(VGG16), "vgg16-caffe", path)
    else:
        with pytest.raises(WeightsError, match=message):
            load(RetrievalNetwork(VGG16), "vgg16-caffe", path)


def damaged(kind, pitts, folder):
    """A file of which nothing can be read, of its kind."""
    path = folder / kind
    if kind == "missing":
        return path
    if kind.startswith("cut"):
        whole = folder / "whole"
        if kind.endswith("mat"):
            write_pitts(whole, pitts, do_compression="packed" in kind)
        else:
            torch.save(state_of(VGG16_NUMBERS, pitts[0]), whole)
        content = whole.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
    elif kind == "state.pth":
        torch.save(state_of(VGG16_NUMBERS, pitts[0]), path)
    elif kind == "other.mat":
        savemat(path, {"net": {"vars": np.zeros(3)}})
    elif kind == "v73.mat":
        path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF" * 200)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes({"empty": b"", "page.html": b"<html>Not found</html>" * 30}[kind])
    return path


KINDS = ("missing", "empty", "page.html", "folder", "cut.mat", "cut-packed.mat", "cut.pth")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        *(("netvlad-pitts30k", kind) for kind in (*KINDS, "state.pth", "other.mat", "v73.mat")),
        *(("vgg16-caffe", kind) for kind in (*KINDS, "other.mat")),
    ],
)
def test_files_of_the_wrong_kind_are_named_with_the_remedy(tmp_path, pitts, source, kind):
    path = damaged(kind, pitts, tmp_path)
    with pytest.raises(WeightsError) as caught:
        load(RetrievalNetwork(VGG16), source, path)
    message = str(caught.value)
    assert str(path) in message
    assert f"`weights.source: {source}` reads {SOURCES[source].file}" in message
    assert "correct `weights.file`" in message
    assert "\n" not in message


def test_the_config_lists_the_sources():
    assert declared_field(WeightsSection, "source").value.choices == tuple(SOURCES)


def test_sources_name_types_that_there_are():
    for name, source in SOURCES.items():
        for part, fits in source.parts.items():
            types = fits["type"] if isinstance(fits["type"], tuple) else [fits["type"]]
            assert set(types) <= set(part_types(part)), name


ALL_OF_IT = {
    "backbone": {"type": "vgg16", "width": 1.0},
    "pooling": {"type": "netvlad", "clusters": 64},
    "projection": {"type": "pca-whitening", "length": 4096},
}


@pytest.mark.parametrize(
    ("source", "changes", "expected"),
    [
        ("netvlad-pitts30k", {}, []),
        ("netvlad-pitts30k", {"projection": {"type": "pca-whitening", "length": 7}}, []),
        (
            "netvlad-pitts30k",
            {"backbone": {"type": "vgg16", "width": 0.5}},
            [("backbone.width", "0.5 does not fit netvlad-pitts30k weights; write 1.0")],
        ),
        (
            "netvlad-pitts30k",
            {
                "pooling": {"type": "netvlad", "clusters": 8},
                "projection": {"type": "linear", "length": 5000},
            },
            [
                ("pooling.clusters", "8 does not fit netvlad-pitts30k weights; write 64"),
                (
                    "projection.type",
                    "'linear' does not fit netvlad-pitts30k weights; write 'pca-whitening'",
                ),
                (
                    "projection.length",
                    "5000 is more than netvlad-pitts30k weights make; write 4096 or less",
                ),
            ],
        ),
        # These fill the backbone alone.
        ("vgg16-caffe", {"pooling": {"type": "gem"}, "projection": {"type": "none"}}, []),
        (
            "alexnet-caffe",
            {},
            [("backbone.type", "'vgg16' does not fit alexnet-caffe weights; write 'alexnet'")],
        ),
        ("random", {"backbone": {"type": "vgg16", "width": 0.5}}, []),
        ("buildings", {"backbone": {"type": "vgg16", "width": 0.5}}, []),
    ],
)
def test_what_does_not_fit_a_source_is_told_with_the_remedy(source, changes, expected):
    found = PUBLISHED[source].faults(source, Architecture.of(ALL_OF_IT | changes))
    assert list(found) == expected


def test_the_table_of_sources_is_free_of_torch():
    """Every start of Snakemake reads it."""
    import subprocess
    import sys

    code = "import sys, pocketvlad.study.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_random_weights_need_no_file_and_others_do():
    network = RetrievalNetwork(VGG16)
    assert load(network, "random", None) == CENTRED
    drawn = network.backbone.conv1_1.weight.detach().clone()
    assert load_initial_weights(network, "random", None, seed=1) == CENTRED
    assert not torch.equal(network.backbone.conv1_1.weight, drawn)
    with pytest.raises(WeightsError, match=r"'vgg16-caffe' need a file; add `weights\.file`"):
        load(network, "vgg16-caffe", None)


SETTINGS = InitialisationSettings(cluster_images=8, locals_per_image=10, projection_samples=20)


def start(weights, path, pictures, declared=VGG16):
    compute = {"device": "cpu", "precision": "float32"}
    sizing = Sizing(48, "bilinear")
    return initial_model(declared, weights, path, pictures, sizing, compute, SETTINGS, 7)


def test_whole_weights_are_kept_and_nothing_is_learnt(tmp_path, pitts):
    """No picture is even needed."""
    path = write_pitts(tmp_path / "p.mat", pitts)
    weights = {"source": "netvlad-pitts30k", "file": "p.mat"}
    model = start(weights, path, pictures=[])
    expected = torch.from_numpy(-pitts[2].T)
    torch.testing.assert_close(model.network.pooling.centres.detach(), expected)
    assert model.preprocessing.mean == MEAN
    assert model.origin["weights"] == weights
    assert model.origin["initialise"] == {
        "pooling": "netvlad-pitts30k",
        "projection": "netvlad-pitts30k",
    }


class KeptAtTheEnd(type(VGG16.backbone)):
    """Has a layer that is no convolution."""

    def build(self):
        return nn.Sequential(super().build(), kept(nn.Linear(26, 26)))


def test_every_random_weight_is_of_the_seed_and_nothing_else_is_drawn():
    parts = {"pooling": {"type": "abs-mean"}, "projection": {"type": "none"}}
    declared = Architecture.of(VGG16.as_dict() | parts)
    declared = replace(declared, backbone=KeptAtTheEnd(width=0.05))
    state = torch.get_rng_state()
    first = start({"source": "random"}, None, [], declared).network
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    second = start({"source": "random"}, None, [], declared).network
    assert_same(weights_of(first), weights_of(second))
    convolutions = VGG16.backbone.build()
    initialise_randomly(convolutions, 7)
    assert_same(weights_of(first.backbone[0]), weights_of(convolutions))


def test_bare_convolutions_get_clustering_and_pca_and_say_so(tmp_path, pitts, photograph):
    torch.save(state_of(VGG16_NUMBERS, pitts[0]), tmp_path / "v.pth")
    pictures = [
        Picture(photograph(f"{seed}.jpg", 60, 50, seed=seed), (60, 50)) for seed in range(8)
    ]
    weights = {"source": "vgg16-caffe", "file": "v.pth"}
    model = start(weights, tmp_path / "v.pth", pictures)
    learnt = model.origin["initialise"]
    assert (learnt["pooling"], learnt["projection"]) == ("clustering", "PCA")
    assert learnt["cluster_images"] == 8
    # One softness for all centres; rows of a PCA are orthogonal.
    lengths = model.network.pooling.assignment.norm(dim=1)
    torch.testing.assert_close(lengths, lengths[:1].expand(CLUSTERS))
    rows = F.normalize(model.network.projection.weight, dim=1)
    torch.testing.assert_close(rows @ rows.t(), torch.eye(VGG16.length), atol=1e-4, rtol=0)
