"""Rivals' coders: round trips and sizes against arithmetic of their own, and damaged files."""

import copy
import heapq
import json
import lzma
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from study_tables import CITIES, study_table
from test_test_sets import row_on
from workflow_runs import OFFICIAL

from pocketvlad.baselines.rivals.coders import (
    deep_compression,
    float16,
    int8,
    pvlad,
    symbols,
)
from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.declared import declared_rivals
from pocketvlad.baselines.rivals.half import row_magnitudes
from pocketvlad.baselines.rivals.layers_file import read_layers, write_layers
from pocketvlad.baselines.rivals.process import NNCODEC, ROOT, RivalError, run_step
from pocketvlad.baselines.rivals.source import our_settings, read_source
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.rd.multiples import from_multiples
from pocketvlad.format import trellis
from pocketvlad.format.compressed_file import read_compressed, write_compressed
from pocketvlad.format.contents import Contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.report.figures.size import size_figure
from pocketvlad.report.published import published_results
from pocketvlad.report.tables.rivals import rivals_markdown, rivals_table, with_ours
from pocketvlad.report.test_set_columns import by_test_set
from pocketvlad.study.config import check_config
from pocketvlad.study.faults import ConfigError

LABELS = {
    "backbone.conv1_1.weight": Label(Part.BACKBONE, Role.CONVOLUTION),
    "pooling.centres": Label(Part.POOLING, Role.CLUSTER),
    "projection.weight": Label(Part.PROJECTION, Role.LINEAR),
    "projection.bias": Label(Part.PROJECTION, Role.BIAS),
}
ROLES = {name: label.role for name, label in LABELS.items()}


@pytest.fixture
def tensors():
    """A convolution, centres and a whitening with their biases; 60 % of the weights are zero."""
    generator = np.random.default_rng(0)
    shapes = {
        "backbone.conv1_1.weight": (32, 16, 3, 3),
        "pooling.centres": (8, 32),
        "projection.weight": (48, 256),
    }
    made = {}
    for name, shape in shapes.items():
        weight = generator.normal(size=shape).astype(np.float32)
        made[name] = np.where(np.abs(weight) < 0.84, np.float32(0), weight)
    made["projection.bias"] = generator.normal(size=48).astype(np.float32)
    return made


def test_arrays_of_any_type_come_back():
    arrays = {
        "a": np.arange(6, dtype=np.int8).reshape(2, 3),
        "b": np.array([1.5, -2], dtype=np.float16),
        "none": np.empty((0, 4), dtype=np.uint8),
        "c": np.array([[np.pi]], dtype=">f4"),
    }
    found, header = unpack(pack(arrays, method="xz"))
    assert header == {"method": "xz"}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], r"\d+ bytes follow the prefix, \d+ declared"),
        (lambda data: data + b"x", r"declared"),
        (lambda data: data[:10], "does not begin as a rival's file"),
        (lambda data: b"PK" + data[2:], "does not begin as a rival's file"),
        (lambda data: data[:-5] + bytes([data[-5] ^ 4]) + data[-4:], r"damaged \(checksum\)"),
        (lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:], r"damaged \(checksum\)"),
    ],
)
def test_damage_is_named(tensors, damage, message):
    for coder in (float16, int8, deep_compression):
        with pytest.raises(FormatError, match=message):
            coder.decode(damage(coder.encode(tensors, ROLES)))


def test_no_flipped_byte_goes_unnoticed():
    data = pack({"a": np.arange(20, dtype=np.uint8)})
    for place in range(len(data)):
        with pytest.raises(FormatError):
            unpack(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])


def test_half_precision(tensors):
    tensors["projection.bias"][3] = 70_000  # beyond the largest number of half precision
    data = float16.encode(tensors, ROLES)
    found = float16.decode(data)
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        expected = tensor if name == "projection.bias" else tensor.astype(np.float16)
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == np.float32
    weights = sum(t.size for t in tensors.values())
    assert 2 * weights + 2 * 48 < len(data) < 2 * weights + 2 * 48 + 400


