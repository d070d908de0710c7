"""ONNX files of models: equal to torch at any size, and refused where they are not."""

import errno
import json
import os

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from graphs import with_statistics
from onnx import numpy_helper
from test_poolings import OTHERWISE, PREPROCESSING, SMALL, section

import pocketvlad
from pocketvlad.api.model import Model as LoadedModel
from pocketvlad.cli.main import main
from pocketvlad.data.settings import Sizing
from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.portable import model_file
from pocketvlad.portable.backend import describing
from pocketvlad.portable.metadata import GraphMetadata
from pocketvlad.portable.verification import VerificationError
from pocketvlad.portable.weights_list import list_file, read_list
from pocketvlad.util.option_error import OptionError

PROTOCOL = {"image_size": 96, "interpolation": "bilinear", "decoder_scaling": False}
SHAPES = [(1, 71, 54), (3, 48, 97)]
"""Images, height and width; the exporter saw two images, and verifies other sides."""


def loaded(seed=0, **parts):
    """A model of weights of noise."""
    torch.manual_seed(seed)
    architecture = Architecture.of(section(**{Part(part): each for part, each in parts.items()}))
    network = with_statistics(RetrievalNetwork(architecture))
    stored = Model(network, PREPROCESSING, {"protocol": PROTOCOL})
    return LoadedModel(stored, "noise", "0" * 64, b"", describing(network, "cpu", "float32"))


def by_torch(network, pixels):
    """What the network makes of pixels that are prepared here, in float64 and then rounded."""
    mean, std = np.array(PREPROCESSING.mean), np.array(PREPROCESSING.std)
    prepared = ((pixels - mean) / std).astype(np.float32).transpose(0, 3, 1, 2)
    with torch.no_grad():
        return network(torch.from_numpy(prepared.copy())).numpy()


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def run(path, pixels):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["descriptors"], {"pixels": pixels})[0]


def every_part():
    """Every type once or more, and the same types set otherwise: of each part the next, until the
    longest list is through."""
    lists = {part: list(types) for part, types in SMALL.items()}
    for part, other in OTHERWISE:
        lists[part].append(other)
    count = max(map(len, lists.values()))
    for number in range(count):
        yield {str(part): types[number % len(types)] for part, types in lists.items()}


def name_of(parts):
    return "-".join(each if isinstance(each, str) else each["type"] for each in parts.values())


@pytest.mark.parametrize("parts", list(every_part()), ids=name_of)
def test_every_architecture_is_what_torch_computes(parts, tmp_path):
    model, path = loaded(**parts), tmp_path / "model.onnx"
    made = pocketvlad.export(model, path)
    assert made.error == made.change < 1e-5
    assert made.size == path.stat().st_size
    for shape in SHAPES:
        pixels = noise(shape)
        found, expected = run(path, pixels), by_torch(model.stored.network, pixels)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_the_tests_see_every_type():
    for part, types in SMALL.items():
        seen = [parts[str(part)] for parts in every_part()]
        assert set(types) <= {each for each in seen if isinstance(each, str)}


def test_half_precision_is_what_torch_computes_with_rounded_weights(tmp_path):
    model, path = loaded(), tmp_path / "model.onnx"
    whole = pocketvlad.export(model, tmp_path / "whole.onnx")
    made = pocketvlad.export(model, path, weights="float16")
    assert made.error < 1e-5 < made.change < 1e-2
    assert whole.size - made.size > 1.9 * sum(p.numel() for p in model.stored.network.parameters())
    with torch.no_grad():
        for parameter in model.stored.network.parameters():
            parameter.copy_(parameter.half().float())
    pixels = noise(SHAPES[0])
    np.testing.assert_allclose(run(path, pixels), by_torch(model.stored.network, pixels), atol=1e-5)


def test_bytes_stand_for_the_nearest_of_255_levels_an_output(tmp_path):
    model, path = loaded(), tmp_path / "model.onnx"
    made = pocketvlad.export(model, path, weights="int8")
    assert made.error < 1e-5 < made.change
    held = {each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}
    with torch.no_grad():
        for name, tensor, label in labelled_tensors(model.stored.network):
            if not label.role.compressed:
                np.testing.assert_array_equal(held[name], tensor.numpy())
                continue
            step = tensor.abs().flatten(1).max(dim=1).values / 127
            step = step.view(-1, *[1] * (tensor.ndim - 1))
            codes = held[f"{name}.int8"]
            assert codes.dtype == np.int8
            rounded = torch.from_numpy(codes.astype(np.float32)) * step
            assert ((rounded - tensor).abs() <= 0.5001 * step).all()
            tensor.copy_(rounded)
    pixels = noise(SHAPES[0])
    np.testing.assert_allclose(run(path, pixels), by_torch(model.stored.network, pixels), atol=1e-5)


