"""The compressed file: exact, small, and safe to open whoever made it."""

import json
import struct
import time
import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import idctn

from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.quantizer_names import QUANTIZERS
from pocketvlad.compression.rd.multiples import from_multiples
from pocketvlad.format.compressed_file import (
    MAGIC,
    VERSION,
    CompressedModel,
    open_compressed,
    read_compressed,
    write_compressed,
)
from pocketvlad.format.contents import Contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.layer_coding import decode_layer, encode_layer, side_information_bytes
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.format.stored import is_compressed
from pocketvlad.format.symbol_model import coded_bits, model_of
from pocketvlad.networks.model import read_model

PREFIX = struct.Struct("<8sHII")
HEADER = {
    "architecture": {
        "backbone": {"type": "alexnet", "width": 0.1},
        "pooling": {"type": "netvlad", "clusters": 4},
        "projection": {"type": "pca-whitening", "length": 8},
    },
    "preprocessing": {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0]},
    "compression": {"threshold": "0.005"},
}
LABELS = {
    "backbone.conv1.weight": Label(Part.BACKBONE, Role.CONVOLUTION),
    "backbone.conv1.bias": Label(Part.BACKBONE, Role.BIAS),
    "pooling.centres": Label(Part.POOLING, Role.CLUSTER),
    "projection.weight": Label(Part.PROJECTION, Role.LINEAR),
}


def some_tensors(seed=0):
    generator = np.random.default_rng(seed)
    weight = generator.normal(size=(40, 500)).astype(np.float32)
    weight[np.abs(weight) < 0.8] = 0
    return {
        "backbone.conv1.weight": generator.normal(size=(4, 3, 2, 2)).astype(np.float32),
        "backbone.conv1.bias": generator.normal(size=4).astype(np.float32),
        "pooling.centres": np.zeros((3, 5), dtype=np.float32),
        "projection.weight": weight,
    }


def write(path, tensors, quantizer="kmeans", bits=5, **options):
    contents = Contents(tensors, LABELS, HEADER)
    quantized = quantize_contents(contents, quantizer, bits)
    write_compressed(path, contents, quantized, **options)
    return quantized


@pytest.fixture(scope="module")
def real_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "m.pvlad"
    write(path, some_tensors())
    return path.read_bytes()


@pytest.fixture(scope="module")
def scaled_file(tmp_path_factory):
    """One whose rows have scales, and whose levels are a grid."""
    path = tmp_path_factory.mktemp("scaled") / "m.pvlad"
    write(path, some_tensors(), "uniform-row")
    return path.read_bytes()


def varied_tensor():
    """Coefficients of kernels whose rows, lines and places are of very different sizes."""
    generator = np.random.default_rng(4)
    sizes = [2.0 ** generator.integers(-2, 3, count) for count in (40, 20, 25)]
    sizes = sizes[0][:, None, None] * sizes[1][:, None] * sizes[2]
    multiples = np.clip(np.round(generator.laplace(size=(40, 20, 25)) * sizes), -40, 40)
    scales = (2.0 ** generator.integers(-3, 1, 40)).astype(np.float32)
    tensor = from_multiples(multiples.reshape(40, 20, 5, 5).astype(np.int16), 0.25, True)
    return replace(tensor, scales=scales)


@pytest.fixture(scope="module")
def varied_file(tmp_path_factory):
    """One with many models of symbols, and the first of them for a sum of sizes above 0."""
    path, quantized = tmp_path_factory.mktemp("varied") / "m.pvlad", varied_tensor()
    model = model_of(quantized)
    assert model.models > 8
    assert model.low > 2
    name = "projection.weight"
    contents = Contents({name: quantized.dequantize()}, {name: LABELS[name]}, HEADER)
    write_compressed(path, contents, {name: quantized})
    return path.read_bytes()


