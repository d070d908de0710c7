"""The format's guards: files written once, and a second decoder made from docs/format.md alone."""

import io
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import second_decoder
import torch

from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.compression.rd.multiples import from_multiples
from pocketvlad.format.compressed_file import CompressedModel, read_compressed, write_compressed
from pocketvlad.format.contents import Contents, read_contents, write_contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.layer_coding import decode_layer, encode_layer
from pocketvlad.format.quantized_tensor import QuantizedTensor, by_axes, grid
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.format.symbol_model import model_of
from pocketvlad.networks.model import read_model

GOLDEN = Path(__file__).parent / "golden"
FILE = GOLDEN / "version2.pvlad"
NOT_WEIGHTS = {"image", "descriptor"}
TODAY = {"backbone": "backbone", "netvlad": "pooling", "whitening": "projection"}
# What version 2 calls {backbone: vgg16, width: 0.03, clusters: 3, descriptor: 6}.
ARCHITECTURE = {
    "backbone": {"type": "vgg16", "width": 0.03},
    "pooling": {"type": "netvlad", "clusters": 3},
    "projection": {"type": "pca-whitening", "length": 6},
}


@pytest.fixture(scope="module")
def numbers():
    """Arrays by name: the tensors, the image and its descriptor."""
    with np.load(GOLDEN / "version2.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def header():
    return json.loads((GOLDEN / "version2.json").read_text())["header"]


def assert_same_bits(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == np.float32, name
        assert found[name].shape == tensor.shape, name
        assert found[name].tobytes() == tensor.tobytes(), name


def weights_of(numbers):
    """By the names in the file."""
    return {name: array for name, array in numbers.items() if name not in NOT_WEIGHTS}


def renamed(arrays):
    """The same by today's names."""
    parts = {name: name.partition(".") for name in arrays}
    return {f"{TODAY[parts[n][0]]}.{parts[n][2]}": array for n, array in arrays.items()}


def read_by_both(name):
    """(path, arrays) of a golden file, which both decoders read to the same numbers."""
    path = GOLDEN / f"{name}.pvlad"
    with np.load(path.with_suffix(".npz")) as arrays:
        expected = dict(arrays)
    assert_same_bits(read_compressed(path).tensors, weights_of(expected))
    assert_same_bits(second_decoder.decode(path.read_bytes())[1], weights_of(expected))
    return path, expected


def assert_same_descriptor(path, expected):
    with torch.no_grad():
        descriptor = read_model(path).network(torch.from_numpy(expected["image"])).numpy()
    np.testing.assert_allclose(descriptor, expected["descriptor"], rtol=0, atol=1e-5)


def label_of(name):
    """Of a tensor of the golden network, by today's name."""
    roles = {"backbone": "convolution", "pooling": "cluster", "projection": "linear"}
    part = name.partition(".")[0]
    return Label(Part(part), Role("bias" if name.endswith(".bias") else roles[part]))


@pytest.mark.parametrize("version", ["version2", "version3"])
@pytest.mark.parametrize("suffix", [".pvlad", ".safetensors"])
def test_the_golden_files_are_read_to_the_same_numbers(numbers, header, version, suffix):
    read = read_compressed if suffix == ".pvlad" else read_contents
    found = read(GOLDEN / (version + suffix))
    assert_same_bits(found.tensors, renamed(weights_of(numbers)))
    assert found.labels == {name: label_of(name) for name in found.tensors}
    expected = {key: value for key, value in header.items() if key != "layers"}
    if suffix == ".safetensors":
        del expected["compression"]
    assert found.header == expected | {"architecture": ARCHITECTURE}


@pytest.mark.parametrize("version", ["version2", "version3"])
def test_the_second_decoder_reads_the_same_numbers(numbers, header, version):
    data = (GOLDEN / f"{version}.pvlad").read_bytes()
    read, found = second_decoder.decode(data)
    labels = {
        layer.name: Label(Part(layer.part), Role(layer.role))
        for layer in second_decoder.read_layers(data)
    }
    if version == "version2":
        assert_same_bits(found, weights_of(numbers))
        assert read == header
        labels = renamed(labels)
    else:
        assert_same_bits(found, renamed(weights_of(numbers)))
        expected = header | {"architecture": ARCHITECTURE, "layers": read["layers"]}
        assert read == expected
    assert labels == {name: label_of(name) for name in renamed(weights_of(numbers))}


def test_a_number_of_another_role_is_read_by_both():
    """GeM's exponent."""
    path, expected = read_by_both("version3-gem")
    labels = {
        layer.name: Label(Part(layer.part), Role(layer.role))
        for layer in second_decoder.read_layers(path.read_bytes())
    }
    assert read_compressed(path).labels == labels
    other = Label(Part.POOLING, Role.OTHER)
    assert [name for name, label in labels.items() if label == other] == ["pooling.exponent"]
    assert_same_descriptor(path, expected)


def test_biases_that_are_whole_multiples_are_read_by_both():
    path, expected = read_by_both("version3-multiples")
    pieces = second_decoder.read_header(path.read_bytes())[1]
    codings = [(coding, payload[1]) for (*_, coding), payload in pieces if coding == "multiples"]
    assert {second >= 128 for _, second in codings} == {False, True}
    assert len(codings) == 3
    assert_same_descriptor(path, expected)


def test_scales_of_inputs_are_read_by_both():
    """By the document's words, spelt out: level, times its row's scale, times its input's."""
    path, _ = read_by_both("version3-inputs")
    kinds = {
        side_information(payload)[0][0]
        for _, payload in second_decoder.read_header(path.read_bytes())[1]
    }
    assert kinds == {8, 9, 11, 13, 15}


def test_rows_on_the_trellis_are_read_by_both():
    """Places go by the document's words, spelt out: what each stands for in the state it is in."""
    path, _ = read_by_both("version3-trellis")
    sides = [
        side_information(payload)[0]
        for _, payload in second_decoder.read_header(path.read_bytes())[1]
    ]
    assert {side[0] for side in sides} == {16, 17, 19, 23, 31}
    assert {struct.unpack_from("<H", side, 1)[0] for side in sides} >= {5, 509}


@pytest.mark.parametrize("version", ["version2", "version3", "version3-gem"])
def test_layers_without_scales_of_inputs_are_written_as_ever(version):
    """What the file's layers are decoded to is coded by the same side information, up to the
    frequencies, which are the writer's choice."""
    seen = 0
    for (*_, shape, coding), payload in second_decoder.read_header(
        (GOLDEN / f"{version}.pvlad").read_bytes()
    )[1]:
        if coding == "symbols":
            again = encode_layer(decode_layer(payload, shape))
            found, expected = side_information(again)[0], side_information(payload)[0]
            end = models_place(expected, shape) + 2 + sum(by_axes(shape))
            assert end < len(expected)
            assert found[:end] == expected[:end]
            np.testing.assert_array_equal(
                decode_layer(again, shape).codes, decode_layer(payload, shape).codes
            )
            seen += 1
    assert seen > 4


@pytest.mark.parametrize(
    "file", [f"version{n}.{suffix}" for n in (2, 3) for suffix in ("pvlad", "safetensors")]
)
def test_the_golden_network_describes_alike(numbers, file):
    model = read_model(GOLDEN / file)
    assert model.network.architecture.as_dict() == ARCHITECTURE
    with torch.no_grad():
        descriptor = model.network(torch.from_numpy(numbers["image"])).numpy()
    np.testing.assert_allclose(descriptor, numbers["descriptor"], rtol=0, atol=1e-5)


def test_the_golden_uncompressed_model_has_the_same_numbers(numbers):
    state = read_model(GOLDEN / "version2.safetensors").network.state_dict()
    found = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in state.items()}
    assert_same_bits(found, renamed(weights_of(numbers)))


def test_a_file_of_version_2_written_again_is_one_of_version_3(tmp_path):
    old, path = read_contents(GOLDEN / "version2.safetensors"), tmp_path / "m.safetensors"
    write_contents(path, old)
    new = read_contents(path)
    assert (new.header, new.labels) == (old.header, old.labels)
    assert_same_bits(new.tensors, old.tensors)


def side_information(payload):
    """(side information unpacked, the coder's states and words) of a layer of symbols."""
    begin = next(place for place, byte in enumerate(payload) if byte < 0x80) + 1
    unpacker = zlib.decompressobj(-15)
    side = unpacker.decompress(payload[begin:])
    return side, unpacker.unused_data


def models_place(side, shape):
    """Where the number of models stands in the side information of a layer without scales of
    inputs."""
    flags, count = struct.unpack_from("<BH", side)
    return 3 + (8 if flags & 1 else 4 * count) + (2 * shape[0] if flags & 2 else 0)


def test_the_golden_file_takes_every_branch():
    kinds, levels, models, codings = set(), set(), set(), set()
    for (*_, shape, coding), payload in second_decoder.read_header(FILE.read_bytes())[1]:
        codings.add((coding, len(shape)))
        if coding == "symbols":
            side, _ = side_information(payload)
            flags, count = struct.unpack_from("<BH", side)
            kinds.add(flags)
            levels.add(count)
            models.add(side[models_place(side, shape)])
    assert kinds == set(range(8))
    assert {0, 1, 255} <= levels
    assert models == {1, 18, 21}
    # Biases of either precision, and a convolution that is shorter without a codebook.
    assert {("float16", 1), ("float32", 1), ("float32", 4)} <= codings


def pruned(generator, shape, share=0.4):
    weight = generator.normal(size=shape).astype(np.float32)
    weight[np.abs(weight) < share] = 0
    return weight


def uneven(generator):
    """Multiples of a step, their rows, lines and places of very unlike size."""
    shape = (20, 12, 5, 5)
    sizes = [2.0 ** generator.integers(-3, 3, count) for count in (20, 12, 25)]
    sizes = sizes[0][:, None, None] * sizes[1][:, None] * sizes[2]
    multiples = np.round(generator.laplace(size=sizes.shape) * sizes).clip(-5, 5)
    return from_multiples(multiples.reshape(shape).astype(np.int16), 0.03)


def every_level(generator, count=199):
    """A grid about zero, each of its levels in use.

    Its middle one is nothing but rounding: whoever computes levels in another order has zero there.
    """
    ends = generator.uniform(0.1, 1, 100)
    levels = next(each for end in ends if (each := grid(-end, end, count))[count // 2] != 0)
    codes = generator.permutation(np.resize(np.arange(count + 1, dtype=np.uint8), 1200))
    return QuantizedTensor(codes.reshape(30, 40), np.concatenate([np.zeros(1, np.float32), levels]))


def on_trellis(generator, shape=(15, 7, 3, 3), spread=2.0, most=127):
    """Rows on the trellis: places drawn at random stand for multiples by the document's words."""
    places = np.round(generator.laplace(size=(shape[0], *shape[1:])) * spread).clip(-most, most)
    rows = places.reshape(shape[0], -1).astype(int)
    multiples = np.zeros(rows.shape, np.int16)
    for row, own in enumerate(rows):
        state = 0
        for column, place in enumerate(own):
            multiples[row, column] = 2 * place - np.sign(place) * (state % 2)
            state = second_decoder.AFTER[state][place % 2]
    return from_multiples(multiples.reshape(shape), 0.07, on_trellis=True)


def fresh_layers(seed):
    """Layers as today's quantizers make them, by name; 20 to 6,000 weights each."""
    generator = np.random.default_rng(seed)
    multiples = generator.integers(-127, 128, (24, 10, 3, 3)).astype(np.int16)
    wide, kernels = (60, 75), (16, 8, 3, 3)
    layers = {
        "zeros": quantize_tensor(np.zeros((6, 20), np.float32), "kmeans", 5),
        "one level": quantize_tensor(pruned(generator, wide), "kmeans", 1),
        "one level, scales": quantize_tensor(pruned(generator, wide), "uniform-row", 1),
        "255 levels": quantize_tensor(pruned(generator, wide), "kmeans", 8),
        "255 of a grid": from_multiples(multiples, 0.01),
        "every level of a grid": every_level(generator),
        "a vector": quantize_tensor(pruned(generator, (200,)), "uniform", 3),
        "three dimensions": quantize_tensor(pruned(generator, (9, 8, 7)), "kmeans-row", 4),
        "models": uneven(generator),
        "coefficients": from_multiples(multiples, 0.01, True),
        "coefficients, models": replace(uneven(generator), transformed=True),
        "trellis": on_trellis(generator),
        "trellis, ones": on_trellis(generator, (9, 40), 0.4, 1),
        "trellis, all places": on_trellis(generator, (30, 60), 50),
        "trellis, coefficients": replace(on_trellis(generator), transformed=True),
    }
    for name, layer in list(layers.items()):
        shape = (*layer.codes.shape, 1)
        scales = (2.0 ** generator.uniform(-6, 6, shape[1])).astype(np.float16)
        layers[f"inputs, {name}"] = replace(layer, input_scales=scales.astype(np.float32))
    for quantizer in ("kmeans", "uniform", "kmeans-row", "uniform-row"):
        bits = int(generator.integers(2, 7))
        quantized = quantize_tensor(pruned(generator, kernels), quantizer, bits)
        layers[quantizer] = quantized
        layers[f"coefficients, {quantizer}"] = replace(quantized, transformed=True)
    return {f"backbone.{name}.weight": quantized for name, quantized in layers.items()}


def any_labels(names):
    """Each part and role in turn."""
    pairs = [Label(part, role) for role in Role for part in Part]
    return {name: pairs[number % len(pairs)] for number, name in enumerate(names)}


def assert_as_coefficients_say(found, quantized):
    """Weights from coefficients agree but for the order of a sum, which the document leaves open.

    That is one unit in float32's last place, or where a sum is all but zero, float64's rounding.
    """
    largest = float(np.abs(replace(quantized, transformed=False).dequantize()).max())
    expected = quantized.dequantize()
    np.testing.assert_allclose(found, expected, rtol=2.0**-22, atol=1e-14 * largest)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_decoders_read_fresh_files_alike(tmp_path, seed):
    quantized = fresh_layers(seed)
    assert model_of(quantized["backbone.models.weight"]).models > 1
    tensors = {name: layer.dequantize() for name, layer in quantized.items()}
    for name in ("projection.bias", "pooling.exponent"):
        tensors[name] = np.random.default_rng(seed).normal(size=9).astype(np.float32)
    whole = np.random.default_rng(seed).integers(-9, 10, 40).astype(np.float32)
    tensors["backbone.bias"] = whole * np.float32(2.0**-seed)
    labels = any_labels(quantized) | {
        "projection.bias": Label(Part.PROJECTION, Role.BIAS),
        "backbone.bias": Label(Part.BACKBONE, Role.BIAS),
        "pooling.exponent": Label(Part.POOLING, Role.OTHER),
    }
    path, small = tmp_path / "m.pvlad", ("float16", "float32")[seed % 2]
    contents = Contents(tensors, labels, {"note": seed})
    write_compressed(path, contents, quantized, small)
    data = path.read_bytes()
    assert second_decoder.read_header(data)[0]["note"] == seed
    second = second_decoder.read_layers(data)
    library = list(CompressedModel(io.BytesIO(data)))
    assert [layer.name for layer in second] == [layer.name for layer, _ in library]
    for mine, (layer, held) in zip(second, library, strict=True):
        assert (mine.shape, mine.coding) == (layer.shape, layer.coding)
        assert Label(Part(mine.part), Role(mine.role)) == layer.label == labels[layer.name]
        if not isinstance(held, QuantizedTensor):
            assert mine.values.tobytes() == held.tobytes(), layer.name
            continue
        np.testing.assert_array_equal(mine.codes, held.codes, layer.name)
        np.testing.assert_array_equal(mine.codes, quantized[layer.name].codes, layer.name)
        if held.transformed:
            assert_as_coefficients_say(mine.values, held)
        else:
            assert mine.values.tobytes() == held.dequantize().tobytes(), layer.name
    assert sum(mine.codes is not None for mine in second) == len(quantized)
    codings = {mine.name: mine.coding for mine in second}
    assert (codings["projection.bias"], codings["pooling.exponent"]) == (small, "float32")
    assert codings["backbone.bias"] == "multiples"


def assert_refused(data, message):
    """By both decoders; the second one says `message`."""
    with pytest.raises(ValueError, match=message):
        second_decoder.decode(data)
    with pytest.raises(FormatError):
        list(CompressedModel(io.BytesIO(data)))


PREFIX = struct.Struct("<8sHII")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            "prefix",
            "does not begin|version 2 or 3|entry is malformed|end too early|header's checksum",
        ),
        ("header", "header's checksum differs"),
        ("payloads", "the checksum differs"),
    ],
)
def test_a_flipped_byte_is_refused(part, message, seed):
    data = bytearray(FILE.read_bytes())
    header_end = PREFIX.size + PREFIX.unpack_from(data)[2]
    parts = {
        "prefix": (0, PREFIX.size),
        "header": (PREFIX.size, header_end),
        "payloads": (header_end, len(data)),
    }
    generator = np.random.default_rng(seed)
    data[generator.integers(*parts[part])] ^= int(generator.integers(1, 256))
    assert_refused(bytes(data), message)