def test_int8_by_hand():
    weight = np.array([[127, -64, 0.4, 0.6], [0, 0, 0, 0], [-2.54, 0.02, 0.011, 0.029]])
    found = int8.decode(int8.encode({"projection.weight": weight.astype(np.float32)}, ROLES))
    expected = [[127, -64, 0, 1], [0, 0, 0, 0], [-2.54, 0.02, 0.02, 0.02]]
    np.testing.assert_allclose(found["projection.weight"], expected, rtol=1e-6)


def test_int8_errs_by_half_a_step_at_most(tensors):
    data = int8.encode(tensors, ROLES)
    found = int8.decode(data)
    for name in ("backbone.conv1_1.weight", "pooling.centres", "projection.weight"):
        rows = tensors[name].reshape(len(tensors[name]), -1)
        error = np.abs(found[name].reshape(rows.shape) - rows).max(axis=1)
        assert (error <= np.abs(rows).max(axis=1) / 254 * (1 + 1e-5)).all()
        assert error.max() > 0
    scales = 32 + 8 + 48
    size = 32 * 16 * 9 + 8 * 32 + 48 * 256 + 4 * scales + 2 * 48
    assert size < len(data) < size + 500


@pytest.mark.parametrize(
    ("codes", "kept", "gaps"),
    [
        ([7, 0, 0, 0, 5], [7, 5], [0, 3]),
        # Four zeros: three, and a filler in the fourth's place.
        ([7, 0, 0, 0, 0, 5], [7, 0, 5], [0, 3, 0]),
        ([0] * 9 + [5], [0, 0, 5], [3, 3, 1]),
        ([5, 0, 0], [5], [0]),  # zeros at the end are not stored
        ([0, 0], [], []),
    ],
)
def test_fillers_by_hand(codes, kept, gaps):
    found = deep_compression.to_gaps(np.array(codes, dtype=np.uint8), 2)
    assert [each.tolist() for each in found] == [kept, gaps]
    back = deep_compression.from_gaps(*found, len(codes))
    assert back.tolist() == codes


@given(st.lists(st.sampled_from([0, 0, 0, 0, 1, 255]), max_size=200), st.integers(1, 8))
def test_gaps_come_back(codes, bits):
    found = deep_compression.to_gaps(np.array(codes, dtype=np.uint8), bits)
    assert (found[1] < 1 << bits).all()
    assert deep_compression.from_gaps(*found, len(codes)).tolist() == codes


def test_gaps_beyond_the_layer():
    kept, gaps = np.array([1, 2], np.uint8), np.array([3, 3], np.uint8)
    with pytest.raises(FormatError, match="lead to place 7 of 7"):
        deep_compression.from_gaps(kept, gaps, 7)
    with pytest.raises(FormatError, match="2 codes, but 1 gaps"):
        deep_compression.from_gaps(kept, gaps[:1], 9)


def huffman_bits(symbols: np.ndarray) -> int:
    """Bits of all symbols by one Huffman code, without the code itself."""
    counts = list(Counter(symbols.tolist()).values())
    heapq.heapify(counts)
    total = 0
    while len(counts) > 1:
        joined = heapq.heappop(counts) + heapq.heappop(counts)
        total += joined  # one bit more for each symbol under this node
        heapq.heappush(counts, joined)
    return total


@pytest.mark.parametrize("scale", [2, 12, 60])
def test_huffman_codes_are_as_short_as_they_can_be(scale):
    """Deflate writes a code for each block, which costs; its blocks may be unlike, which saves."""
    drawn = np.random.default_rng(1).geometric(1 / scale, size=300_000)
    drawn = np.minimum(drawn, 255).astype(np.uint8)
    coded = deep_compression.huffman(drawn)
    assert len(coded) == pytest.approx(huffman_bits(drawn) / 8, rel=0.015)
    np.testing.assert_array_equal(deep_compression.unhuffman(coded), drawn)


