"""Poolings and projections: against numpy, declared as a config does, written and read."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.rd.length import shortened
from pocketvlad.data.images import Preprocessing
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.roles import Part, Role
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import declared_part, part_class, part_types
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.model import Model, read_model, to_contents, write_model
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.networks.poolings.gem import SIGNS

# Each type once, small. A new type is to be added here.
SMALL = {
    Part.BACKBONE: {
        "alexnet": {"width": 0.06},
        "alexnet-torchvision": {"width": 0.06},
        "efficientnet-lite0": {"width": 0.06},
        "efficientnet-lite1": {"width": 0.06},
        "efficientnet-lite2": {"width": 0.06},
        "resnet101": {"width": 0.02},
        "resnet18": {"width": 0.06},
        "resnet34": {"width": 0.06},
        "resnet50": {"width": 0.02},
        "vgg16": {"width": 0.06},
    },
    Part.POOLING: {
        "abs-mean": {},
        "gem": {"exponent": 2.5},
        "gem-cosplace": {"exponent": 2.5},
        "mean": {},
        "netvlad": {"clusters": 3},
    },
    Part.PROJECTION: {"linear": {"length": 5}, "none": {}, "pca-whitening": {"length": 4}},
}
# The same types, set otherwise: what changes the length, the tensors or what is learnt.
OTHERWISE = [
    (Part.POOLING, {"type": "gem", "exponent": 2.0, "signs": "absolute"}),
    (Part.POOLING, {"type": "gem", "exponent": 3.0, "signs": "apart"}),
    (Part.PROJECTION, {"type": "pca-whitening", "length": 4, "power": 0.5}),
    (Part.PROJECTION, {"type": "pca-whitening", "length": 4, "power": 0.0}),
]
USUAL = {Part.BACKBONE: "vgg16", Part.POOLING: "netvlad", Part.PROJECTION: "pca-whitening"}
PREPROCESSING = Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def section(**parts):
    """A model's section of the config, with the usual types for all parts but these, each a type
    or a section."""
    chosen = {part: parts.get(part, usual) for part, usual in USUAL.items()}
    return {
        str(part): {"type": each, **SMALL[part][each]} if isinstance(each, str) else each
        for part, each in chosen.items()
    }


def built(**parts):
    torch.manual_seed(0)
    network = RetrievalNetwork(Architecture.of(section(**parts))).eval()
    initialise_randomly(network.backbone, 0)
    return network


def features(seed=0, channels=6):
    """Of three images, positive and negative."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(3, channels, 4, 5)).astype(np.float32)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def pooled_by(declared, values):
    module = declared_part(Part.POOLING, declared).build(values.shape[1])
    with torch.no_grad():
        return module(torch.from_numpy(values)).numpy()


def test_the_mean():
    expected = unit(features().astype(np.float64).mean(axis=(2, 3)))
    np.testing.assert_allclose(pooled_by({"type": "mean"}, features()), expected, atol=1e-6)


def test_the_mean_as_it_is():
    expected = features().astype(np.float64).mean(axis=(2, 3))
    found = pooled_by({"type": "mean", "unit_length": False}, features())
    np.testing.assert_allclose(found, expected, atol=1e-6)
    spoken = pooled_by({"type": "mean", "unit_length": True}, features())
    np.testing.assert_allclose(spoken, unit(expected), atol=1e-6)


def test_what_is_usual_is_not_written_down():
    """So that files and tables of means of unit length stay as they were."""
    mean = declared_part(Part.POOLING, {"type": "mean"})
    assert mean.as_dict() == {"type": "mean"}
    as_it_is = declared_part(Part.POOLING, {"type": "mean", "unit_length": False})
    assert as_it_is.as_dict() == {"type": "mean", "unit_length": False}