def test_a_graph_without_weights_takes_those_that_are_decoded(tmp_path, few_files):
    """Also where two tensors of the model are equal."""
    model = pocketvlad.load("small.pvlad")
    path = tmp_path / "graph.onnx"
    pocketvlad.export(model, path, weights="outside")
    graph = onnx.load(path, load_external_data=False).graph
    assert path.stat().st_size < 20_000
    tensors, _ = pocketvlad.decode("small.pvlad")
    listed = read_list(list_file(path))
    assert [each.tensor for each in listed] == list(tensors)
    assert [each.initializer for each in listed] == [each.name for each in graph.initializer]
    for each in listed:
        assert each.shape == tensors[each.tensor].shape
        tensors[each.tensor].tofile(tmp_path / each.path)  # external data, as ONNX has it
    pixels = noise(SHAPES[1])
    prepared = torch.from_numpy((pixels - np.float32(127.5)) / np.float32(63.75))
    with torch.no_grad():
        expected = model.stored.network(prepared.permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(run(path, pixels), expected, atol=1e-5)
    content = json.loads(list_file(path).read_text())
    assert content["model_sha256"] == model.sha256
    assert content["input"]["sizing"]["image_size"] == 96
    assert content["preprocessing"]["mean"] == [127.5] * 3
    assert content["preprocessing_is_in_graph"] is True


@pytest.mark.parametrize("kind", ["a file", "a folder"])
def test_another_file_does_not_give_way_to_the_list(kind, few_files):
    other = few_files / "x.weights.json"
    other.write_text('{"mine": 1}') if kind == "a file" else other.mkdir()
    model = pocketvlad.load("small.pvlad")
    with pytest.raises(
        model_file.ExportError, match=r"x\.weights\.json is there already and is no"
    ):
        pocketvlad.export(model, "x.onnx", weights="outside")
    assert other.is_dir() or other.read_text() == '{"mine": 1}'
    assert not (few_files / "x.onnx").exists()
    pocketvlad.export(model, "x.onnx")
    assert other.exists()


def test_a_list_goes_with_its_graph(few_files):
    model = pocketvlad.load("small.pvlad")
    for _ in range(2):
        pocketvlad.export(model, "x.onnx", weights="outside")
        assert (few_files / "x.weights.json").exists()
    pocketvlad.export(model, "x.onnx")
    assert not (few_files / "x.weights.json").exists()


def test_a_list_of_another_graph_stays(few_files):
    """Names that differ by their suffix alone have one list."""
    model, listed = pocketvlad.load("small.pvlad"), few_files / "graph.weights.json"
    pocketvlad.export(model, "graph.onnx", weights="outside")
    before = listed.read_bytes()
    pocketvlad.export(model, "graph")
    assert listed.read_bytes() == before
    message = r"graph\.weights\.json is there already and is the list of weights of graph\.onnx; mo"
    with pytest.raises(model_file.ExportError, match=message):
        pocketvlad.export(model, "graph", weights="outside")
    assert listed.read_bytes() == before


@pytest.fixture
def exported(few_files):
    """graph.onnx and its list, both by name."""
    pocketvlad.export(pocketvlad.load("small.pvlad"), "graph.onnx", weights="outside")

    def read():
        return {path.name: path.read_bytes() for path in few_files.glob("*graph*")}

    return read


@pytest.mark.parametrize("weights", ["outside", "float32"])
def test_no_kill_leaves_a_graph_with_the_list_of_another(exported, monkeypatch, weights):
    """What is there is seen before either file gets its name."""
    before, real, seen = exported(), os.replace, []

    def replace(source, target):
        if not target.name.startswith("."):
            seen.append(exported().items() & before.items())
            assert "graph.weights.json" not in exported()
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    pocketvlad.export(pocketvlad.load("base.safetensors"), "graph.onnx", weights=weights)
    old = ("graph.onnx", before["graph.onnx"])
    assert seen == [{old}, set()] if weights == "outside" else seen == [{old}]
    assert len(exported()) == len(seen)
    assert not exported().items() & before.items()


@pytest.mark.parametrize("weights", ["outside", "float32"])
def test_a_graph_that_cannot_be_replaced_keeps_its_list(exported, monkeypatch, weights):
    before, real = exported(), os.replace

    def refuse(source, target):
        if target.name == "graph.onnx":
            raise PermissionError(errno.EPERM, "Operation not permitted", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError, match=r"graph\.onnx"):
        pocketvlad.export(pocketvlad.load("base.safetensors"), "graph.onnx", weights=weights)
    assert exported() == before


def test_a_list_that_cannot_be_written_leaves_all_as_it_was(exported, monkeypatch):
    before = exported()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_file, "write_list", full)
    with pytest.raises(OSError, match="No space left"):
        pocketvlad.export(pocketvlad.load("base.safetensors"), "graph.onnx", weights="outside")
    assert exported() == before


def test_lists_of_names_with_points_are_apart(few_files):
    """A name that ends in a number has no suffix that could be left out."""
    model = pocketvlad.load("small.pvlad")
    pocketvlad.export(model, "lite0-0.08", weights="outside")
    listed = list_file(few_files / "lite0-0.08")
    assert json.loads(listed.read_text())["graph"] == "lite0-0.08"
    pocketvlad.export(model, "lite0-0.16")
    assert listed.exists()