def test_huffman_seeks_no_repetitions():
    """A thousand times the same: a general-purpose compressor would need a fraction."""
    random = np.random.default_rng(2).integers(0, 256, 100, dtype=np.uint8)
    assert len(deep_compression.huffman(np.tile(random, 1000))) > 75_000


def test_deep_compression_keeps_zeros_and_moves_survivors_to_the_nearest_centre(tensors):
    found = deep_compression.decode(deep_compression.encode(tensors, ROLES))
    assert list(found) == list(tensors)
    np.testing.assert_array_equal(found["projection.bias"], tensors["projection.bias"].astype("f2"))
    levels = {"backbone.conv1_1.weight": 255, "pooling.centres": 255, "projection.weight": 31}
    for name, most in levels.items():
        np.testing.assert_array_equal(found[name] == 0, tensors[name] == 0)
        alive = tensors[name] != 0
        centres = np.unique(found[name][alive])
        assert len(centres) <= most
        nearest = np.abs(tensors[name][alive][:, None] - centres).min(axis=1)
        moved = np.abs(tensors[name][alive] - found[name][alive])
        np.testing.assert_allclose(moved, nearest, atol=1e-6)


def test_deep_compression_names_a_damaged_layer(tensors):
    arrays, header = unpack(deep_compression.encode(tensors, ROLES))
    short = arrays | {"pooling.centres/codes": arrays["pooling.centres/codes"][:-9]}
    with pytest.raises(FormatError, match=r"layer pooling\.centres"):
        deep_compression.decode(pack(short, **header))


@pytest.fixture(params=["kmeans", "kmeans-row", "coefficients", "inputs", "trellis"])
def cell_file(request, tmp_path, tensors):
    """A cell's file, its symbols of 5 bits, with scales and without, of coefficients, and on the
    trellis."""
    plain = request.param in ("coefficients", "inputs", "trellis")
    path = tmp_path / "cell.pvlad"
    coefficients = request.param == "coefficients"
    contents = Contents(tensors, LABELS, {"origin": {"city": "x"}})
    quantized = quantize_contents(contents, "kmeans" if plain else request.param, 5)
    for name, tensor in quantized.items():
        if coefficients and tensor.codes.ndim == 4:
            quantized[name] = replace(tensor, transformed=True)
        if request.param == "inputs":
            scales = np.linspace(0.5, 2, tensor.codes.shape[1]).astype(np.float16)
            quantized[name] = replace(tensor, input_scales=scales.astype(np.float32))
        if request.param == "trellis":
            shape = tensor.codes.shape
            places = np.random.default_rng(4).integers(-5, 6, (shape[0], tensor.codes[0].size))
            multiples = trellis.to_multiples(trellis.symbols_of_places(places))
            quantized[name] = from_multiples(multiples.reshape(shape), 0.07, on_trellis=True)
    write_compressed(path, contents, quantized, "float16")
    return path


def test_ours_is_the_cells_own_file(cell_file, tmp_path):
    given_ = read_source(cell_file, of_cell=True)
    write_layers(tmp_path / "layers.npz", given_.layers, given_.roles)
    data = pvlad.encode(*read_layers(tmp_path / "layers.npz"), **our_settings(given_))
    assert data == cell_file.read_bytes()
    for name, tensor in pvlad.decode(data).items():
        np.testing.assert_array_equal(tensor, read_compressed(cell_file).tensors[name])


@pytest.mark.parametrize("method", symbols.METHODS)
def test_compressors_lose_nothing(cell_file, method):
    given_ = read_source(cell_file, of_cell=True)
    layers = given_.layers
    data = symbols.encode(layers, given_.roles, method)
    found = symbols.decode(data)
    expected = read_compressed(cell_file).tensors
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor)
    codes = [layer.codes.tobytes() for layer in layers.values() if hasattr(layer, "codes")]
    alone = sum(len(lzma.compress(each, preset=9)) for each in codes)
    assert 0.9 * alone < len(data) < 1.1 * alone + 1500
    with pytest.raises(FormatError):
        symbols.decode(data[:-1])
    arrays, header = unpack(data)
    with pytest.raises(FormatError, match="'lzw' is unknown; known are zstd, xz"):
        symbols.decode(pack(arrays, **header | {"method": "lzw"}))