def test_the_mean_of_magnitudes():
    expected = unit(np.abs(features().astype(np.float64)).mean(axis=(2, 3)))
    np.testing.assert_allclose(pooled_by({"type": "abs-mean"}, features()), expected, atol=1e-6)
    turned = features() * np.random.default_rng(1).choice([-1, 1], features().shape)
    found = pooled_by({"type": "abs-mean"}, turned.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("signs", [{}, {"signs": "positive"}])
@pytest.mark.parametrize("exponent", [1.0, 2.5, 3, 8.0])
def test_the_generalised_mean(exponent, signs):
    positive = np.maximum(features().astype(np.float64), 1e-6)  # below zero counts as zero
    expected = unit(np.power(np.power(positive, exponent).mean(axis=(2, 3)), 1 / exponent))
    found = pooled_by({"type": "gem", "exponent": exponent, **signs}, features())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.5])
def test_the_generalised_mean_of_magnitudes(exponent):
    powers = np.abs(features().astype(np.float64)) ** exponent
    expected = unit(powers.mean(axis=(2, 3)) ** (1 / exponent))
    declared = {"type": "gem", "exponent": exponent, "signs": "absolute"}
    found = pooled_by(declared, features())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pooled_by(declared, -features()), found, rtol=1e-6)


def test_the_generalised_mean_of_both_signs_apart():
    """Place by place: what is above zero goes to one half, what is below it to the other."""
    values = features().astype(np.float64)
    sums = np.zeros((3, 2, 6))
    for image, channel, row, column in np.ndindex(values.shape):
        value = values[image, channel, row, column]
        sums[image, int(value < 0), channel] += abs(value) ** 3
    expected = unit(np.cbrt(sums / 20).reshape(3, 12))
    declared = {"type": "gem", "exponent": 3.0, "signs": "apart"}
    np.testing.assert_allclose(pooled_by(declared, features()), expected, rtol=1e-5, atol=1e-6)


def test_zero_counts_for_neither_sign():
    declared = {"type": "gem", "exponent": 2.0, "signs": "apart"}
    values = np.zeros((1, 2, 1, 1), dtype=np.float32)
    values[0, 0] = -5
    np.testing.assert_allclose(pooled_by(declared, values), [[0, 0, 1, 0]], atol=1e-6)


def test_cosplaces_mean_is_of_unit_features_and_keeps_its_length():
    local = features().astype(np.float64)
    local = np.maximum(local / np.linalg.norm(local, axis=1, keepdims=True), 1e-6)
    expected = np.power(np.power(local, 2.5).mean(axis=(2, 3)), 1 / 2.5)
    found = pooled_by({"type": "gem-cosplace", "exponent": 2.5}, features())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_generalised_mean_of_large_exponents_is_the_maximum():
    found = pooled_by({"type": "gem", "exponent": 60.0}, np.abs(features()))
    expected = unit(np.abs(features()).max(axis=(2, 3)))
    np.testing.assert_allclose(found, expected, atol=0.03)


@pytest.mark.parametrize("signs", SIGNS)
def test_the_exponent_and_the_features_have_finite_gradients(signs):
    """Where channels are below zero everywhere, too: the root of nothing has no derivative."""
    values = torch.from_numpy(features()).requires_grad_()
    with torch.no_grad():
        values[0] = -1
    declared = declared_part(Part.POOLING, {"type": "gem", "exponent": 3.0, "signs": signs})
    module = declared.build(6)
    pooled = module(values)
    (pooled * torch.arange(float(pooled.shape[1]))).sum().backward()
    for gradient in (values.grad, module.exponent.grad):
        assert torch.isfinite(gradient).all()
    assert module.exponent.grad.abs().sum() > 0


def test_no_projection_hands_on_what_it_is_given():
    declared = declared_part(Part.PROJECTION, {"type": "none"})
    module, pooled = declared.build(7), torch.randn(2, 7)
    assert module(pooled) is pooled
    assert module.linear is None
    assert declared.size(7) == 7


SAMPLES = np.random.default_rng(0).normal(size=(40, 6)) * np.array([5, 4, 3, 2, 1, 0.5]) + 1


def projected(declared, samples=SAMPLES):
    """What a projection makes of what it has learnt from."""
    rows = torch.from_numpy(samples.astype(np.float32))
    module = declared_part(Part.PROJECTION, declared).build(samples.shape[1])
    module.fit(rows)
    with torch.no_grad():
        return module(rows).numpy()


