"""Rounded networks tuned straight through: the rate's gradient, tiny networks, kills, choices."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from networks import copy_of
from test_any_graph import KINDS, built, taught
from training_cities import SETTINGS as TRAINING
from training_cities import Killed

from pocketvlad.compression.rd import tuned_rounding, tuning
from pocketvlad.compression.rd.account import rounding_account
from pocketvlad.compression.rd.allowance import allowed_errors
from pocketvlad.compression.rd.calibration import Calibration, write_rounded
from pocketvlad.compression.rd.descent import symbol_bits
from pocketvlad.compression.rd.interpolated_rate import interpolated_bits
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, from_multiples, multiples_of
from pocketvlad.compression.rd.quantize import round_in_axes, round_network
from pocketvlad.compression.rd.sections import study_calibration
from pocketvlad.compression.rd.settings import RoundingSettings, TuningSettings
from pocketvlad.compression.rd.straight_through import StraightThrough
from pocketvlad.compression.rd.training_task import without_held_out
from pocketvlad.compression.rd.tuned_rounding import round_and_tune
from pocketvlad.compression.rd.tuning import tune
from pocketvlad.data.city_crops import crop_batches
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.compressed_file import open_compressed, read_compressed, write_compressed
from pocketvlad.format.symbol_model import coded_bits
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.distillation import DistillationObjective, descriptor_distance

CROPS = CropSettings(crops=8, batch=4, image_size=67, crop=0.8, colour=0.2)
SETTINGS = RoundingSettings(
    crops=8, patches=1000, projection_crops=24, ridge=0.5, multiplier=4.0, sweeps=2
)
TUNING = TuningSettings(steps=60, crops_per_step=4, learning_rate=0.03)
SHORT = TuningSettings(steps=12, crops_per_step=4, learning_rate=0.1)
"""Weights change, but not for the better."""
DISTORTION = 0.2


@pytest.fixture
def teacher(city):
    """Linear bottlenecks with depthwise layers and ReLU6: it has streams, and can be rotated."""
    return taught(built(KINDS["bottlenecks"]), city)


def rounded(teacher, city, settings=SETTINGS):
    network = copy_of(teacher)
    given = network, teacher, city.crop_source, CROPS, DISTORTION
    return network, round_network(*given, settings, 7)


def worth(network):
    """The squared distance that a bit is worth: the multiplier times what rounding one of the
    network's weights may cause, where weights of the projection may cause 0.7 times 4 / (2 ln 2)
    as much."""
    sizes = {name: weight.numel() for name, weight in compressible(network)}
    last = sizes.pop("projection.weight", 0)
    return 4 * DISTORTION / (sum(sizes.values()) + 0.7 * 4 / (2 * np.log(2)) * last)


def tuned(teacher, city, checkpoint=None, settings=TUNING):
    network, codes = rounded(teacher, city)
    seen, _ = without_held_out(city.crop_source)
    given = network, codes, teacher, seen, CROPS, worth(network), settings, 7
    return network, tune(*given, checkpoint)


def loss(network, codes, teacher, city):
    """On crops of the photographs that were not tuned on, with bits as a file codes them."""
    _, held = without_held_out(city.crop_source)
    batches = crop_batches(held, replace(CROPS, crops=48, batch=48), np.random.default_rng(99))
    [images] = batches
    with torch.no_grad():
        distance = descriptor_distance(network(images), teacher(images)).item()
    return distance + worth(network) * sum(map(coded_bits, codes.values()))


# The rate.


@pytest.fixture
def frequencies():
    """(bits of each multiple in each of three models, the models of 5 x 40 weights), float64"""
    draws = np.random.default_rng(3)
    bits, models = draws.uniform(0.1, 20, (3, 2 * 6 + 1)), draws.integers(0, 3, (5, 40))
    return torch.from_numpy(bits), torch.from_numpy(models)


def on_straight_lines(values, frequencies):
    """[5, 40], by numpy, weight by weight."""
    bits, models = (each.numpy() for each in frequencies)
    pairs = zip(values.numpy().ravel(), models.ravel(), strict=True)
    found = [np.interp(value, np.arange(-6, 7), bits[model]) for value, model in pairs]
    return np.reshape(found, values.shape)


def test_rates_lie_on_straight_lines_between_whole_multiples(frequencies):
    values = torch.from_numpy(np.random.default_rng(4).uniform(-6, 6, (5, 40)))
    values[0] = values[0].round()
    values[1, :2] = torch.tensor([-6.0, 6.0])
    found = interpolated_bits(values, *frequencies).item()
    assert found == pytest.approx(on_straight_lines(values, frequencies).sum(), rel=1e-12)


def test_the_gradient_of_the_rate_is_that_of_finite_differences(frequencies):
    """Also at whole multiples, where the differences take half of either side."""
    values = torch.from_numpy(np.random.default_rng(5).uniform(-5.4, 5.4, (5, 40)))
    values[2] = values[2].round()
    size = 1e-5
    either = [on_straight_lines(values + change, frequencies) for change in (size, -size)]
    values.requires_grad_()
    (3 * interpolated_bits(values, *frequencies)).backward()
    expected = 3 * (either[0] - either[1]) / (2 * size)
    np.testing.assert_allclose(values.grad.numpy(), expected, atol=1e-4)


def test_at_the_ends_the_rate_rises_as_the_last_line_does(frequencies):
    bits, models = frequencies
    values = torch.full((5, 40), 6.0, dtype=torch.float64)
    values[:, :20] = -6
    values.requires_grad_()
    interpolated_bits(values, *frequencies).backward()
    steps = bits.diff(dim=1)
    expected = torch.cat([steps[models[:, :20], 0], steps[models[:, 20:], -1]], dim=1)
    torch.testing.assert_close(values.grad, expected)


def test_the_rate_of_whole_multiples_is_that_of_their_models():
    multiples = torch.from_numpy(np.round(np.random.default_rng(6).laplace(size=(8, 36))))
    bits, models = symbol_bits(multiples, 9, MAX_MULTIPLE)
    expected = bits.numpy()[models.numpy(), (multiples + MAX_MULTIPLE).long().numpy()].sum()
    assert interpolated_bits(multiples, bits, models).item() == pytest.approx(expected)


def test_multiples_are_read_back_from_codes():
    multiples = np.array([[0, 3, -1], [-2, 0, 1], [0, 0, 0]])
    scales = np.array([0.5, 2, 4], dtype=np.float32)
    quantized = from_multiples(multiples, 0.3, scales=scales)
    found, step = multiples_of(quantized)
    np.testing.assert_array_equal(found, multiples)
    assert step == pytest.approx(0.3, rel=1e-6)
    again = from_multiples(found, step, scales=quantized.scales)
    assert again.codebook.tobytes() == quantized.codebook.tobytes()
    np.testing.assert_array_equal(multiples_of(from_multiples(np.zeros((2, 2)), 0.3))[0], 0)


# Tuning.


def test_before_any_step_the_network_is_what_was_rounded(teacher, city):
    network, codes = rounded(teacher, city)
    student = StraightThrough(network, codes)
    [images] = crop_batches(city.crop_source, replace(CROPS, crops=4), np.random.default_rng(1))
    with torch.no_grad():
        torch.testing.assert_close(student(images), network(images), rtol=0, atol=1e-5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    again = student.write()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    for name, tensor in codes.items():
        np.testing.assert_array_equal(again[name].codes, tensor.codes)
        np.testing.assert_array_equal(again[name].dequantize(), tensor.dequantize())


def test_biases_that_are_all_zero_stay_so(teacher, city):
    """They do not tell how far a step would be."""
    network, codes = rounded(teacher, city)
    named = [(name, bias) for name, bias in network.named_parameters() if name.endswith(".bias")]
    name, bias = next(each for each in named if each[1].any())
    assert name in StraightThrough(network, codes).biases
    bias.data.zero_()
    assert name not in StraightThrough(network, codes).biases


@pytest.mark.parametrize("kind", ["residual", "bottlenecks"])
def test_steps_lower_the_loss_on_photographs_that_were_not_tuned_on(city, kind):
    """Residual sums behind a ReLU, and linear bottlenecks with depthwise layers and ReLU6."""
    teacher = taught(built(KINDS[kind]), city)
    network, codes = rounded(teacher, city)
    before = loss(network, codes, teacher, city)
    found, found_codes = tuned(teacher, city)
    assert loss(found, found_codes, teacher, city) < 0.99 * before
    # The network is still rounded, and the file says all of it.
    assert found_codes.keys() == codes.keys()
    for name, weight in compressible(found):
        np.testing.assert_array_equal(weight.detach().numpy(), found_codes[name].dequantize())
    assert any(not np.array_equal(found_codes[n].codes, codes[n].codes) for n in codes)


def test_bits_fall_where_they_are_worth_more(teacher, city):
    network, codes = rounded(teacher, city)
    seen, _ = without_held_out(city.crop_source)
    given = codes, teacher, seen, CROPS
    cheap = tune(copy_of(network), *given, 0.0, SHORT, 7)
    dear = tune(copy_of(network), *given, 1.0, SHORT, 7)
    sizes = [sum(map(coded_bits, each.values())) for each in (cheap, dear)]
    assert sizes[1] < 0.9 * sizes[0]


def test_a_step_of_several_batches_is_one_of_all_their_crops(teacher, city):
    """Memory holds so many crops as are computed at a time, whatever the step has."""
    network, codes = rounded(teacher, city)
    given = teacher, city.crop_source
    wide, narrow = copy_of(network), copy_of(network)
    settings = replace(TUNING, steps=1, crops_per_step=8)
    first = tune(wide, codes, *given, replace(CROPS, batch=8), worth(network), settings, 7)
    second = tune(narrow, codes, *given, replace(CROPS, batch=4), worth(network), settings, 7)
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor.codes, second[name].codes)
    assert [tuning._parts(*each) for each in ((32, 8), (12, 8), (7, 4), (4, 8))] == [4, 2, 7, 1]


def test_a_tuning_that_was_killed_goes_on(teacher, city, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "_BLOCK", 4)
    monkeypatch.setattr(tuning, "_SAVE_SECONDS", 0.0)
    network, codes = tuned(teacher, city, settings=SHORT)
    checkpoint, saved = Checkpoint(tmp_path / "rd.pt", "this"), []

    def save(state):
        if len(saved) == 2:
            raise Killed
        saved.append(state["done"])
        keep(state)

    keep = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", save)
    with pytest.raises(Killed):
        tuned(teacher, city, checkpoint, SHORT)
    assert saved == [4, 8]
    resumed = Checkpoint(checkpoint.path, "this")
    other, found = tuned(teacher, city, resumed, SHORT)
    for name, tensor in codes.items():
        np.testing.assert_array_equal(found[name].codes, tensor.codes)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_a_failed_step_says_what_to_do(teacher, city, monkeypatch):
    losses = DistillationObjective.losses

    def failing(self, network, generator):
        for number, (units, found) in enumerate(losses(self, network, generator)):
            yield units, found * (float("nan") if number == 2 else 1.0)

    monkeypatch.setattr(DistillationObjective, "losses", failing)
    with pytest.raises(
        FloatingPointError, match=r"step 3 of 12 .* lower rd\.tuning\.learning_rate"
    ):
        tuned(teacher, city, settings=SHORT)


# Whole models.


def calibration(teacher, city, settings):
    return Calibration(
        Model(teacher, city.preprocessing), city.crop_source, CROPS, settings, "float16", 7
    )


def payloads(path):
    """All of a file's layers, and how it was compressed."""
    with open_compressed(path) as model:
        return {layer.name: layer.crc32 for layer in model.layers}, model.header["compression"]