def test_a_step_says_what_it_took(tmp_path, tensors):
    given_, file, found = (tmp_path / name for name in ("given.npz", "file", "found.npz"))
    write_layers(given_, tensors, ROLES)
    for step, source, target in (("encode", given_, file), ("decode", file, found)):
        took = run_step(step, "int8", {}, source, target)
        assert 0 < took["seconds"] < 10
        assert 10 < took["peak_memory_mb"] < 1000  # Python and numpy, and 0.1 MB of weights
    assert file.read_bytes() == int8.encode(tensors, ROLES)
    for name, tensor in int8.decode(file.read_bytes()).items():
        np.testing.assert_array_equal(read_layers(found)[0][name], tensor)


def test_a_step_needs_no_more_than_its_own_environment_has():
    """nncodec's lacks what the study's has: a step of it must not import that."""
    lacking = ("numba", "snakemake", "sklearn", "seaborn", "zstandard")
    program = f"""
import sys
sys.modules.update(dict.fromkeys({lacking!r}))
import pocketvlad.baselines.rivals.__main__
import pocketvlad.baselines.rivals.container
import pocketvlad.baselines.rivals.layers_file
try:
    import pocketvlad.baselines.rivals.coders.nncodec
except ModuleNotFoundError as error:
    assert error.name == "nncodec", error.name
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_compilation_is_not_timed(cell_file, tmp_path):
    """Our decoder takes a millisecond here, but seconds to be compiled or loaded."""
    source = read_source(cell_file, of_cell=True)
    given_, file, found = (tmp_path / name for name in ("given.npz", "file", "found.npz"))
    write_layers(given_, source.layers, source.roles)
    settings = our_settings(source)
    encoding = run_step("encode", "pvlad", settings, given_, file)
    decoding = run_step("decode", "pvlad", settings, file, found)
    assert encoding["seconds"] < 1
    assert decoding["seconds"] < 1


def test_a_step_that_fails_says_why(tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"no rival's")
    with pytest.raises(RivalError, match=r"(?s)int8 could not decode .*model\.bin.*FormatError"):
        run_step("decode", "int8", {}, file, tmp_path / "found.npz")
    assert not (tmp_path / "found.npz").exists()
    with pytest.raises(RivalError, match=r"nowhere/python is missing.*`make nncodec`"):
        run_step("decode", "nncodec", {}, file, tmp_path / "x", tmp_path / "nowhere" / "python")


def test_magnitudes_of_rows():
    weight = np.array([[3.0, -4.0], [0, 0], [1e-12, 1e-12]], dtype=np.float32)
    found = row_magnitudes(weight)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, np.array([12.5**0.5, 1, 2**-24], dtype=np.float16))


@pytest.fixture(scope="module")
def nncodec_python():
    python = ROOT / NNCODEC
    if not python.exists():
        pytest.skip(f"{NNCODEC} is missing; `make nncodec` makes it")
    return python


@pytest.mark.parametrize("rows", [False, True])
def test_nncodec_has_a_step_a_tensor_or_a_row(tmp_path, nncodec_python, rows):
    """Rows of a thousandth of the others' magnitude vanish, unless they are divided by it."""
    weight = np.random.default_rng(3).normal(size=(8, 400)).astype(np.float32)
    weight[4:] /= 1000
    given_, file, found = (tmp_path / name for name in ("given.npz", "file", "found.npz"))
    layers = {"projection.weight": weight, "projection.bias": weight[:, 0].copy()}
    write_layers(given_, layers, {name: ROLES[name] for name in layers})
    settings = {"qp": -16, "rows": rows}
    run_step("encode", "nncodec", settings, given_, file, nncodec_python)
    run_step("decode", "nncodec", settings, file, found, nncodec_python)
    decoded, _ = read_layers(found)
    np.testing.assert_allclose(decoded["projection.bias"], weight[:, 0], atol=1e-4)
    error = np.linalg.norm(decoded["projection.weight"] - weight, axis=1)
    relative = error / np.linalg.norm(weight, axis=1)
    assert (relative[:4] < 0.1).all()
    assert (relative[4:] < 0.1).all() if rows else (relative[4:] > 0.9).all()
    assert file.stat().st_size < weight.nbytes / 4


