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
from pocketvlad.compressed_file import CompressedModel, read_compressed, write_compressed
from pocketvlad.format_error import FormatError
from pocketvlad.model_file import read_model
from pocketvlad.quantize import quantize_tensor
from pocketvlad.quantized_tensor import QuantizedTensor, grid
from pocketvlad.rd.quantize import from_multiples
from pocketvlad.symbol_model import model_of

GOLDEN = Path(__file__).parent / "golden"
FILE = GOLDEN / "version2.pvlad"
NOT_WEIGHTS = {"image", "descriptor"}


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
    return {name: array for name, array in numbers.items() if name not in NOT_WEIGHTS}


def test_the_golden_file_is_read_to_the_same_numbers(numbers, header):
    found, read = read_compressed(FILE)
    assert_same_bits(found, weights_of(numbers))
    assert read == {key: value for key, value in header.items() if key != "layers"}


def test_the_second_decoder_reads_the_same_numbers(numbers, header):
    read, found = second_decoder.decode(FILE.read_bytes())
    assert_same_bits(found, weights_of(numbers))
    assert read == header


@pytest.mark.parametrize("file", ["version2.pvlad", "version2.safetensors"])
def test_the_golden_network_describes_alike(numbers, header, file):
    model = read_model(GOLDEN / file)
    assert model.network.architecture.as_dict() == header["architecture"]
    with torch.no_grad():
        descriptor = model.network(torch.from_numpy(numbers["image"])).numpy()
    np.testing.assert_allclose(descriptor, numbers["descriptor"], rtol=0, atol=1e-5)


def test_the_golden_uncompressed_model_has_the_same_numbers(numbers):
    state = read_model(GOLDEN / "version2.safetensors").network.state_dict()
    found = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in state.items()}
    assert_same_bits(found, weights_of(numbers))


def side_information(payload):
    """(side information unpacked, the coder's states and words) of a layer of symbols."""
    begin = next(place for place, byte in enumerate(payload) if byte < 0x80) + 1
    unpacker = zlib.decompressobj(-15)
    side = unpacker.decompress(payload[begin:])
    return side, unpacker.unused_data


def test_the_golden_file_takes_every_branch():
    kinds, levels, models, codings = set(), set(), set(), set()
    for entry, payload in second_decoder.read_header(FILE.read_bytes())[1]:
        _, shape, coding, _, _ = entry
        codings.add((coding, len(shape)))
        if coding == "symbols":
            side, _ = side_information(payload)
            flags, count = struct.unpack_from("<BH", side)
            kinds.add(flags)
            levels.add(count)
            ends = 8 if flags & 1 else 4 * count
            models.add(side[3 + ends + (2 * shape[0] if flags & 2 else 0)])
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
    }
    for quantizer in ("kmeans", "uniform", "kmeans-row", "uniform-row"):
        bits = int(generator.integers(2, 7))
        quantized = quantize_tensor(pruned(generator, kernels), quantizer, bits)
        layers[quantizer] = quantized
        layers[f"coefficients, {quantizer}"] = replace(quantized, transformed=True)
    return {f"backbone.{name}.weight": quantized for name, quantized in layers.items()}


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
    tensors["whitening.bias"] = np.random.default_rng(seed).normal(size=9).astype(np.float32)
    path = tmp_path / "m.pvlad"
    write_compressed(path, tensors, quantized, {"note": seed}, ("float16", "float32")[seed % 2])
    data = path.read_bytes()
    second = second_decoder.read_layers(data)
    library = list(CompressedModel(io.BytesIO(data)))
    assert [layer.name for layer in second] == [layer.name for layer, _ in library]
    for mine, (layer, held) in zip(second, library, strict=True):
        assert (mine.shape, mine.coding) == (layer.shape, layer.coding)
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
        ("prefix", "does not begin|version 2|end too early|header's checksum"),
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


def with_payload(name, change):
    """The golden file with one layer's payload changed, its length and checksums right again."""
    header, pieces = second_decoder.read_header(FILE.read_bytes())
    payloads = []
    for entry, payload in pieces:
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
        (with_side(lambda side: bytes([side[0] | 8]) + side[1:]), "a flag is unknown"),
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