def test_without_the_section_files_are_those_of_the_path_without_it(
    teacher, city, tmp_path, monkeypatch
):
    def never(*_):
        raise AssertionError("nobody asked for tuning")

    monkeypatch.setattr("pocketvlad.compression.rd.calibration.round_and_tune", never)
    write_rounded(tmp_path / "found.pvlad", calibration(teacher, city, SETTINGS), DISTORTION)
    model = Model(copy_of(teacher), city.preprocessing)
    network, codes = rounded(teacher, city)
    model.network.load_state_dict(network.state_dict())
    contents = to_contents(model)
    settings = asdict(SETTINGS)
    for name in ("tuning", "trellis"):
        del settings[name]
    contents.header["compression"] = {
        "recipe": "rounded",
        "distortion": DISTORTION,
        "rounding": {"settings": settings, "crops": asdict(CROPS), "seed": 7},
        "distance": -DistillationObjective(city.crop_source, CROPS, teacher).validate(network),
    }
    write_compressed(tmp_path / "expected.pvlad", contents, codes, "float16")
    expected = (tmp_path / "expected.pvlad").read_bytes()
    assert (tmp_path / "found.pvlad").read_bytes() == expected


def test_a_file_on_the_trellis_says_so(teacher, city, tmp_path):
    settings = replace(SETTINGS, trellis=True)
    path = tmp_path / "trellis.pvlad"
    write_rounded(path, calibration(teacher, city, settings), DISTORTION)
    described = payloads(path)[1]
    assert described["rounding"]["settings"]["trellis"] is True
    account = {"compression": described, "architecture": teacher.architecture.as_dict()}
    said = rounding_account("distortion 0.2", account, 50)
    assert said.startswith("rounding by rate and distortion on a trellis (distortion 0.2, ")