def study(**rivals):
    config = yaml.safe_load((ROOT / "config" / "subset.yaml").read_text())
    return config | {"rivals": rivals}


def test_the_section_unfolds_to_rivals():
    rivals = declared_rivals(
        study(
            deep_compression={"thresholds": ["0.01"]},
            nncodec={"qp": [-28], "row_qp": [-4, 0]},
            optq={"steps": [1.5], "row_steps": [0.5]},
            cerwu={"steps": [1, 2.5], "multipliers": [0.05]},
            cells=["0.005/l1-0/kmeans-5-fixed"],
        )
    )
    assert {rival.name: rival.source for rival in rivals} == {
        "float16": "base",
        "int8": "base",
        "deep-compression_0.01": "0.01/l1-0/pruned",
        "nncodec_qp-28": "base",
        "nncodec-rows_qp-4": "base",
        "nncodec-rows_qp0": "base",
        "optq_1.5": "base",
        "optq-rows_0.5": "base",
        "cerwu_1_0.05": "base",
        "cerwu_2.5_0.05": "base",
        "pvlad_0.005-l1-0-kmeans-5-fixed": "0.005/l1-0/kmeans-5-fixed",
        "zstd_0.005-l1-0-kmeans-5-fixed": "0.005/l1-0/kmeans-5-fixed",
        "xz_0.005-l1-0-kmeans-5-fixed": "0.005/l1-0/kmeans-5-fixed",
    }
    by_name = {rival.name: rival for rival in rivals}
    assert by_name["nncodec-rows_qp-4"].settings == {"qp": -4, "rows": True}
    assert by_name["optq_1.5"].settings == {"coarseness": 1.5, "by_rows": False}
    assert by_name["optq-rows_0.5"].settings == {"coarseness": 0.5, "by_rows": True}
    assert by_name["cerwu_2.5_0.05"].settings == {"coarseness": 2.5, "multiplier": 0.05}
    assert [rival.name for rival in rivals if rival.fitted] == [
        "cerwu_1_0.05",
        "cerwu_2.5_0.05",
        "optq_1.5",
        "optq-rows_0.5",
    ]


@pytest.mark.parametrize(
    ("rivals", "message"),
    [
        ({"deep_compression": {"thresholds": ["0.3"]}}, r"thresholds: '0\.3'.*choose among 0\.005"),
        ({"cells": ["0.005/x"]}, r"rivals\.cells: '0\.005/x'.*0\.005/l1-0/uniform-8-fixed"),
    ],
)
def test_a_rival_of_what_the_study_does_not_make(rivals, message):
    with pytest.raises(ValueError, match=message):
        declared_rivals(study(**rivals))


def test_a_rival_that_is_fitted_needs_the_crops_of_rd():
    config = study(optq={"steps": [1.5]})
    del config["rd"]
    with pytest.raises(ValueError, match=r"OPTQ, step 1\.5 is fitted .*; add a section rd"):
        declared_rivals(config)
    assert declared_rivals(config | {"rivals": {}})