def components(samples=SAMPLES):
    """(components, their deviations) by numpy's singular values; the signs of axes are free."""
    centred = samples - samples.mean(axis=0)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes.T, values / np.sqrt(len(samples) - 1)


def test_a_linear_map_is_the_pca_of_what_it_learns_from():
    expected, _ = components()
    found = np.abs(projected({"type": "linear", "length": 3}))
    np.testing.assert_allclose(found, np.abs(expected[:, :3]), rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("power", [None, 1.0, 1, 0.5, 0.2, 0])
def test_whitening_divides_by_a_power_of_the_deviations(power):
    """Up to one scale: the expected squared length of what was learnt from is one."""
    given = {} if power is None else {"power": power}
    found = projected({"type": "pca-whitening", "length": 3, **given})
    expected, deviations = components()
    divided = expected[:, :3] / deviations[:3] ** (1 if power is None else power)
    divided /= np.sqrt(divided.var(axis=0, ddof=1).sum())
    np.testing.assert_allclose(np.abs(found), np.abs(divided), rtol=1e-3, atol=1e-3)
    assert np.square(found).sum(axis=1).mean() == pytest.approx(39 / 40, rel=1e-4)


def test_whitening_to_no_power_is_the_pca_up_to_its_scale():
    plain = projected({"type": "linear", "length": 3})
    found = projected({"type": "pca-whitening", "length": 3, "power": 0.0})
    np.testing.assert_allclose(unit(found), unit(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["linear", "pca-whitening"])
def test_more_components_than_numbers_are_an_error(name):
    message = "pooled vectors of 6 numbers cannot give 7 principal components; write 6 or less"
    with pytest.raises(ValueError, match=message):
        projected({"type": name, "length": 7})


CHOICES = [
    pytest.param(part, name, id=f"{part}-{name}") for part, types in SMALL.items() for name in types
] + [
    pytest.param(part, each, id="-".join(map(str, (part, *each.values()))))
    for part, each in OTHERWISE
]


def test_every_type_is_among_the_small_ones():
    assert {part: part_types(part) for part in Part} == {p: sorted(SMALL[p]) for p in SMALL}


@pytest.mark.parametrize(("part", "choice"), CHOICES)
def test_what_is_declared_is_what_is_built(part, choice):
    network = built(**{part: choice})
    declared = network.architecture
    images = torch.randn(2, 3, 44, 52, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        local = network.features(images)
        assert local.shape[:2] == (2, declared.backbone.channels)
        pooled = network.pooling(local)
        assert pooled.shape == (2, declared.pooled)
        assert declared.pooled == declared.pooling.length(declared.backbone.channels)
        if choice != "gem-cosplace":  # its length matters to the linear layer after it
            torch.testing.assert_close(pooled.norm(dim=1), torch.ones(2))
        assert torch.equal(network.pooled(images), pooled)
        projected = network.projection(pooled)
        assert projected.shape == (2, declared.length)
        assert declared.length == declared.projection.size(declared.pooled)
        descriptors = network(images)
        assert torch.equal(descriptors, F.normalize(projected, dim=1))
        assert torch.equal(network.described(local), descriptors)
    assert network.min_side == declared.backbone.min_side
    columns = network.pooling.column_groups(declared.pooled)
    assert sorted(columns.flatten().tolist()) == list(range(declared.pooled))


@pytest.mark.parametrize(("part", "choice"), CHOICES)
def test_it_is_written_and_read(tmp_path, part, choice):
    network = built(**{part: choice})
    model = Model(network, PREPROCESSING, {"city": "none"})
    plain, packed = tmp_path / "m.safetensors", tmp_path / "m.pvlad"
    write_model(plain, model)
    contents = to_contents(model)
    quantized = quantize_contents(contents, "uniform", 8)
    write_compressed(packed, contents, quantized)
    images = torch.randn(2, 3, 44, 52, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for path in (plain, packed):
            found = read_model(path)
            assert found.network.architecture == network.architecture
            assert found.network.architecture.as_dict() == section(**{part: choice})
            assert (found.preprocessing, found.origin) == (PREPROCESSING, {"city": "none"})
            for (own, tensor, label), (other, expected, wanted) in zip(
                labelled_tensors(found.network), labelled_tensors(network), strict=True
            ):
                assert (own, label) == (other, wanted)
                if own in quantized and path == packed:
                    expected = torch.from_numpy(quantized[own].dequantize())
                assert torch.equal(tensor, expected)
        torch.testing.assert_close(read_model(plain).network(images), network(images))
        assert (read_model(packed).network(images) * network(images)).sum(dim=1).min() > 0.9


def test_an_exponent_is_neither_pruned_nor_quantized():
    labels = {name: label for name, _, label in labelled_tensors(built(pooling="gem"))}
    assert labels["pooling.exponent"].role is Role.OTHER
    contents = to_contents(Model(built(pooling="gem"), PREPROCESSING))
    assert contents.tensors["pooling.exponent"].tolist() == [2.5]
    assert "pooling.exponent" not in quantize_contents(contents, "kmeans", 5)


@pytest.mark.parametrize(("part", "choice"), CHOICES)
def test_in_words_and_back(part, choice):
    written = section(**{part: choice})
    declared = Architecture.of({**written, "weights": {"source": "random"}})
    assert declared == Architecture.of(declared.as_dict())
    name, *settings = written[part].items()
    assert getattr(declared, part).type == name[1]
    told = ", ".join(f"{key} {value}" for key, value in settings)
    words = {"none": "no projection"}.get(name[1], name[1])
    assert (f"{words} ({told})" if settings else words) in str(declared)


def test_descriptors_without_projection_cannot_be_shortened():
    """Their components are in no order."""
    network = built(pooling="mean", projection="none")
    with pytest.raises(ValueError, match="NoProjection does not order its components"):
        shortened(network, 2)
    short = shortened(built(projection="linear"), 2)
    with torch.no_grad():
        descriptor = short(torch.randn(1, 3, 44, 52))
    assert descriptor[0, :2].all()
    assert not descriptor[0, 2:].any()


BACKBONES = ", ".join(SMALL[Part.BACKBONE])
POOLINGS = "abs-mean, gem, gem-cosplace, mean, netvlad"


@pytest.mark.parametrize(
    ("part", "written", "message"),
    [
        (
            "backbone",
            {"type": "resnet"},
            f"backbone 'resnet' is unknown; choose one of {BACKBONES}",
        ),
        (
            "pooling",
            {"type": "net_vlad"},
            f"pooling 'net_vlad' is unknown; choose one of {POOLINGS}",
        ),
        ("pooling", {"type": "../declared"}, "pooling '../declared' is unknown; choose one of"),
        ("pooling", {"type": ""}, "pooling '' is unknown; choose one of"),
        ("pooling", {"clusters": 3}, f"has no type; choose one of {POOLINGS}"),
        ("pooling", {"type": ["gem"]}, "has no type; choose one of"),
        ("pooling", "netvlad", f"pooling 'netvlad' has no type; choose one of {POOLINGS}"),
        ("pooling", None, "pooling 'None' has no type; choose one of"),
        ("projection", [], "has no type; choose one of linear, none, pca-whitening"),
        # Keys.
        (
            "pooling",
            {"type": "netvlad"},
            "pooling netvlad: clusters is missing; write a whole number",
        ),
        (
            "projection",
            {"type": "linear"},
            "projection linear: length is missing; write a whole number",
        ),
        (
            "pooling",
            {"type": "netvlad", "clusters": 3, "channels": 4},
            "pooling netvlad: 'channels' is unknown; known are clusters",
        ),
        (
            "pooling",
            {"type": "abs-mean", "width": 1.0},
            "pooling abs-mean: 'width' is unknown; known are none",
        ),
        ("backbone", {"type": "vgg16", 3: 1}, "backbone vgg16: '3' is unknown; known are width"),
        # Values.
        *(
            (
                "pooling",
                {"type": "netvlad", "clusters": value},
                f"netvlad.*clusters {shown} .*whole",
            )
            for value, shown in (
                (0, "0"),
                (-3, "-3"),
                (3.0, r"3\.0"),
                (True, "True"),
                ("3", "'3'"),
                (None, "None"),
                ([3], r"\[3\]"),
                (math.nan, "nan"),
            )
        ),
        *(
            ("backbone", {"type": "vgg16", "width": value}, f"vgg16.*width {shown} .*number")
            for value, shown in (
                (0, "0"),
                (0.0, r"0\.0"),
                (-0.5, r"-0\.5"),
                (1.5, r"1\.5"),
                (True, "True"),
                ("1", "'1'"),
                (None, "None"),
                (math.nan, "nan"),
                (math.inf, "inf"),
            )
        ),
        (
            "pooling",
            {"type": "mean", "unit_length": 1},
            "pooling mean: unit_length 1 does not fit; write true or false",
        ),
        *(
            ("pooling", {"type": "gem", "exponent": value}, f"gem.*exponent {shown} .*above 0")
            for value, shown in ((0, "0"), (-1.0, r"-1\.0"), (False, "False"), (math.inf, "inf"))
        ),
        ("projection", {"type": "pca-whitening", "length": 0}, "pca-whitening.*length 0 .*whole"),
        *(
            (
                "projection",
                {"type": "pca-whitening", "length": 4, "power": value},
                f"pca-whitening: power {shown} does not fit; write a number, from 0 to 1",
            )
            for value, shown in ((-0.5, r"-0\.5"), (2, "2"), (True, "True"), ("half", "'half'"))
        ),
        *(
            (
                "pooling",
                {"type": "gem", "signs": value},
                f"gem: signs {shown} does not fit; write positive, absolute or apart",
            )
            for value, shown in (("both", "'both'"), (True, "True"), (1, "1"))
        ),
        (
            "pooling",
            {"type": "gem-cosplace", "signs": "absolute"},
            "gem-cosplace: 'signs' is unknown; known are exponent",
        ),
    ],
)
def test_a_bad_declaration_says_what_to_write(part, written, message):
    with pytest.raises(ValueError, match=message) as caught:
        Architecture.of({**section(), part: written})
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", list(Part))
def test_a_missing_part_is_named(missing):
    kept = {part: value for part, value in section().items() if part != missing}
    with pytest.raises(ValueError, match=rf"{missing} .*has no type; choose one of"):
        Architecture.of(kept)


@pytest.mark.parametrize("written", [None, [], "vgg16", 3])
def test_an_architecture_is_a_section(written):
    with pytest.raises(ValueError, match="architecture"):
        Architecture.of(written)


def test_whole_numbers_are_numbers():
    declared = declared_part(Part.BACKBONE, {"type": "vgg16", "width": 1})
    assert declared.channels == 512
    assert declared_part(Part.POOLING, {"type": "gem", "exponent": 3}).exponent == 3


def test_a_type_is_one_class():
    assert part_class(Part.POOLING, "gem") is part_class(Part.POOLING, "gem")
    assert part_class(Part.POOLING, "gem").part is Part.POOLING


def test_declaring_and_checking_needs_no_torch():
    """Every start of Snakemake does both."""
    code = f"""
import sys
import pocketvlad.networks.architecture
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.weights.sources import SOURCES
small = { ({str(part): types for part, types in SMALL.items()})!r}
usual = {section()!r}
for part, types in small.items():
    for name, settings in types.items():
        found = Architecture.of({{**usual, part: {{"type": name, **settings}}}})
        assert found.length > 0
        str(found), found.as_dict()
        for source in SOURCES:
            list(SOURCES[source].faults(source, found))
try:
    Architecture.of({{**usual, "pooling": {{"type": "netvlad", "clusters": 0}}}})
except ValueError:
    pass
else:
    sys.exit("0 clusters were accepted")
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