def test_what_is_no_better_is_not_kept(teacher, city, tmp_path, capsys):
    write_rounded(tmp_path / "plain.pvlad", calibration(teacher, city, SETTINGS), DISTORTION)
    wild = replace(SETTINGS, tuning=replace(TUNING, steps=3, learning_rate=40.0))
    write_rounded(tmp_path / "wild.pvlad", calibration(teacher, city, wild), DISTORTION)
    plain, wild = (payloads(tmp_path / f"{name}.pvlad") for name in ("plain", "wild"))
    assert wild[0] == plain[0]
    assert wild[1]["kept"] == "as rounded"
    assert "kept: as rounded" in capsys.readouterr().out
    header = {"compression": wild[1], "architecture": teacher.architecture.as_dict()}
    assert "tuning" not in rounding_account("distortion 0.2", header, 50)


def test_a_tuned_file_decodes_to_a_better_network_and_says_so(teacher, city, tmp_path, capsys):
    settings = replace(SETTINGS, tuning=TUNING)
    path, checkpoint = tmp_path / "tuned.pvlad", Checkpoint(tmp_path / "rd.pt", "this")
    write_rounded(path, calibration(teacher, city, settings), DISTORTION, checkpoint)
    assert checkpoint.path.exists()  # until its caller has noted the file
    described = payloads(path)[1]
    assert described["kept"].startswith("tuned")
    assert described["rounding"]["settings"]["tuning"] == asdict(TUNING)
    account = {"compression": described, "architecture": teacher.architecture.as_dict()}
    expected = "60 steps of tuning straight through on 4 crops each, then entropy coding"
    assert expected in rounding_account("distortion 0.2", account, 50)
    network, codes = rounded(teacher, city)
    given = teacher, city.crop_source, CROPS, DISTORTION, settings, 7
    other = copy_of(teacher)
    found, kept = round_and_tune(other, *given)
    assert kept == described["kept"]
    assert loss(other, found, teacher, city) < loss(network, codes, teacher, city)
    decoded = read_compressed(path).tensors  # the same seed made the same network
    for name, tensor in found.items():
        np.testing.assert_array_equal(decoded[name], tensor.dequantize())