def with_header(change, version=2):
    """The golden file with its header changed, or its version, and the checksum right."""
    data = FILE.read_bytes()
    header, pieces = second_decoder.read_header(data)
    change(header)
    packed = zlib.compress(json.dumps(header).encode())
    prefix = PREFIX.pack(second_decoder.MAGIC, version, len(packed), zlib.crc32(packed))
    return b"".join([prefix, packed, *(payload for _, payload in pieces)])


def set_entry(place, value):
    def change(header):
        header["layers"][0][place] = value

    return change


@pytest.mark.parametrize(
    ("change", "version", "message"),
    [
        (set_entry(0, "head.weight"), 2, "no name of version 2"),
        (set_entry(0, "backbone"), 2, "no name of version 2"),
        (set_entry(0, "pooling.weight"), 2, "no name of version 2"),
        (set_entry(slice(1, 1), ["backbone", "convolution"]), 2, "entry is malformed"),
        (set_entry(slice(1, 1), ["backbone", "convolution"]), 3, "entry is malformed"),
        (set_entry(slice(1, 1), ["netvlad", "convolution"]), 3, "an unknown part or role"),
        (set_entry(slice(1, 1), ["backbone", "conv"]), 3, "an unknown part or role"),
        (lambda header: None, 1, "not of version 2 or 3"),
        (lambda header: None, 4, "not of version 2 or 3"),
    ],
)
def test_entries_of_another_version_are_refused(change, version, message):
    assert_refused(with_header(change, version), message)