@pytest.mark.parametrize(
    ("rivals", "message"),
    [
        ({"cerwu": {"steps": [2]}}, r"missing key in rivals\.cerwu: multipliers"),
        ({"optq": {}}, r"rivals\.optq"),
        ({"optq": {"steps": [0]}}, r"rivals\.optq\.steps\.0: 0.*above 0"),
        ({"nncodec": {"qp": ["fine"]}}, r"rivals\.nncodec\.qp\.0: 'fine'.*whole number"),
        (
            {"product_quantization": [{"kernel_weights": 9, "columns": 8, "centres": 256}]},
            r"missing key in rivals\.product_quantization\.0: training_crops",
        ),
        ({"nncodec": {}}, r"rivals\.nncodec: \{\}"),
        ({"deep_compression": {}}, r"missing key in rivals\.deep_compression: thresholds"),
        ({"zip": 9}, r"unknown key in rivals: zip; known are deep_compression, nncodec, optq"),
    ],
)
def test_a_malformed_section(rivals, message):
    config = study(**rivals)
    for section in ("sources", "datasets"):
        config |= yaml.safe_load((ROOT / OFFICIAL / f"{section}.yaml").read_text())
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def _score(version, city, precisions):
    queries = {f"q{n}": each for n, each in enumerate(precisions)}
    row = {"model": "vgg16", "version": version, "test_city": city, "map": np.mean(precisions)}
    row |= {"average_precision": queries, "file_bytes": 4000, "parameters": 1000}
    dense = {"dense_map": row["map"], "dense_average_precision": queries}
    landmarks = {name: name for name in queries}
    return row | dense | {"landmarks": landmarks, "dense_landmarks": landmarks}


SCORES = [
    row
    for city, shift in zip(CITIES, (0.0, 0.1), strict=True)
    for row in (
        _score("base", city, [0.8 - shift, 0.6]),
        _score("int8", city, [0.7 - shift, 0.5]),
        _score("0.005/l1-0/kmeans-5-fixed", city, [0.8 - shift, 0.58]),
    )
]


def _measured(name, source, city, size, seconds, memory, **others):
    row = {"model": "vgg16", "test_city": city, "name": name, "label": name, "coder": name}
    costs = {"encode_seconds": seconds, "decode_seconds": seconds / 10}
    memories = {"encode_memory_mb": memory, "decode_memory_mb": memory / 2}
    row |= {"source": source, "of_cell": False, "parameters": 1000, "file_bytes": size}
    return row | costs | memories | others


MEASURED = [
    _measured("int8", "base", "oxford", 1000, 2.0, 300),
    _measured("int8", "base", "paris", 1100, 3.0, 200),
    *(
        _measured("xz", "0.005/l1-0/kmeans-5-fixed", city, 500, 1.0, 100, of_cell=True)
        for city in CITIES
    ),
]


def test_the_table_joins_sizes_and_scores():
    table = rivals_table(MEASURED, SCORES, CITIES).set_index("name")
    assert list(table.index) == ["base", "int8", "xz"]
    rival = table.loc["int8"]
    assert rival["file_mb"] == pytest.approx(0.00105)
    assert rival["ratio"] == pytest.approx(4000 / 1050)
    assert rival["file_bytes_paris"] == 1100
    assert rival["encode_seconds"] == 2.5
    assert rival["encode_memory_mb"] == 300
    assert rival["map_paris"] == pytest.approx(55)
    # Both queries lose ten points, however they are drawn.
    for end in ("", "_low", "_high"):
        assert rival[f"drop_oxford{end}"] == pytest.approx(10)
        assert rival[f"dense_drop_oxford{end}"] == pytest.approx(10)
    # The cell's own scores.
    assert table.loc["xz", "map_oxford"] == pytest.approx(69)
    assert table.loc["xz", "drop_mean"] == pytest.approx(1)
    assert table.loc["base", "drop_mean"] == 0
    assert np.isnan(table.loc["base", "encode_seconds"])