def test_equal_tensors_stay_two(tmp_path):
    """The exporter would merge them: a page could not say which is which."""
    model = loaded()
    with torch.no_grad():
        for name, tensor, _ in labelled_tensors(model.stored.network):
            if name.endswith("bias"):
                tensor.zero_()
    pocketvlad.export(model, tmp_path / "graph.onnx", weights="outside")
    names = [name for name, _, _ in labelled_tensors(model.stored.network)]
    assert [each.tensor for each in read_list(tmp_path / "graph.weights.json")] == names


def test_the_file_says_what_it_takes(tmp_path):
    path = tmp_path / "model.onnx"
    pocketvlad.export(loaded(), path, image_size=128)
    held = onnx.load(path)
    onnx.checker.check_model(held, full_check=True)
    texts = {each.key: each.value for each in held.metadata_props}
    assert "give pixels as they are" in texts["input"]
    assert "128 on the longest side, the aspect kept, never enlarged" in texts["resize"]
    metadata = GraphMetadata.of_texts(texts)
    assert metadata.sizing == Sizing(128, "bilinear", False)
    assert metadata.preprocessing == PREPROCESSING
    assert metadata.model_sha256 == "0" * 64
    [pixels], [rows] = held.graph.input, held.graph.output
    sides = [each.dim_param or each.dim_value for each in pixels.type.tensor_type.shape.dim]
    assert sides == ["images", "height", "width", 3]
    assert [each.dim_param or each.dim_value for each in rows.type.tensor_type.shape.dim] == [
        "images",
        4,
    ]


@pytest.fixture
def tampered(monkeypatch):
    """The exporter, which lets a function spoil the graph before it is written."""
    true = model_file.add_weights

    def spoil(how):
        def add_weights(graph, contents, form):
            values = true(graph, contents, form)
            how(graph)
            return values

        monkeypatch.setattr(model_file, "add_weights", add_weights)

    return spoil


def moved(graph):
    """One bias of the last layer, by a little."""
    [bias] = [each for each in graph.initializer if each.name == "projection.bias"]
    values = numpy_helper.to_array(bias) + np.float32([0.01, 0, 0, 0])
    bias.CopyFrom(numpy_helper.from_array(values, bias.name))


def of_another_size(graph):
    """A step that holds at two of the three sizes, where 24 places are left."""
    [flatten] = [each for each in graph.node if each.op_type == "Reshape"]
    graph.initializer.append(numpy_helper.from_array(np.int64([2, 31, 24]), "shape"))
    flatten.input[1] = "shape"


@pytest.mark.parametrize("how", [moved, of_another_size])
def test_a_graph_that_differs_is_not_left(how, tampered, tmp_path):
    tampered(how)
    with pytest.raises(VerificationError):
        pocketvlad.export(loaded(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_difference_is_told_with_its_size(tampered, tmp_path):
    tampered(moved)
    with pytest.raises(VerificationError, match=r"by 0\.0\d+ at 72 x 96 pixels; 0.0001 is allowed"):
        pocketvlad.export(loaded(), tmp_path / "model.onnx")


def test_a_form_that_is_none_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"weights=int4: give .*float16"):
        pocketvlad.export(loaded(), tmp_path / "model.onnx", weights="int4")


def test_what_is_missing_is_named_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install 'pocketvlad\[export\]'"):
        pocketvlad.export(loaded(), tmp_path / "model.onnx")


def test_a_file_that_would_be_too_large_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(model_file, "_MOST", 1000)
    with pytest.raises(model_file.ExportError, match="take float16, int8 or outside"):
        pocketvlad.export(loaded(), tmp_path / "model.onnx")


def test_the_command_prints_size_and_error(few_files, capsys):
    assert main(["export", "small.pvlad", "-o", "small.onnx", "--weights", "int8"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    size = (few_files / "small.onnx").stat().st_size / 1e6
    assert first.startswith(f"small.onnx: {size:.3f} MB, weights int8; verified at 72 x 96, ")
    assert float(first.rpartition(" ")[2]) < 1e-5
    assert 0 < float(second.rpartition(" ")[2]) < 0.1


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["a.jpg", "-o", "x.onnx"], "a.jpg is not a PocketVLAD model file"),
        (["none.pvlad", "-o", "x.onnx"], "none.pvlad"),
        (["city", "-o", "x.onnx"], "city is a folder"),
        (["small.pvlad", "-o", "a.jpg"], "a.jpg is there already and is no .onnx file"),
        (["small.pvlad", "-o", "none/x.onnx"], "there is no folder none"),
        (["small.pvlad", "-o", "holiday"], "holiday is a folder"),
        (["small.pvlad", "-o", "small.pvlad"], "small.pvlad would replace what is read"),
        (["small.pvlad", "-o", "x.onnx", "--weights", "int4"], "--weights int4: give "),
        (["small.pvlad", "-o", "x.onnx", "--image-size", "0"], "--image-size 0: "),
    ],
)
def test_bad_input_is_told_in_a_line(words, fault, few_files, capsys):
    assert main(["export", *words]) == 1
    told = capsys.readouterr().err
    assert fault in told
    assert told.count("\n") == 1
    assert not (few_files / "x.onnx").exists()
