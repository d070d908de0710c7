"""The page's decoder of models, written from docs/format.md alone: the same numbers, or refused."""

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import test_golden
from page_reader import needs_node, read_models
from test_compressed_file import (
    assemble,
    parts,
    some_tensors,
    varied_tensor,
    with_payload,
    with_side,
    write,
)
from test_compressed_file import test_a_bad_layer_with_right_checksums_is_refused as bad_layers
from test_compressed_file import test_a_header_that_is_none_is_refused as no_headers
from test_compressed_file import test_a_lying_header_is_refused_in_bounded_memory as lying_headers
from test_compressed_file import test_bad_scales_with_right_checksums_are_refused as bad_scales
from test_compressed_file import test_bad_side_information_is_refused as bad_sides
from test_whole_multiples import test_hostile_payloads_are_refused_by_both as bad_multiples

from pocketvlad.format.compressed_file import CompressedModel, write_compressed
from pocketvlad.format.contents import Contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Label, Part, Role

pytestmark = needs_node

GOLDEN = Path(__file__).parent / "golden"
MOST = 1 << 20  # weights


def library(data):
    """What Python's decoder makes of a file: None if it refuses it, else [(layer, held)]."""
    try:
        return list(CompressedModel(io.BytesIO(data), max_weights=MOST))
    except FormatError:
        return None


def assert_alike(data, page):
    """`page` is what both decoders make of `data`; returns whether they refuse it."""
    expected = library(data)
    assert ("refused" in page) == (expected is None), page
    if expected is None:
        return True
    assert [layer["name"] for layer in page["layers"]] == [layer.name for layer, _ in expected]
    for found, (layer, held) in zip(page["layers"], expected, strict=True):
        assert Label(Part(found["part"]), Role(found["role"])) == layer.label
        assert (tuple(found["shape"]), found["coding"]) == (layer.shape, layer.coding)
        if not isinstance(held, QuantizedTensor):
            assert found["values"].tobytes() == held.tobytes(), layer.name
            continue
        assert found["symbols"] == hashlib.sha256(held.codes.tobytes()).hexdigest(), layer.name
        if held.transformed:
            test_golden.assert_as_coefficients_say(found["values"], held)
        else:
            assert found["values"].tobytes() == held.dequantize().tobytes(), layer.name
    return False


def verdicts(files):
    """Whether both decoders refuse each of `files`, which they read alike."""
    found, used = read_models(files, MOST)
    assert used["memory"] < 400e6, used
    return [assert_alike(data, page) for data, page in zip(files, found, strict=True)]