@pytest.mark.parametrize(
    "architecture",
    [
        None,
        "vgg16",
        ARCHITECTURE,
        {"backbone": "vgg16", "width": 0.03, "clusters": 3},
        {"backbone": "vgg16", "width": 0.03, "clusters": 3, "descriptor": 6, "more": 1},
        {"backbone": 16, "width": 0.03, "clusters": 3, "descriptor": 6},
    ],
)
def test_an_architecture_that_is_not_of_version_2_is_refused(architecture):
    def change(header):
        header["architecture"] = architecture

    with pytest.raises(FormatError, match=r"architecture .* is not one of version 2"):
        CompressedModel(io.BytesIO(with_header(change)))


def with_payload(name, change):
    """The golden file with one layer's payload changed, its length and checksums right again."""
    header, pieces = second_decoder.read_header(FILE.read_bytes())
    payloads = []
    for entry, (_, payload) in zip(header["layers"], pieces, strict=True):
        payload = bytes(change(bytearray(payload))) if entry[0] == name else payload
        entry[3:] = [len(payload), zlib.crc32(payload)]
        payloads.append(payload)
    packed = zlib.compress(json.dumps(header).encode())
    prefix = PREFIX.pack(second_decoder.MAGIC, 2, len(packed), zlib.crc32(packed))
    return b"".join([prefix, packed, *payloads])