def test_the_table_refuses_a_missing_direction():
    with pytest.raises(ValueError, match=r"rival int8 of vgg16: nothing known of .*paris"):
        rivals_table([MEASURED[0]], SCORES, CITIES)
    with pytest.raises(ValueError, match=r"rival int8 of vgg16: nothing known of .*int8"):
        rivals_table(MEASURED[:2], [row for row in SCORES if row["version"] == "base"], CITIES)


def test_the_smallest_of_ours_that_drops_no_further():
    """Drops are 10 points (int8) and 1 (xz, whose symbols are a cell's), of the base model 0."""
    cells = [("base", 0.0, 0.004), ("rd/0.1", 9.9, 2e-4), ("rd/0.4", 10.2, 1e-4)]
    cells.append(("0.01/l1-0/kmeans-5-fixed", 1.0, 5e-4))
    table = pd.DataFrame(cells, columns=["version", "dense_drop_mean", "file_mb"])
    table["model"], table["drop_mean"] = "vgg16", 99.0
    other = table.assign(model="alexnet", file_mb=1e-6)
    rivals = rivals_table(MEASURED, SCORES, CITIES)
    found = with_ours(rivals, pd.concat([table, other])).set_index("name")["ours_percent"]
    assert found["int8"] == pytest.approx(100 * 2e-4 / 0.00105)
    assert np.isnan(found["base"])  # all of ours lose more
    assert with_ours(rivals, table.assign(dense_drop_mean=-1.0)).set_index("name").loc[
        "base", "ours_percent"
    ] == pytest.approx(100 * 1e-4 / 0.004)


def test_the_page_has_a_line_a_rival():
    rivals = with_ours(rivals_table(MEASURED, SCORES, CITIES), study_table())
    text = rivals_markdown(rivals, CITIES, "Rivals")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 3
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["float32", "int8", "xz"]
    assert "10.0 [10.0, 10.0]" in lines[3]


def test_test_sets_have_columns_behind_all_others():
    """Of the first training; a coder of a cell's symbols has the scores of the cell."""
    cell = MEASURED[-1]["source"]
    rows = [row_on("home", city, name, 1) for name in ("base", "int8", cell) for city in CITIES]
    scores = [row | {"seed": 1} for row in SCORES]
    tested = by_test_set(rows, ["home"], CITIES)
    table = rivals_table(MEASURED, scores, CITIES, tested)
    before = rivals_table(MEASURED, scores, CITIES)
    pd.testing.assert_frame_equal(table[list(before)], before)
    for name, version in (("base", "base"), ("int8", "int8"), ("xz", cell)):
        line = table.set_index("name").loc[name]
        both = [row for row in rows if row["version"] == version]
        assert line["map_home"] == pytest.approx(100 * np.mean([row["map"] for row in both]))
        found = 100 * np.mean([row["recall"]["5"] for row in both])
        assert line["recall_at_5_home"] == pytest.approx(found)
    rivals = with_ours(table, study_table())
    lines = rivals_markdown(rivals, CITIES, "Rivals", ["home"]).splitlines()
    cells = [line.split("|")[1:-1] for line in lines if line.startswith("|")]
    assert [each.strip() for each in cells[0][-3:]] == [f"R@{n} home (%)" for n in (1, 5, 10)]
    first = rivals.set_index("name").loc["int8", "recall_at_1_home"]
    assert cells[3][-3].strip().startswith(f"{first:.1f} [")
    assert "home is a test set beyond the two cities" in lines[-1]


def test_the_figure_names_every_rival():
    """Those that are ours are there already, as cells."""
    ours = copy.deepcopy(MEASURED[2:])
    for row in ours:
        row |= {"name": "pvlad", "label": "our format", "coder": "pvlad"}
    measured = json.loads(json.dumps([*MEASURED, *ours]))
    rivals = rivals_table(measured, SCORES, CITIES)
    published = published_results(ROOT / "config" / "paper_results.csv")
    figure = size_figure(study_table(), published, CITIES, rivals)
    [legend] = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert {"int8", "xz"} <= set(named)
    assert "our format" not in named