def decode(data):
    """All that a reader does with a file, from bytes."""
    import io

    model = CompressedModel(io.BytesIO(data), max_weights=1 << 20)
    return model.header, {layer.name: held for layer, held in model}


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_the_file_decodes_to_exactly_what_was_quantized(tmp_path, quantizer, bits):
    tensors, path = some_tensors(), tmp_path / "m.pvlad"
    quantized = write(path, tensors, quantizer, bits)
    decoded = read_compressed(path)
    assert decoded.header == HEADER
    assert decoded.labels == LABELS
    assert list(decoded.tensors) == list(tensors)
    for name, tensor in tensors.items():
        expected = quantized[name].dequantize() if name in quantized else tensor
        np.testing.assert_array_equal(decoded.tensors[name], expected)
        assert decoded.tensors[name].dtype == np.float32
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("bits", [5, 8])
def test_the_size_is_the_entropy_and_the_side_information(tmp_path, quantizer, bits):
    tensors, path = some_tensors(), tmp_path / "m.pvlad"
    quantized = write(path, tensors, quantizer, bits)
    with open_compressed(path) as model:
        coded = [layer for layer in model.layers if layer.coding == "symbols"]
        rest = path.stat().st_size - sum(layer.bytes for layer in coded)
    ideal = sum(
        coded_bits(quantized[layer.name]) / 8 + side_information_bytes(quantized[layer.name])
        for layer in coded
    )
    assert "projection.weight" in {layer.name for layer in coded}
    assert path.stat().st_size <= 1.02 * (ideal + rest)


def test_many_models_of_symbols_decode_to_what_was_written(varied_file):
    _, layers = decode(varied_file)
    found, expected = layers["projection.weight"], varied_tensor()
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.dequantize(), expected.dequantize())
    # Fewer than by one model of all symbols.
    counts = np.bincount(expected.codes.ravel())
    shares = counts[counts > 0] / counts.sum()
    assert len(varied_file) < -20_000 * (shares * np.log2(shares)).sum() / 8


def test_a_layer_too_small_for_a_codebook_is_stored_as_it_is(tmp_path):
    path = tmp_path / "m.pvlad"
    write(path, some_tensors(), bits=8)
    with open_compressed(path) as model:
        codings = {layer.name: layer.coding for layer in model.layers}
    assert codings["backbone.conv1.weight"] == "float32"
    assert codings["projection.weight"] == "symbols"


def test_small_tensors_in_half_precision(tmp_path):
    tensors, path = some_tensors(), tmp_path / "m.pvlad"
    write(path, tensors, small="float16")
    bias = read_compressed(path).tensors["backbone.conv1.bias"]
    expected = tensors["backbone.conv1.bias"].astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(bias, expected)
    assert not np.array_equal(bias, tensors["backbone.conv1.bias"])
    tensors["backbone.conv1.bias"][0] = 70_000  # more than half precision can hold
    write(path, tensors, small="float16")
    kept = read_compressed(path).tensors["backbone.conv1.bias"]
    np.testing.assert_array_equal(kept, tensors["backbone.conv1.bias"])


def test_what_is_neither_weight_nor_bias_keeps_its_precision(tmp_path):
    """Variances, say: half precision would make nothing of the small ones."""
    path, name = tmp_path / "m.pvlad", "backbone.norm.running_var"
    variances = np.array([1e-9, 1 / 3, 7.0], np.float32)
    tensors = some_tensors() | {name: variances}
    labels = LABELS | {name: Label(Part.BACKBONE, Role.OTHER)}
    contents = Contents(tensors, labels, HEADER)
    quantized = quantize_contents(contents, "kmeans", 5)
    assert name not in quantized
    write_compressed(path, contents, quantized, small="float16")
    with open_compressed(path) as model:
        codings = {layer.name: layer.coding for layer in model.layers}
    assert codings[name] == "float32"
    assert codings["backbone.conv1.bias"] == "float16"
    np.testing.assert_array_equal(read_compressed(path).tensors[name], variances)


def test_same_input_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name, some_tensors())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert is_compressed(tmp_path / "a")


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.pvlad"
    write(path, some_tensors())
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pocketvlad.format.compressed_file.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write(path, some_tensors(1))
    assert path.read_bytes() == before


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    tensors, path = some_tensors(), tmp_path / "m.pvlad"
    tensors["backbone.conv1.bias"][1] = np.nan
    with pytest.raises(ValueError, match=r"m\.pvlad: backbone\.conv1\.bias is not finite.*rate"):
        write(path, tensors)
    assert not list(tmp_path.iterdir())


def one_layer(shape=(20, 30), name="projection.weight", header=HEADER):
    weight = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return Contents({name: weight}, {name: LABELS["projection.weight"]}, header)


