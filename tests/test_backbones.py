"""Published backbones against independent implementations: torchvision, and the package
efficientnet-lite-pytorch with TensorFlow's own weights."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from declared_weights import declared_weights
from efficientnet_lite_pytorch import EfficientNet
from graphs import with_statistics
from networks import PUBLISHED
from torch import nn
from torchvision import models

from pocketvlad.data.images import Preprocessing
from pocketvlad.format.roles import Part, Role
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.layer_table import network_costs
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.forms import BACKBONES
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.networks.weights.place_recognition_file import trunk_form
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.networks.weights.state_dict_file import load_convolutions

SIDES = [(64, 64), (65, 47), (33, 98), (2, 1)]
"""Of images; some are odd at the first stage, some at later ones."""
RESNETS = {
    "resnet18": models.resnet18,
    "resnet34": models.resnet34,
    "resnet50": models.resnet50,
    "resnet101": models.resnet101,
}
LITES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


def declared(name, **settings):
    return declared_part(Part.BACKBONE, {"type": name, **settings})


def theirs(name):
    """The independent network, its weights seeded noise, as after a training."""
    if name in LITES:
        # Without a size of images, paddings depend on the image that is given.
        return with_statistics(EfficientNet.from_name(name, image_size=None))
    with torch.device("meta"):
        network = RESNETS[name]()
    return with_statistics(network.to_empty(device="cpu"))


def stages_of(network, images):
    """What an independent network makes of images after each of its stages."""
    found = []
    if isinstance(network, models.ResNet):
        maps = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            found.append(maps := layer(maps))
        return found
    maps = F.relu6(network._bn0(network._conv_stem(images)))
    blocks = network._blocks
    for number, block in enumerate(blocks):
        maps = block(maps)
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        # A stage ends where channels change.
        if following is None or following._block_args.output_filters != maps.shape[1]:
            found.append(maps)
    return found


def loaded(name, state, **settings):
    own = declared(name, **settings)
    with torch.device("meta"):
        backbone = own.build()
    backbone = backbone.to_empty(device="cpu").eval()
    source = name if name in BACKBONES else f"{name}-torchvision"
    load_convolutions(BACKBONES[source], own, backbone, state, "file.pth")
    return backbone


def image(height, width, seed=0):
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def assert_alike(found, expected):
    """To 1e-4 of the deviation of what is expected."""
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-4 * float(expected.square().mean().sqrt())


@torch.inference_mode()
@pytest.mark.parametrize("name", [*RESNETS, *LITES])
def test_it_is_what_others_compute(name):
    network = theirs(name)
    backbone = loaded(name, network.state_dict())
    for sides in SIDES:
        expected = stages_of(network, image(*sides))[-1]
        assert expected.abs().max() > 0
        assert_alike(backbone(image(*sides)), expected)


@torch.inference_mode()
@pytest.mark.parametrize("name", ["resnet18", "efficientnet-lite0"])
def test_it_may_be_cut_after_any_stage(name):
    """A file of the whole network fills what is kept."""
    network = theirs(name)
    for number, expected in enumerate(stages_of(network, image(65, 47)), start=1):
        own = declared(name, stages=number)
        assert_alike(loaded(name, network.state_dict(), stages=number)(image(65, 47)), expected)
        assert own.channels == expected.shape[1]
    assert number == len(own.stage_channels)


@pytest.fixture(scope="module")
def lite0_file(tmp_path_factory):
    """The file in the package."""
    folder = tmp_path_factory.mktemp("lite0")
    return declared_weights("efficientnet-lite0-57934424.pth", folder)


@pytest.fixture(scope="module")
def with_their_file(lite0_file):
    """The package that the file is for, with it."""
    network = EfficientNet.from_name("efficientnet-lite0", image_size=None).eval()
    network.load_state_dict(torch.load(lite0_file, weights_only=True))
    return network


@torch.inference_mode()
def test_tensorflows_weights_and_their_preprocessing(lite0_file, with_their_file):
    network = RetrievalNetwork(of_lite0()).eval()
    preprocessing = load_initial_weights(network, "efficientnet-lite0", lite0_file, seed=0)
    assert preprocessing == Preprocessing((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
    for sides in [(64, 64), (97, 131)]:
        expected = stages_of(with_their_file, image(*sides))[-1]
        assert_alike(network.backbone(image(*sides)), expected)


@torch.inference_mode()
def test_the_whole_classifier_of_tensorflow(lite0_file, with_their_file):
    """Its outputs before they are scaled to unit length, which does not change the order of the
    answers."""
    network = RetrievalNetwork(Architecture.of(CLASSIFIER)).eval()
    preprocessing = load_initial_weights(network, CLASSIFIER_SOURCE, lite0_file, seed=0)
    assert preprocessing == Preprocessing((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
    for sides in [(64, 64), (97, 131)]:
        expected = with_their_file(image(*sides))
        assert expected.shape == (1, 1000)
        assert_alike(network.projection(network.pooled(image(*sides))), expected)
        found = network(image(*sides)).topk(5)
        assert torch.equal(found.indices, expected.topk(5).indices)
        assert_alike(found.values, F.normalize(expected, dim=1).topk(5).values)


CLASSIFIER_SOURCE = "efficientnet-lite0-classifier"
CLASSIFIER = {
    "backbone": {"type": "efficientnet-lite0", "head": True},
    "pooling": {"type": "mean", "unit_length": False},
    "projection": {"type": "linear", "length": 1000},
}


@torch.inference_mode()
@pytest.mark.parametrize("name", LITES)
def test_the_head_is_theirs(name):
    network = theirs(name)
    found = loaded(name, network.state_dict(), head=True)(image(65, 47))
    assert_alike(found, network.extract_features(image(65, 47)))
    assert found.shape[1] == declared(name, head=True).channels == 1280


def of_lite0(**settings):
    return Architecture(
        declared("efficientnet-lite0", **settings),
        declared_part(Part.POOLING, {"type": "abs-mean"}),
        declared_part(Part.PROJECTION, {"type": "none"}),
    )


def counted(network, images, run):
    """(weights, multiply-adds) of each convolution that `run` calls, in order."""
    found, handles = [], []

    def count(module, _, made):
        taps = module.weight.numel() // module.out_channels
        found.append((module.weight.numel(), taps * made.numel()))

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(count))
    run(network, images)
    for handle in handles:
        handle.remove()
    return found


@torch.inference_mode()
@pytest.mark.parametrize("name", ["resnet50", "efficientnet-lite0"])
def test_the_layer_table_says_what_each_stage_costs(name):
    network = theirs(name)
    whole = counted(network, image(65, 47), stages_of)
    for number in (1, 3, None):
        rows = network_costs(replace(of_lite0(), backbone=declared(name, stages=number)), 65, 47)
        found = [(row.weights, row.multiply_adds) for row in rows]
        # A block's shortcut comes before or after its other layers.
        assert sorted(found) == sorted(whole[: len(found)])
    assert len(found) == len(whole)


def test_lite0_has_the_published_figures():
    """2.92 M weights and 0.36 G multiply-adds at 224 x 224 pixels; 4.65 M parameters with its head
    and its classifier."""
    rows = network_costs(of_lite0(), 224, 224)
    weights, biases = (sum(getattr(row, key) for row in rows) for key in ("weights", "parameters"))
    biases -= weights
    assert sum(row.multiply_adds for row in rows) == pytest.approx(0.36e9, rel=0.02)
    # Normalisations have two parameters a channel, of which folding leaves one.
    classifier = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert weights + 2 * biases + classifier == 4_652_008


def test_what_is_folded_is_no_weight_and_depthwise_kernels_are_weights():
    for name in ("efficientnet-lite0", "resnet18"):
        with torch.device("meta"):
            network = RetrievalNetwork(replace(of_lite0(), backbone=declared(name)))
        labels = {name: label.role for name, _, label in labelled_tensors(network)}
        assert not list(network.buffers())
        assert set(labels.values()) == {Role.CONVOLUTION, Role.BIAS}
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
        assert len(labels) == 2 * len(layers)
    with torch.device("meta"):
        lite0 = declared("efficientnet-lite0").build()
    assert sum(m.groups > 1 for m in lite0.modules() if isinstance(m, nn.Conv2d)) == 16


@torch.inference_mode()
@pytest.mark.parametrize("name", PUBLISHED)
def test_chains_are_cut_before_the_relu_of_a_stage(name):
    """What is kept computes what the same layers of the whole network do, and no later ones."""
    whole = declared(name, width=0.06).build().eval()
    for number in range(1, 6):
        own = declared(name, width=0.06, stages=number)
        cut = own.build().eval()
        cut.load_state_dict({key: whole.state_dict()[key] for key in cut.state_dict()})
        layers = list(whole.children())[: len(cut)]
        assert isinstance(layers[-1], nn.Conv2d)
        assert layers[-1].out_channels == own.channels
        made = nn.Sequential(*layers)(image(48, 52))
        torch.testing.assert_close(cut(image(48, 52)), made)
        following = list(whole.children())[len(cut) :]
        later = {"vgg16": nn.MaxPool2d}.get(name, nn.Conv2d)
        assert sum(isinstance(each, later) for each in following) == 5 - number
        assert min(cut(image(own.min_side, own.min_side)).shape[2:]) == 1
        if own.min_side > 1:
            with pytest.raises(RuntimeError, match=r"too small|greater than actual input"):
                cut(image(own.min_side - 1, 90))


@pytest.mark.parametrize(
    ("name", "stages", "most"),
    [("efficientnet-lite0", 8, 7), ("resnet50", 5, 4), ("vgg16", 6, 5), ("alexnet", 0, None)],
)
def test_there_are_not_more_stages(name, stages, most):
    bound = f"from 1 to {most}" if most else "1 or more"
    with pytest.raises(ValueError, match=rf"{name}: stages {stages} .*whole number.*{bound}"):
        declared(name, stages=stages)


def test_a_head_follows_the_last_stage():
    with pytest.raises(ValueError, match=r"lite1: head true does not fit stages 3: .*leave one"):
        declared("efficientnet-lite1", head=True, stages=3)
    with pytest.raises(ValueError, match=r"lite1: head 'yes' does not fit; write true or false"):
        declared("efficientnet-lite1", head="yes")
    assert declared("efficientnet-lite1", head=True, stages=7).channels == 1280
    assert declared("efficientnet-lite1", head=True, width=0.5).channels == 640
    assert declared("efficientnet-lite1", head=False, stages=3).channels == 40


def test_all_stages_are_not_written_down():
    """So that files and tables of whole networks stay as they were before there was a choice."""
    assert declared("vgg16").as_dict() == {"type": "vgg16", "width": 1.0}
    cut = declared("resnet50", stages=3)
    assert cut.as_dict() == {"type": "resnet50", "width": 1.0, "stages": 3}
    assert str(cut) == "resnet50 (width 1.0, stages 3)"
    assert cut.whole == declared("resnet50")
    assert declared("efficientnet-lite0").as_dict() == {"type": "efficientnet-lite0", "width": 1.0}
    with_head = declared("efficientnet-lite0", head=True)
    assert with_head.as_dict() == {"type": "efficientnet-lite0", "width": 1.0, "head": True}
    assert with_head.whole == with_head


# --- Files


def narrow_state(name, width=0.05, **settings):
    """The tensors of a narrow network, named as its publisher names them, and what it computes:
    (state, backbone with normalisations folded by hand)."""
    own = declared(name, width=width, **settings)
    backbone = with_statistics(own.build())
    source = name if name in BACKBONES else f"{name}-torchvision"
    form, generator = BACKBONES[source], torch.Generator().manual_seed(1)
    state = {}
    for each in form.names(backbone):
        layer = backbone.get_submodule(each.layer)
        state[f"{each.convolution}.weight"] = layer.weight.detach().clone()
        if each.norm is None:
            state[f"{each.convolution}.bias"] = layer.bias.detach().clone()
            continue
        for kind in ("weight", "bias", "running_mean", "running_var"):
            values = torch.rand(layer.out_channels, generator=generator) + 0.5
            state[f"{each.norm}.{kind}"] = values
        state[f"{each.norm}.num_batches_tracked"] = torch.tensor(3)
    return state


def narrow(name, width=0.05):
    return RetrievalNetwork(replace(of_lite0(), backbone=declared(name, width=width)))


def read(network, source, state, path):
    torch.save(state, path)
    return load_initial_weights(network.eval(), source, path, seed=0)


@pytest.fixture
def any_size(monkeypatch):
    from weights_files import take_any_size

    take_any_size(monkeypatch)


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(
    ("source", "held", "tensor", "seems"),
    [
        # All that resnet18 needs is there, and more.
        ("resnet18-torchvision", "resnet34", r"it has layer1\.2\.conv1\.weight", "`resnet34-torch"),
        ("resnet18-torchvision", "resnet50", r"layer1\.0\.body\.conv1, layer1\.0\.conv1\.weight: "
         r"shape \(3, 3, 1, 1\) found, \(3, 3, 3, 3\) expected", "`resnet50-torchvision`"),
        ("resnet18-torchvision", "vgg16", r"lacks conv1\.weight", "`vgg16-caffe` .* or `vgg16-t"),
        ("efficientnet-lite0", "efficientnet-lite1", r"shape \(", "`efficientnet-lite1`"),
        ("efficientnet-lite0", "resnet18", r"lacks _conv_stem\.weight for layer stem", "`resnet18"),
        ("vgg16-caffe", "efficientnet-lite0", r"lacks features\.0\.weight", "`efficientnet-lite0`"),
        ("cosplace", "resnet18", r"lacks backbone\.0\.weight for layer conv1", "`resnet18-torchv"),
    ],
)  # fmt: skip
def test_a_file_of_the_wrong_kind_says_what_it_seems_to_be(tmp_path, source, held, tensor, seems):
    [name] = SOURCES[source].types if source != "cosplace" else ["resnet18"]
    network = narrow(name)
    if source == "cosplace":
        network = RetrievalNetwork(cosplace_architecture("resnet18", 6, width=0.05))
    with pytest.raises(WeightsError, match=rf"f\.pth.*{tensor}.*it seems to be .*{seems}"):
        read(network, source, narrow_state(held), tmp_path / "f.pth")


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("bn1.running_var"), r"lacks bn1\.running_var for layer conv1"),
        (lambda s: s["bn1.running_var"].fill_(-1), r"conv1\.weight, bn1 folded: .*not finite"),
        (lambda s: s["bn1.bias"].fill_(torch.nan), r"layer conv1, bn1\.bias: .*not finite"),
        (
            lambda s: s.update({"bn1.weight": torch.ones(1)}),
            r"layer conv1, bn1\.weight: shape \(1,\) found, \(3,\) expected",
        ),
        (
            lambda s: s.update({n.replace("layer", "stage"): s.pop(n) for n in list(s)}),
            r"lacks layer1\.0\.conv1\.weight.*for no source that we know: its first tensor is c",
        ),
        # As torch's DataParallel names them.
        (
            lambda s: s.update({f"module.{n}": s.pop(n) for n in list(s)}),
            r"lacks conv1\.weight.*without `module\.` before each name it seems to be a file for "
            r"`resnet18-torchvision` \(resnet18\)",
        ),
        # As training programs keep a checkpoint.
        (
            lambda s: s.update({"epoch": 3, "model": {n: s.pop(n) for n in list(s)}}),
            r"it has one under 'model'; save that alone: torch\.save\(torch\.load\(OLD, "
            r"weights_only=True\)\['model'\], NEW\)",
        ),
    ],
)
def test_a_file_that_is_not_as_published(tmp_path, change, message):
    state = narrow_state("resnet18")
    change(state)
    with pytest.raises(WeightsError, match=message):
        read(narrow("resnet18"), "resnet18-torchvision", state, tmp_path / "f.pth")


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(
    ("lacking", "layer"),
    [("_fc.weight", "projection"), ("_fc.bias", "projection"), ("_conv_head.weight", "head")],
)
def test_a_classifier_without_its_last_layers(tmp_path, lacking, layer):
    """The file still fills the backbone without its head, and the message says so."""
    own = {**CLASSIFIER["backbone"], "width": 0.05}
    section = {**CLASSIFIER, "backbone": own, "projection": {"type": "linear", "length": 7}}
    network = RetrievalNetwork(Architecture.of(section))
    state = narrow_state("efficientnet-lite0", head=True)
    state["_fc.weight"], state["_fc.bias"] = torch.randn(7, 64), torch.randn(7)
    read(network, CLASSIFIER_SOURCE, state, tmp_path / "f.pth")
    assert torch.equal(network.projection.linear.bias, state["_fc.bias"])
    del state[lacking]
    message = rf"lacks {lacking} for layer {layer}; it seems to be .* `efficientnet-lite0` "
    with pytest.raises(WeightsError, match=message):
        read(network, CLASSIFIER_SOURCE, state, tmp_path / "f.pth")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        (
            {"backbone": {"type": "efficientnet-lite0"}, "pooling": {"type": "mean"}},
            [
                ("backbone.head", "its absence does not fit S weights; write true"),
                ("pooling.unit_length", "its absence does not fit S weights; write false"),
            ],
        ),
        (
            {
                "pooling": {"type": "mean", "unit_length": True},
                "projection": {"type": "linear", "length": 10},
            },
            [
                ("pooling.unit_length", "true does not fit S weights; write false"),
                ("projection.length", "10 does not fit S weights; write 1000"),
            ],
        ),
    ],
)
def test_what_does_not_fit_a_classifier_is_told(changes, expected):
    found = SOURCES[CLASSIFIER_SOURCE].faults("S", Architecture.of(CLASSIFIER | changes))
    assert list(found) == expected


def test_files_of_single_precision_and_of_older_programs(tmp_path):
    """Half precision, no counts of batches, and a classifier, which is not used."""
    state = {k: v.half() for k, v in narrow_state("resnet18").items() if "tracked" not in k}
    state["fc.weight"] = torch.full((2, 2), torch.nan)
    network = loaded("resnet18", {k: v.float() for k, v in state.items()}, width=0.05)
    found = loaded("resnet18", state, width=0.05)
    for name, tensor in found.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])


# --- CosPlace and EigenPlaces


def cosplace_architecture(trunk, length, **settings):
    return Architecture(
        declared(trunk, **settings),
        declared_part(Part.POOLING, {"type": "gem-cosplace"}),
        declared_part(Part.PROJECTION, {"type": "linear", "length": length}),
    )


class Unit(nn.Module):
    def forward(self, values):
        return values / values.norm(dim=1, keepdim=True)


class Generalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = nn.Parameter(torch.empty(1))

    def forward(self, maps):
        powers = maps.clamp(min=1e-6) ** self.p
        return F.avg_pool2d(powers, maps.shape[2:]) ** (1 / self.p)


class PlaceNetwork(nn.Module):
    """As in the authors' programs: a trunk as a plain sequence, and five more layers."""

    def __init__(self, layers, channels, length):
        super().__init__()
        self.backbone = nn.Sequential(*layers)
        linear = nn.Linear(channels, length)
        self.aggregation = nn.Sequential(Unit(), Generalised(), nn.Flatten(), linear, Unit())

    def forward(self, images):
        return self.aggregation(self.backbone(images))