def changes(test):
    """The first of what a test of Python's decoder is repeated for."""
    [mark] = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return [each[0] if isinstance(each, tuple) else each for each in mark.args[1]]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Three good files, by what is special in them, as in tests/test_compressed_file.py."""
    folder = tmp_path_factory.mktemp("good")
    write(folder / "real", some_tensors())
    write(folder / "scaled", some_tensors(), "uniform-row")
    name, quantized = "projection.weight", varied_tensor()
    label = Label(Part.PROJECTION, Role.LINEAR)
    contents = Contents({name: quantized.dequantize()}, {name: label}, {"note": "varied"})
    write_compressed(folder / "varied", contents, {name: quantized})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_golden_files_have_the_same_numbers():
    paths = sorted(GOLDEN.glob("*.pvlad"))
    assert len(paths) > 4
    found, _ = read_models([path.read_bytes() for path in paths])
    for path, page in zip(paths, found, strict=True):
        name = "version2" if path.stem == "version3" else path.stem
        with np.load(GOLDEN / f"{name}.npz") as arrays:
            expected = test_golden.weights_of(arrays)
        if path.stem == "version3":
            expected = test_golden.renamed(expected)
        test_golden.assert_same_bits({x["name"]: x["values"] for x in page["layers"]}, expected)
        assert page["header"]["layers"][0][0] == page["layers"][0]["name"]


@pytest.mark.parametrize("seed", [1, 2])
def test_fresh_files_of_every_kind_are_read_alike(tmp_path, seed):
    generator = np.random.default_rng(seed)
    quantized = test_golden.fresh_layers(seed)
    tensors = {name: layer.dequantize() for name, layer in quantized.items()}
    tensors["projection.bias"] = generator.normal(size=9).astype(np.float32)
    tensors["pooling.exponent"] = np.float32(3.1)
    tensors["backbone.bias"] = generator.integers(-9, 10, 40).astype(np.float32) / 2**seed
    tensors["backbone.large.bias"] = generator.integers(-2, 3, 900).astype(np.float32) * 2**seed
    labels = test_golden.any_labels(quantized) | {
        "projection.bias": Label(Part.PROJECTION, Role.BIAS),
        "pooling.exponent": Label(Part.POOLING, Role.OTHER),
        "backbone.bias": Label(Part.BACKBONE, Role.BIAS),
        "backbone.large.bias": Label(Part.BACKBONE, Role.BIAS),
    }
    tensors = {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items()}
    contents = Contents(tensors, labels, {"note": "Zürich"})
    small = ("float16", "float32")[seed % 2]
    write_compressed(tmp_path / "m.pvlad", contents, quantized, small)
    data = (tmp_path / "m.pvlad").read_bytes()
    [page], _ = read_models([data])
    assert not assert_alike(data, page)
    assert {layer["coding"] for layer in page["layers"]} >= {"symbols", "multiples", small}
    assert page["header"]["note"] == "Zürich"


def test_damage_is_refused(good):
    data = good["real"]
    flipped = []
    for position in range(0, len(data), 29):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        flipped.append(bytes(damaged))
    cuts = [data[:kept] for kept in (0, 5, 17, 100, len(data) // 2, len(data) - 1)]
    assert all(verdicts([*flipped, *cuts, data + b"\0"]))
    assert verdicts(list(good.values())) == [False] * 3


def test_lying_headers_are_refused_in_bounded_memory(good):
    header, payloads = parts(good["real"])
    files = [assemble(header, payloads, version) for version in (0, 1, 4, 9, 65535)]
    for change in changes(lying_headers):
        lie = json.loads(json.dumps(header))
        change(lie)
        files.append(assemble(lie, payloads))
    files.extend(assemble(text, payloads) for text in changes(no_headers))
    assert all(verdicts(files))
    assert not any(verdicts([assemble(header, payloads)]))


def test_layers_with_right_checksums_are_refused_alike(good):
    files = [with_payload(good["real"], change) for change in changes(bad_layers)]
    files.extend(with_side(good["real"], change) for change in changes(bad_sides))
    files.extend(with_side(good["scaled"], change) for change in changes(bad_scales))
    assert all(verdicts(files))


def test_hostile_multiples_are_refused_alike():
    [mark] = bad_multiples.pytestmark
    files = []
    for payload, count, _ in mark.args[1]:
        about = ["a.bias", "backbone", "bias", [count], "multiples"]
        entry = [*about, len(payload), zlib.crc32(payload)]
        files.append(assemble({"layers": [entry]}, payload))
    assert all(verdicts(files))


def test_damage_of_version_2_is_refused_alike():
    of_layer = test_golden.test_damage_with_right_checksums_is_refused
    of_states = test_golden.test_wrong_states_are_refused
    files = [test_golden.with_payload(test_golden.LAYER, x) for x in changes(of_layer)]
    files.extend(test_golden.with_payload("netvlad.centres", x) for x in changes(of_states))
    of_entries = test_golden.test_entries_of_another_version_are_refused
    [mark] = of_entries.pytestmark
    files.extend(test_golden.with_header(change, version) for change, version, _ in mark.args[1])
    for architecture in changes(
        test_golden.test_an_architecture_that_is_not_of_version_2_is_refused
    ):

        def change(header, architecture=architecture):
            header["architecture"] = architecture

        files.append(test_golden.with_header(change))
    assert all(verdicts(files))


@pytest.mark.parametrize("part", [None, with_payload, with_side])
def test_random_mutations_are_judged_alike(good, part):
    """Bytes changed, cut or inserted: anywhere, or in a layer, with checksums that are right."""
    generator = np.random.default_rng(0)

    def mutated(data):
        data = bytearray(data)
        for _ in range(generator.integers(1, 5)):
            most = generator.choice([300, len(data)])
            place = int(generator.integers(0, max(1, min(most, len(data)))))
            span, noise = int(generator.integers(1, 9)), generator.bytes(generator.integers(1, 9))
            kind = generator.integers(0, 4)
            if kind == 0:
                data[place : place + 1] = noise[:1]
            elif kind == 1:
                del data[place : place + span]
            elif kind == 2:
                data[place:place] = noise
            else:
                data[place : place + len(noise)] = noise
        return bytes(data)

    originals = list(good.values())
    files = []
    for number in range(300):
        data = originals[number % len(originals)]
        files.append(mutated(data) if part is None else part(data, mutated))
    refused = verdicts(files)
    assert sum(refused) > 200
    # A change of sizes or levels may leave a good file, of other numbers.
    assert part is not with_side or not all(refused)


def test_a_state_is_looked_at_before_there_is_memory_for_weights():
    side = struct.pack("<BHBB", 0, 0, 1, 0) + bytes(1 + 1024 + 1023) + b"\x80\x80\x04"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(side) + packer.flush()
    payload = bytes([len(packed) | 0x80, 0]) + packed + bytes(32)
    entry = [
        "a",
        "backbone",
        "linear",
        [1, 1024, 1023],
        "symbols",
        len(payload),
        zlib.crc32(payload),
    ]
    [page], used = read_models([assemble({"layers": [entry]}, payload)])
    assert "state of the symbols" in page["refused"]
    assert used["memory"] < 200e6


ODD_HEADERS = [
    b"\xef\xbb\xbf%s",  # a mark of the order of bytes
    b" \n%s\t ",
    b'{"a": NaN, %s',
    b'{"a": -Infinity, %s',
    b'{"a": 1e999, %s',
    b'{"a": "\\ud800", %s',
    b'{"a": "\xed\xa0\x80", %s',
    b'{"a": "\x01", %s',
    b'{"layers": 5, %s',  # the last one counts
    b'{"a": 01, %s',
    b'{"a": [1,], %s',
    b"{'a': 1, %s",
    b'{"a": "NaN, 1.5, \\"2.5", %s',
    b'{"a": -1' + 400 * b"0" + b", %s",
]


GOOD_JSON = {1, 5, 8, 12}


def test_odd_json_is_judged_alike(good):
    header, payloads = parts(good["real"])
    text = json.dumps(header).encode()
    files = []
    for odd in ODD_HEADERS:
        rest = text[1:] if odd.lstrip().startswith(b"{") else text
        files.append(assemble(odd.replace(b"%s", rest), payloads))
    files.append(assemble(text.decode().encode("utf-16"), payloads))
    files.append(assemble(text.replace(b"[40, 500]", b"[4e1, 500]"), payloads))
    assert text.replace(b"[40, 500]", b"") != text
    assert verdicts(files) == [number not in GOOD_JSON for number in range(len(files))]