def many_layers(count):
    tensors = {f"a{n}": np.ones(1, np.float32) for n in range(count)}
    return Contents(tensors, dict.fromkeys(tensors, LABELS["projection.weight"]), HEADER)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (many_layers(0), "0 layers; 1 to 4096 are allowed"),
        (many_layers(4097), "4097 layers; 1 to 4096 are allowed"),
        (one_layer([1] * 9), "layer projection.weight: 9 dimensions; at most 8"),
        (one_layer([3, 0]), "layer projection.weight: a dimension of 0; 1 to 1099511627776 are"),
        (one_layer(name="half \ud800"), r"layer half \\ud800: its name is no text that UTF-8"),
        (one_layer(name="\u20ac" * 300_000), "a header of 18.* bytes; at most 1048576 are"),
        (one_layer(header={"origin": "a" * (1 << 20)}), "a header of 104.* bytes; at most 1048576"),
        (one_layer(header={"origin": float("nan")}), "header cannot be written: .*not JSON"),
        (one_layer(header={"origin": 10**400}), "10000.* is no finite number"),
    ],
    ids=range(9),
)
def test_what_no_reader_takes_is_not_written(tmp_path, contents, message):
    with pytest.raises(FormatError, match=rf"^\S*m\.pvlad: .*{message}"):
        write_compressed(tmp_path / "m.pvlad", contents, {})
    assert not list(tmp_path.iterdir())


CODES = np.random.default_rng(0).integers(0, 5, (20, 30)).astype(np.uint8)
LEVELS = np.arange(5, dtype=np.float32)


@pytest.mark.parametrize(
    ("quantized", "message"),
    [
        (QuantizedTensor(CODES, np.arange(257, dtype=np.float32)), "256 levels and zero: more"),
        (QuantizedTensor(CODES, np.arange(70_000, dtype=np.float32)), "69999 levels and zero"),
        (
            QuantizedTensor(CODES, LEVELS, np.full(20, 1e-9, np.float32)),
            "the scale of a row is not a number above 0: 1e-09 in half precision",
        ),
        (
            QuantizedTensor(CODES, LEVELS, input_scales=np.full(30, 1e6, np.float32)),
            r"the scale of an input is not a number above 0: 1e\+06 in half precision",
        ),
        (
            QuantizedTensor(CODES, LEVELS * np.float32(1e35), np.full(20, 1e4, np.float32)),
            "a level, times its scales or transformed, is not finite",
        ),
        (QuantizedTensor(CODES, LEVELS, transformed=True), "in a layer of 2 dimensions, not 4"),
    ],
)
def test_a_layer_that_no_reader_takes_is_not_written(tmp_path, quantized, message):
    with pytest.raises(FormatError, match=rf"^\S*m\.pvlad: layer projection\.weight: .*{message}"):
        write_compressed(tmp_path / "m.pvlad", one_layer(), {"projection.weight": quantized})
    assert not list(tmp_path.iterdir())


def test_side_information_that_no_reader_unpacks_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("pocketvlad.format.layer_coding._MAX_SIDE", 70)  # for rows and inputs alone
    quantized = {"projection.weight": QuantizedTensor(CODES, LEVELS)}
    with pytest.raises(FormatError, match=r"\d+ bytes before the symbols; at most 70 are allowed"):
        write_compressed(tmp_path / "m.pvlad", one_layer(), quantized)
    assert not list(tmp_path.iterdir())


def test_as_many_layers_and_levels_as_a_file_may_have_are_read_again(tmp_path):
    path = tmp_path / "m.pvlad"
    write_compressed(path, many_layers(4096), {})
    assert len(read_compressed(path).tensors) == 4096
    quantized = QuantizedTensor(CODES, np.arange(256, dtype=np.float32))
    write_compressed(path, one_layer([20, 30]), {"projection.weight": quantized})
    [found] = read_compressed(path).tensors.values()
    np.testing.assert_array_equal(found, CODES)


def test_every_flipped_byte_is_noticed(real_file):
    for position in range(0, len(real_file), 3):
        damaged = bytearray(real_file)
        damaged[position] ^= 0x10
        with pytest.raises(FormatError):
            decode(bytes(damaged))


@pytest.mark.parametrize("kept", [0, 5, 17, 100, 0.5, 0.999])
def test_every_truncation_is_noticed(real_file, kept):
    size = int(kept * len(real_file)) if isinstance(kept, float) else kept
    with pytest.raises(FormatError):
        decode(real_file[:size])