def place_network(trunk):
    with torch.device("meta"):
        if trunk == "vgg16":
            layers, channels = models.vgg16().features, 512
        else:
            network = RESNETS[trunk]()
            layers, channels = network, network.fc.in_features
        made = PlaceNetwork(list(layers.children())[:-2], channels, LENGTH)
    made = made.to_empty(device="cpu")
    nn.init.constant_(made.aggregation[1].p, 2.7)
    torch.manual_seed(0)
    made.aggregation[3].reset_parameters()
    return with_statistics(made)


LENGTH = 24


@pytest.fixture(scope="module")
def place18():
    return place_network("resnet18")


@torch.inference_mode()
@pytest.mark.parametrize(
    ("source", "trunk"),
    [("cosplace", "vgg16"), ("cosplace", "resnet18"), ("eigenplaces", "resnet18")],
)
def test_checkpoints_of_place_recognition(tmp_path, place18, source, trunk):
    """Made up, of the published structure; every descriptor is theirs."""
    network = place18 if trunk == "resnet18" else place_network(trunk)
    ours = RetrievalNetwork(cosplace_architecture(trunk, LENGTH))
    preprocessing = read(ours, source, network.state_dict(), tmp_path / "p.pth")
    expected = models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    figures = [255 * each for each in (*expected.mean, *expected.std)]
    assert [*preprocessing.mean, *preprocessing.std] == pytest.approx(figures, abs=1e-3)
    assert float(ours.pooling.exponent) == pytest.approx(2.7)
    for sides in [(64, 64), (65, 47)]:
        given, wanted = ours(image(*sides)), network(image(*sides))
        torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)