def flip(place):
    def change(payload):
        payload[place] ^= 0x10
        return payload

    return change


def with_side(change):
    """A change of the side information, which is packed again."""

    def changed(payload):
        side, rest = side_information(bytes(payload))
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(bytes(change(bytearray(side)))) + packer.flush()
        return bytes([len(packed) & 0x7F | 0x80, len(packed) >> 7]) + packed + rest

    return changed


LAYER = "backbone.conv5_1.weight"


def test_a_payload_that_is_packed_again_is_read(numbers):
    """So what the next test refuses is refused for its change alone."""
    data = with_payload(LAYER, with_side(lambda side: side))
    assert data != FILE.read_bytes()
    assert_same_bits(second_decoder.decode(data)[1], weights_of(numbers))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flip(-1), "states do not end|too early"),  # the last word
        (flip(-97), "states do not end|too early"),
        (lambda payload: payload + bytes(4), "words are left over"),
        (lambda payload: payload[:-4], "too early"),
        (lambda payload: payload + b"\0", "words are left over"),
        (with_side(flip(-1)), "do not sum to 65,536"),  # a frequency
        (with_side(lambda side: side + b"\0"), "side information is left over"),
        (with_side(lambda side: side[:-1]), "too early"),
        (with_side(lambda side: bytes([side[0] | 32]) + side[1:]), "a flag is unknown"),
        (with_side(lambda side: side[:1] + b"\1\0" + side[3:]), "at least two levels"),
        (with_side(lambda side: side[:1] + b"\0\1" + side[3:]), "too many levels"),
    ],
)
def test_damage_with_right_checksums_is_refused(change, message):
    assert_refused(with_payload(LAYER, change), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flip(-1), "states do not end"),
        (lambda payload: payload[:-1] + b"\x80", "out of range"),
        (lambda payload: payload[:-32] + bytes(32), "out of range"),
        (lambda payload: payload[:-1], "too early"),
    ],
)
def test_wrong_states_are_refused(change, message):
    """In the layer of zeros, whose payload ends with the states: it has no words."""
    assert_refused(with_payload("netvlad.centres", change), message)


def test_a_file_of_another_length_is_refused():
    data = FILE.read_bytes()
    assert_refused(data[:-1], "too early")
    assert_refused(data + b"\0", "bytes follow the last payload")