def test_trailing_bytes_are_noticed(real_file):
    with pytest.raises(FormatError, match=r"found, .* declared"):
        decode(real_file + b"\0")


def parts(data):
    """(header as a dict, payloads) of a file."""
    _, _, size, _ = PREFIX.unpack(data[: PREFIX.size])
    end = PREFIX.size + size
    return json.loads(zlib.decompress(data[PREFIX.size : end])), data[end:]


def assemble(header, payloads, version=VERSION):
    """A file with valid checksums around whatever `header` says."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    packed = zlib.compress(text)
    return PREFIX.pack(MAGIC, version, len(packed), zlib.crc32(packed)) + packed + payloads


def test_the_error_names_file_and_layer(tmp_path, real_file):
    path = tmp_path / "broken.pvlad"
    path.write_bytes(real_file[:-1] + bytes([real_file[-1] ^ 1]))
    with pytest.raises(FormatError, match=r"broken\.pvlad: layer projection\.weight: damaged"):
        read_compressed(path)


def test_an_unknown_version_is_named(real_file):
    with pytest.raises(FormatError, match="version 9 is unknown; this program reads 2 and 3"):
        decode(assemble(*parts(real_file), version=9))


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h["layers"][3].__setitem__(3, [10**6, 10**6]),
        lambda h: h["layers"][3].__setitem__(3, [10**12]),
        lambda h: h["layers"][3].__setitem__(3, [2**70, 0]),
        lambda h: h["layers"][3].__setitem__(3, [0, 500]),
        lambda h: h["layers"][3].__setitem__(3, [10**4000, 10**4000]),
        lambda h: [entry.__setitem__(5, 10**4299) for entry in h["layers"]],
        lambda h: h["layers"][3].__setitem__(6, 2**32),
        lambda h: h["layers"][3].__setitem__(0, 5),
        lambda h: h["layers"][3].__setitem__(0, "half of a pair: \ud800"),
        lambda h: h["layers"][3].__setitem__(1, "head"),
        lambda h: h["layers"][3].__setitem__(1, None),
        lambda h: h["layers"][3].__setitem__(1, ["projection"]),
        lambda h: h["layers"][3].__setitem__(2, "weight"),
        lambda h: h["layers"][3].__setitem__(2, {"role": "linear"}),
        lambda h: h["layers"][3].__setitem__(slice(1, 3), []),  # as in version 2
        lambda h: h["layers"][3].append(0),
        lambda h: h.__setitem__("layers", []),
        lambda h: h["layers"][3].__setitem__(3, [-40, -500]),
        lambda h: h["layers"][3].__setitem__(3, [40.0, 500]),
        lambda h: h["layers"][3].__setitem__(3, [True, 20000]),
        lambda h: h["layers"][3].__setitem__(3, [1] * 40),
        lambda h: h["layers"][3].__setitem__(4, "float64"),
        lambda h: h["layers"][3].__setitem__(4, "float16"),
        lambda h: h["layers"][3].__setitem__(5, 10**15),
        lambda h: h["layers"][3].__setitem__(5, -1),
        lambda h: h["layers"][3].pop(),
        lambda h: h["layers"].pop(),
        lambda h: h["layers"].append(h["layers"][0]),
        lambda h: h.__setitem__("layers", 5),
        lambda h: h.__setitem__("layers", [[]] * 10_000),
        lambda h: h.pop("layers"),
    ],
)
def test_a_lying_header_is_refused_in_bounded_memory(real_file, change):
    header, payloads = parts(real_file)
    change(header)
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(FormatError):
        decode(assemble(header, payloads))
    assert time.process_time() - begin < 5
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff\xfe", b" " * (1 << 22)]
)
def test_a_header_that_is_none_is_refused(real_file, text):
    with pytest.raises(FormatError):
        decode(assemble(text, parts(real_file)[1]))


@pytest.mark.parametrize("digits", [310, 400, 5000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_whole_number_that_float64_cannot_hold_is_refused(real_file, digits, sign):
    """Others read it as infinity: docs/format.md has no such number."""
    header, payloads = parts(real_file)
    text = json.dumps(header).replace("[1.0, 2.0, 3.0]", f"[{sign}{'9' * digits}, 2.0, 3.0]")
    with pytest.raises(FormatError, match=r"9999.* is no finite number") as caught:
        decode(assemble(text.encode(), payloads))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "architecture",
    [
        HEADER["architecture"],
        HEADER["architecture"] | {"pooling": {"type": "netvlad", "clusters": 10**12}},
        HEADER["architecture"] | {"backbone": {"type": "resnet", "width": 0.1}},
        HEADER["architecture"] | {"backbone": {"type": "alexnet", "width": "wide"}},
        {"backbone": {"type": "alexnet", "width": 0.1}},
        {"backbone": "alexnet", "width": 0.1, "clusters": 4, "descriptor": 8},
        "alexnet",
        None,
    ],
)
def test_an_architecture_that_the_layers_do_not_fit_is_refused(tmp_path, real_file, architecture):
    header, payloads = parts(real_file)
    header["architecture"] = architecture
    path = tmp_path / "m.pvlad"
    path.write_bytes(assemble(header, payloads))
    with pytest.raises(FormatError, match="does not fit its own header"):
        read_model(path)


def with_payload(data, change):
    """The file with its last layer's payload changed and all checksums right."""
    header, payloads = parts(data)
    entry = header["layers"][-1]
    payload = bytearray(payloads[-entry[5] :])
    changed = bytes(change(payload))
    kept = payloads[: -entry[5]]
    entry[5:] = [len(changed), zlib.crc32(changed)]
    return assemble(header, kept + changed)