def test_a_checkpoint_of_another_length_or_without_its_last_layers(tmp_path, place18):
    state = place18.state_dict()
    network = RetrievalNetwork(cosplace_architecture("resnet18", 12))
    message = r"aggregation\.3\.bias: descriptors of 24 numbers; write `projection\.length: 24`"
    with pytest.raises(WeightsError, match=message):
        read(network, "cosplace", state, tmp_path / "p.pth")
    for odd in (torch.tensor(1.0), torch.zeros(24, 12)):
        message = r"layer projection, aggregation\.3\.bias: shape \((24, 12)?\) found, \(24,\)"
        network = RetrievalNetwork(cosplace_architecture("resnet18", 24))
        with pytest.raises(WeightsError, match=message):
            read(network, "cosplace", state | {"aggregation.3.bias": odd}, tmp_path / "p.pth")
    del state["aggregation.1.p"]
    with pytest.raises(WeightsError, match=r"lacks aggregation\.1\.p for layer pooling"):
        read(network, "cosplace", state, tmp_path / "p.pth")


@pytest.mark.parametrize("trunk", ["resnet50", "resnet101"])
def test_trunks_are_named_by_numbers(trunk):
    """Those of torchvision's layers in a plain sequence: all of one, and no others."""
    with torch.device("meta"):
        layers = list(RESNETS[trunk]().children())[:-2]
        state = PlaceNetwork(layers, 2048, LENGTH).state_dict()
    for name in ("resnet18", "resnet50", "resnet101"):
        own = declared(name)
        assert (not list(trunk_form(own).misfits(own, state))) == (name == trunk)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        (
            {"backbone": {"type": "resnet18", "stages": 3}},
            [("backbone.stages", "3 does not fit cosplace weights; leave it out")],
        ),
        (
            {"backbone": {"type": "alexnet"}, "pooling": {"type": "gem"}},
            [
                (
                    "backbone.type",
                    "'alexnet' does not fit cosplace weights; write one of resnet18, resnet50, "
                    "resnet101, vgg16",
                ),
                ("pooling.type", "'gem' does not fit cosplace weights; write 'gem-cosplace'"),
            ],
        ),
    ],
)
def test_what_does_not_fit_place_recognition_is_told(changes, expected):
    section = cosplace_architecture("resnet18", 12).as_dict() | changes
    assert list(SOURCES["cosplace"].faults("cosplace", Architecture.of(section))) == expected