def test_the_projection_is_rounded_anew_in_the_axes_of_the_convolutions(teacher, city, monkeypatch):
    """Where tuning changes nothing, it becomes what it was."""
    settings = replace(SETTINGS, tuning=TUNING)
    monkeypatch.setattr(tuned_rounding, "tune", lambda network, codes, *rest: dict(codes))
    candidates = []

    def first(found, *rest):
        candidates.extend(found)
        return found[0]

    monkeypatch.setattr(tuned_rounding, "_best", first)
    given = teacher, city.crop_source, CROPS, DISTORTION, settings, 7
    round_and_tune(copy_of(teacher), *given)
    plain, _, anew = candidates
    np.testing.assert_array_equal(
        anew.codes["projection.weight"].codes, plain.codes["projection.weight"].codes
    )
    for name, tensor in plain.network.state_dict().items():
        assert torch.equal(tensor, anew.network.state_dict()[name]), name


def test_one_photograph_cannot_be_tuned_on_and_judged_by(teacher, city):
    settings = replace(SETTINGS, tuning=TUNING)
    name, path = next(iter(city.crop_source.paths.items()))
    source = replace(city.crop_source, paths={name: path})
    given = teacher, source, CROPS, DISTORTION, settings, 7
    with pytest.raises(ValueError, match=r"rd\.tuning: 1 photograph .* two or more"):
        round_and_tune(copy_of(teacher), *given)


def test_the_section_of_a_config_is_read(teacher, city):
    found = study_calibration(
        Model(teacher, city.preprocessing),
        city.crop_source,
        rounding={"image_size": 67, "crops": 8, "tuning": asdict(TUNING)},
        recovery={"crops": 8, "crops_per_step": 4},
        training=asdict(TRAINING),
        small="float16",
        seed=7,
    )
    assert found.settings == RoundingSettings(crops=8, tuning=TUNING)
    assert (found.crops.crops, found.crops.batch, found.crops.image_size) == (8, 4, 67)
    assert found.identity()["settings"]["tuning"] == asdict(TUNING)


def test_a_bit_is_worth_what_rounding_says(teacher):
    assert SETTINGS.multiplier * allowed_errors(teacher, DISTORTION, SETTINGS)[0] == pytest.approx(
        worth(teacher)
    )


def test_the_axes_that_are_handed_out_are_those_of_the_network(teacher, city):
    network = copy_of(teacher)
    given = teacher, city.crop_source, CROPS, 1e-7, SETTINGS, 7
    _, turned = round_in_axes(network, *given)
    [images] = crop_batches(city.crop_source, replace(CROPS, crops=4), np.random.default_rng(1))
    with torch.no_grad():
        torch.testing.assert_close(turned(images), teacher(images), rtol=0, atol=1e-4)
        own, expected = network.features(images), turned.features(images)
    assert (own - expected).norm() < 0.1 * expected.norm()
    assert (own - teacher.features(images)).norm() > 0.3 * expected.norm()