def packed(side, after=b""):
    """A layer's side information as a payload begins with it: its length, then raw deflate."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(side) + packer.flush() + after
    length = len(body)
    return bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14]) + body


def with_side(data, change):
    """`with_payload`, of what is packed before the symbols."""

    def changed(payload):
        unpacker = zlib.decompressobj(-15)
        begin = next(i for i, byte in enumerate(payload) if byte < 0x80) + 1
        side = unpacker.decompress(bytes(payload[begin:]))
        return packed(bytes(change(bytearray(side)))) + unpacker.unused_data

    return with_payload(data, changed)


def after_codebook(side):
    """Where the models of a layer without scales begin, and its frequencies; levels are a list."""
    models = 3 + 4 * struct.unpack_from("<H", side, 1)[0]
    return models, models + 2 + 40 + 500 + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: b"\x02\xff\xff" + p, "cannot be read"),
        (lambda p: packed(bytes(1 << 25)) + p, "too long or incomplete"),
        (lambda p: b"\xff\xff\xff\xff\x01" + p, "1 numbers expected, 0 left"),
        (lambda p: packed(bytes(10), b"junk") + p, "too long or incomplete"),
        (lambda p: bytes([p[0], p[1] - 1]) + p[2:], "too long or incomplete|cannot be read"),
        (lambda p: p[:2], "expected, 0 left"),
        (lambda p: p[:-4], "do not end|words"),
    ],
)
def test_a_bad_layer_with_right_checksums_is_refused(real_file, change, message):
    with pytest.raises(FormatError, match=rf"projection\.weight: .*({message})"):
        decode(with_payload(real_file, change))


def changed_at(place, number):
    """The byte at `place` of the models, or of the frequencies, becomes `number`."""
    part, offset = place

    def change(side):
        side[after_codebook(side)[part] + offset] = number
        return side

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: b"\x3f" + p[1:], "kind of codebook 63"),
        (lambda p: bytes([p[0] | 4]) + p[1:], "coefficients of kernels in a layer of 2"),
        (lambda p: p[:1] + b"\xff\xff" + p[3:], "expected, .* left|more than 256"),
        (lambda p: p[:3] + struct.pack("<f", float("nan")) + p[7:], "not finite"),
        (changed_at((0, 0), 0), "0 models of symbols"),
        (changed_at((0, 0), 65), "65 models of symbols; 1 to 64"),
        (changed_at((0, 0), 64), "2048 numbers expected, 32 left"),
        (changed_at((1, 0), 0), "frequencies sum to"),
        (lambda p: p[: after_codebook(p)[1]] + b"\xff\xff\xff\xff\x01" * 99, "more than 4 bytes"),
        (lambda p: p[:2], "expected, 2 left"),
        (lambda p: p[: after_codebook(p)[0] + 20], "40 bytes expected, 18 left"),
        (lambda p: p + b"\0", "1 byte too many"),
    ],
)
def test_bad_side_information_is_refused(real_file, change, message):
    with pytest.raises(FormatError, match=rf"projection\.weight: .*({message})"):
        decode(with_side(real_file, change))


@pytest.mark.parametrize(("low", "size"), [(0, 255), (255, 0)])
def test_sizes_that_lie_choose_models_that_there_are(varied_file, low, size):
    """Whatever sizes say, the nearest model that exists is taken: nothing is read beyond them."""

    def lie(side):
        begin = FIRST_SCALE + 2 * 40 + 1
        side[begin : begin + 1 + 85] = bytes([low, *[size] * 85])
        return side

    with pytest.raises(FormatError, match=r"do not end where their words do"):
        decode(with_side(varied_file, lie))


def test_one_row_of_many_weights_takes_little_memory_to_refuse():
    """2048 x 2048 columns from a payload of a few bytes."""
    side = struct.pack("<BHBB", 0, 0, 1, 0) + bytes(1 + 2048 + 2048) + b"\x80\x80\x04"
    payload = packed(side) + bytes(32)
    tracemalloc.start()
    with pytest.raises(FormatError, match="state of the symbols"):
        decode_layer(payload, (1, 2048, 2048))
    assert tracemalloc.get_traced_memory()[1] < 4 * 2048 * 2048
    tracemalloc.stop()


def test_coefficients_whose_weights_would_overflow_are_refused():
    most = float(np.finfo(np.float32).max)
    tensor = from_multiples(np.ones((4, 5, 3, 3), np.int16), most / 2, True)
    with pytest.raises(FormatError, match="is not finite"):
        decode_layer(encode_layer(tensor), (4, 5, 3, 3))
    tensor = from_multiples(np.ones((4, 5, 3, 3), np.int16), most / 4, True)
    decoded = decode_layer(encode_layer(tensor), (4, 5, 3, 3))
    assert np.isfinite(decoded.dequantize()).all()


@pytest.mark.parametrize("ends", [(1.0, float("inf")), (float("nan"), 1.0)])
def test_a_grid_without_finite_ends_is_refused(ends):
    side = struct.pack("<BHff", 1, 3, *ends)
    with pytest.raises(FormatError, match="a grid of 3 levels from"):
        decode_layer(packed(side), (2, 2))
    with pytest.raises(FormatError, match="a grid of 1 levels from"):
        decode_layer(packed(struct.pack("<BHff", 1, 1, 0.5, 1.0)), (2, 2))


FIRST_SCALE = 1 + 2 + 8  # flags, number of levels, the grid's ends


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:FIRST_SCALE] + b"\0\0" + p[FIRST_SCALE + 2 :], "scale of a row"),
        (lambda p: p[:FIRST_SCALE] + b"\x00\xbc" + p[FIRST_SCALE + 2 :], "scale of a row"),
        (lambda p: p[:FIRST_SCALE] + b"\x00\x7e" + p[FIRST_SCALE + 2 :], "scale of a row"),
        (lambda p: p[:3] + struct.pack("<f", -3e38) + p[7:13] + b"\0\x7b" + p[15:], "not finite"),
        (lambda p: b"\x01" + p[1:], "models of symbols|sum to|left|too long"),
        (lambda p: p[: FIRST_SCALE + 50], "80 bytes expected, 50 left"),
    ],
)
def test_bad_scales_with_right_checksums_are_refused(scaled_file, change, message):
    with pytest.raises(FormatError, match=rf"projection\.weight: .*({message})"):
        decode(with_side(scaled_file, change))


def with_input_scales(scales):
    """A payload of a layer [2, 3] whose inputs have `scales` [3], whatever they are."""
    multiples = np.array([[1, -2, 0], [3, 0, 1]], np.int16)
    return encode_layer(from_multiples(multiples, 0.5, input_scales=np.float32(scales)))


def test_scales_of_inputs_by_hand():
    decoded = decode_layer(with_input_scales([1, 0.25, 8]), (2, 3))
    np.testing.assert_array_equal(decoded.dequantize(), [[0.5, -0.25, 0], [1.5, 0, 4]])
    both = replace(decoded, scales=np.array([2, 4], np.float32))
    again = decode_layer(encode_layer(both), (2, 3))
    np.testing.assert_array_equal(again.dequantize(), [[1, -0.5, 0], [6, 0, 16]])
    kernels = np.random.default_rng(0).integers(-3, 4, (2, 3, 3, 3)).astype(np.int16)
    scales = np.array([1, 0.25, 8], np.float32)
    found = from_multiples(kernels, 0.5, True, scales).dequantize()
    expected = idctn(0.5 * kernels * scales[:, None, None], axes=(2, 3), norm="ortho")
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("scaled", ["scales", "input_scales"])
def test_a_scaled_weight_keeps_its_shape(shape, scaled):
    """Each dimension that a shape does not have counts as 1, and is not added."""
    codes, scales = np.ones(shape, np.uint8), {scaled: np.float32([2])}
    tensor = QuantizedTensor(codes, np.float32([0, 3]), **scales)
    found = decode_layer(encode_layer(tensor), shape).dequantize()
    assert (found.shape, found.tolist()) == (shape, np.full(shape, 6).tolist())


@pytest.mark.parametrize("scale", [0, -1, np.nan, np.inf])
def test_bad_scales_of_inputs_are_refused(scale):
    with pytest.raises(FormatError, match="the scale of an input is not a number above 0"):
        decode_layer(with_input_scales([1, scale, 1]), (2, 3))


def test_scales_whose_weights_would_overflow_are_refused():
    multiples = np.ones((2, 3), np.int16)
    step = float(np.finfo(np.float32).max) / 4
    for scale, kept in ((2, True), (8, False)):
        tensor = from_multiples(multiples, step, input_scales=np.full(3, scale, np.float32))
        if kept:
            assert np.isfinite(decode_layer(encode_layer(tensor), (2, 3)).dequantize()).all()
        else:
            with pytest.raises(FormatError, match="times its scales or transformed"):
                encode_layer(tensor)


def test_scales_that_repeat_take_few_bytes():
    """512 scales, each of 64 columns in turn, as a projection of NetVLAD's vectors has them."""
    generator = np.random.default_rng(0)
    multiples = generator.integers(-1, 2, (4, 512 * 64)).astype(np.int16)
    plain = from_multiples(multiples, 0.5)
    scales = (2.0 ** generator.uniform(0, 6, 512)).astype(np.float16).astype(np.float32)
    scaled = replace(plain, input_scales=scales.repeat(64))
    assert len(encode_layer(scaled)) - len(encode_layer(plain)) < 4 * 512


@settings(deadline=None, max_examples=1500)
@given(data=st.data())
def test_mutated_files_decode_or_are_refused(real_file, scaled_file, varied_file, data):
    """Bytes changed, cut out, doubled or inserted anywhere in a real file."""
    original = data.draw(st.sampled_from([real_file, scaled_file, varied_file]))
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated)))
        kind = data.draw(st.sampled_from(["set", "cut", "insert", "double"]))
        span = data.draw(st.integers(1, 64))
        if kind == "set":
            mutated[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
        elif kind == "cut":
            del mutated[place : place + span]
        elif kind == "insert":
            mutated[place:place] = data.draw(st.binary(min_size=1, max_size=16))
        else:
            mutated[place:place] = mutated[place : place + span]
    if bytes(mutated) != original:
        with pytest.raises(FormatError):
            decode(bytes(mutated))


@settings(deadline=None, max_examples=1500)
@given(data=st.data())
def test_mutated_layers_with_right_checksums_decode_or_are_refused(
    real_file, scaled_file, varied_file, data
):
    """A layer's payload changed by somebody who can compute checksums: never a crash."""
    original = data.draw(st.sampled_from([real_file, scaled_file, varied_file]))

    def change(payload):
        for _ in range(data.draw(st.integers(1, 4))):
            most = data.draw(st.sampled_from([300, len(payload)]))
            place = data.draw(st.integers(0, max(0, min(most, len(payload)) - 1)))
            payload[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
        return payload

    # Half of them in what is packed: codebook, sizes, frequencies.
    part = data.draw(st.sampled_from([with_payload, with_side]))
    try:
        _, layers = decode(part(original, change))
    except FormatError:
        return
    assert layers["projection.weight"].dequantize().size == 20_000
    assert np.isfinite(layers["projection.weight"].dequantize()).all()
