"""Files that strangers made to do harm: nothing is run, memory is bounded, and the error is ours.

The inputs in tests/fuzz/corpus were found by a fuzzer (docs/hostile.md), each kind of file its own.
Those called `mended-...` once broke the reader.
"""

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from fuzz.minimise import CORPUS
from fuzz.trial import FindingError, bounded, names, reader, trial
from scipy.io import savemat
from workflow_runs import ROOT, load_config

from pocketvlad.data.plain_pickle import read_plain_pickle
from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Part
from pocketvlad.maps.map_code import code_of
from pocketvlad.networks.declared import declared_part
from pocketvlad.retrieval import hdf5_survival
from pocketvlad.retrieval.descriptor_file import DescriptorError, read_content
from pocketvlad.study.config import check_config
from pocketvlad.study.faults import ConfigError
from pocketvlad.training.checkpoint import Checkpoint

SECONDS = 5  # of a processor, that an input of a few kilobytes may take


def spent():
    """Seconds of a processor so far, in this process and in those that it has waited for."""
    return sum(os.times()[:4])


def refused(name, data, folder):
    """The reader's own error; bounded memory is asserted on the way."""
    begin = spent()
    assert trial(reader(name), data, folder) is False
    assert spent() - begin < SECONDS


# What a fuzzer found


@pytest.mark.parametrize("name", names())
def test_what_was_found_is_read_or_refused(name, tmp_path):
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    assert sum(path.stat().st_size for path in inputs) < 1 << 15
    module = reader(name)
    taken = 0
    for path in inputs:
        begin = spent()
        taken += trial(module, path.read_bytes(), tmp_path)
        assert spent() - begin < SECONDS, path.name
    assert taken, "no input is a good file"


only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory")


def module(read, errors=FormatError):
    return SimpleNamespace(SUFFIX=".x", ERRORS=errors, read=read)


@only_linux
def test_a_trial_sees_errors_memory_and_names(tmp_path):
    def large(path):
        assert b"x" * (300 << 20)

    def endless(path):
        np.empty(1 << 45)

    def hidden(path):
        try:
            np.empty(1 << 45)
        except MemoryError:
            raise FormatError(f"{path}: damaged") from None

    def foreign(path):
        {}["x"]

    def nameless(path):
        raise FormatError("damaged")

    def good(path):
        raise FormatError(f"{path}: damaged")

    for read in (large, endless, hidden, foreign, nameless):
        with pytest.raises(FindingError):
            trial(module(read), b"", tmp_path)
    assert trial(module(good), b"", tmp_path) is False
    assert trial(module(lambda path: None), b"", tmp_path) is True


@only_linux
def test_memory_is_given_back():
    with bounded(64):
        np.ones(1 << 20).sum()
    with pytest.raises(FindingError, match=r"memory: \d+ MiB, 64 are allowed"), bounded(64):
        np.ones(32 << 20).sum()
    assert np.ones(32 << 20).sum() == 32 << 20


# Pickles that would run something


class Runs:
    """Unpickled, it calls a function."""

    def __init__(self, function, *values):
        self.call = function, values

    def __reduce__(self):
        return self.call


def payloads(mark):
    """Pickles that make the file `mark` once they are loaded without care."""
    shell = f"touch {mark}"
    text = f"open({str(mark)!r}, 'w').close()"
    yield "system", Runs(os.system, shell)
    yield "eval", Runs(eval, text)
    yield "exec", Runs(exec, text)
    yield "process", Runs(subprocess.Popen, ["touch", str(mark)])
    yield "numpy", Runs(np.ndarray.tofile, np.zeros(3), str(mark))
    yield "memory map", Runs(np.memmap, str(mark), "u1", "w+", 0, (3,))
    yield "open", Runs(open, str(mark), "w")


def written(mark):
    """The same by hand, in opcodes that no pickler writes."""
    shell = f"S'touch {mark}'\n".encode()
    yield b"cos\nsystem\n(" + shell + b"tR."
    yield b"(" + shell + b"ios\nsystem\n."
    yield b"(cos\nsystem\n" + shell + b"o."
    yield b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    yield b"\x80\x04\x8c\x08builtins\x8c\x0bbytes.fromhex\x93."
    yield b"\x82\x01."  # the registry of extensions
    yield b"Pname\n."  # a persistent name


@pytest.mark.parametrize("number", range(7))
def test_no_pickle_runs_anything(tmp_path, number):
    mark, folder = tmp_path / "ran", tmp_path / "in"
    folder.mkdir()
    name, payload = list(payloads(mark))[number]
    truth = {"imlist": ["a"], "qimlist": ["b"], "gnd": [payload]}
    for protocol in (0, 2, 4):
        refused("revisited", pickle.dumps(truth, protocol), folder)
    refused("revisited", list(written(mark))[number], folder)
    state = {"a.weight": torch.zeros(2, 3), "b": payload}
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        buffer = io.BytesIO()
        torch.save(state, buffer, **options)
        refused("state_dict", buffer.getvalue(), folder)
    refused("state_dict", list(written(mark))[number], folder)
    checkpoint = Checkpoint(folder / "c.pt", "same")
    torch.save({"computation": "same", "state": payload}, checkpoint.path)
    assert checkpoint.load() is None
    objects = np.array([payload], dtype=object)
    buffer = io.BytesIO()
    np.save(buffer, objects, allow_pickle=True)
    refused("npy", buffer.getvalue(), folder)
    for arrays in ({"names": objects}, {"descriptors": objects}, {"provenance": objects}):
        buffer = io.BytesIO()
        held = {"names": ["a"], "descriptors": np.ones((1, 2)), **arrays}
        np.savez(buffer, allow_pickle=True, **held)
        refused("npz", buffer.getvalue(), folder)
    assert not mark.exists(), name


def test_the_payloads_do_run_where_nobody_takes_care(tmp_path):
    for number, (name, payload) in enumerate(payloads(tmp_path / "ran")):
        (tmp_path / "ran").unlink(missing_ok=True)
        loaded = pickle.loads(pickle.dumps(payload, 4))
        if name == "process":
            loaded.wait()
        assert (tmp_path / "ran").exists(), number


class Built:
    """Unpickled, numpy's dtype or array with a state that was made up."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def test_no_state_of_an_array_is_made_up(tmp_path):
    make = np.zeros(1).__reduce__()[0]
    plain = np.dtype("f8")

    def array(dtype, shape, content):
        return Built(make, (np.ndarray, (0,), b"b"), (1, shape, dtype, False, content))

    fields = {"a": (np.dtype("O"), 1000)}
    beyond = Built(np.dtype, ("V8", False, True), (3, "|", None, ("a",), fields, 8, 1, 0))
    renamed = Built(np.dtype, ("f8", False, True), (3, "<", None, ("a",), fields, 8, 1, 0))
    for value in (
        beyond,
        renamed,
        array(beyond, (1,), bytes(8)),
        array(np.dtype("O"), (1,), bytes(8)),
        array(np.dtype("O"), (3,), [1]),
        array(plain, (3,), bytes(8)),
        array(plain, (-1,), bytes(8)),
        array(plain, (1 << 40,), bytes(8)),
        array(plain, (1,), 5),
        array(5, (1,), bytes(8)),
        Built(make, (os.stat_result, (0,), b"b")),
    ):
        truth = {"imlist": value, "qimlist": value, "gnd": value}
        refused("revisited", pickle.dumps(truth), tmp_path)
    for name in ("numpy\ndtype", "numpy\nndarray", "_codecs\nencode", "builtins\nbytes"):
        refused("revisited", f"c{name}\n(S'x'\nI1\ndb.".encode(), tmp_path)
    good = reader("revisited")
    assert trial(good, list(good.seeds())[1], tmp_path)  # and nothing has been changed by it


def test_lists_in_lists_are_not_followed(tmp_path):
    doubled = ["a"]
    for _ in range(60):
        doubled = [doubled, doubled]
    deep = []
    for _ in range(300):
        deep = [deep]
    holds_itself = []
    holds_itself.append(holds_itself)
    entry = {"bbx": [0, 0, 1, 1], "easy": [0], "hard": [], "junk": []}
    good = {"imlist": ["a"], "qimlist": ["b"], "gnd": [entry]}
    for value in (
        doubled,
        deep,
        holds_itself,
        [doubled],
        [deep],
        5,
        None,
        "text",
        {"a": 1},
        [b"a"],
        [True],
    ):
        for raw in (
            value,
            {**good, "imlist": value},
            {**good, "gnd": value},
            {**good, "gnd": [{**entry, "bbx": value}]},
            {**good, "gnd": [{**entry, "easy": value}]},
        ):
            refused("revisited", pickle.dumps(raw), tmp_path)
    for place in (0.5, float("nan"), float("inf"), 10**400, -1, 1):
        raw = {**good, "gnd": [{**entry, "easy": [place]}]}
        refused("revisited", pickle.dumps(raw), tmp_path)


# Much from little


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_archives_that_unpack_to_much_are_refused(tmp_path):
    large = np.zeros((1, 33 << 20), np.float32)
    members = {"names.npy": npy(np.array(["a"])), "descriptors.npy": npy(large)}
    refused("npz", zipped(members), tmp_path)
    saved = io.BytesIO()
    torch.save({"a.weight": torch.zeros(1)}, saved)
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    [storage] = [name for name in members if name.endswith("data/0")]
    refused("state_dict", zipped({**members, storage: bytes(1 << 20)}), tmp_path)
    buffer = io.BytesIO()
    savemat(buffer, {"net": np.zeros(9 << 20)}, do_compression=True)
    refused("mat", buffer.getvalue(), tmp_path)
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        member = tarfile.TarInfo("hall_1_query.txt")
        member.size = 17 << 20
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    refused("lists", buffer.getvalue(), tmp_path)


def test_pickles_that_claim_much_are_refused(tmp_path):
    for data in (
        b"Nr\xff\xff\xff\x7f.",  # a place in the memo
        b"Np2147483647\n.",
        b"\x8e\x00\x00\x00\x00\xff\x00\x00\x00.",  # bytes
        b"\x8d\x00\x00\x00\x00\xff\x00\x00\x00.",  # text
        b"cbuiltins\nbytes\n(I4611686018427387904\ntR.",
        b"c_codecs\nencode\n(S'x'\nS'bz2'\ntR.",
        b"cnumpy\nndarray\n((I1099511627776\ntS'f8'\ntR.",
    ):
        refused("revisited", data, tmp_path)


def test_frames_in_frames_hide_nothing(tmp_path):
    """Python's parser jumps from the inner frame to what follows the outer one."""

    def frame(size, content):
        return b"\x95" + size.to_bytes(8, "little") + content

    shown, hidden = b"N.", b"Nr\xff\xff\xff\x0f."
    inner = frame(len(hidden), shown)
    data = b"\x80\x04" + frame(len(inner), inner) + hidden
    refused("revisited", data, tmp_path)
    # The same with a value for a place in the memo: it is the one that is shown that is read.
    path = tmp_path / "odd.pkl"
    path.write_bytes(data.replace(hidden, b"K\x07q\x00.ab"))
    assert pickle.load(io.BytesIO(path.read_bytes())) == 7
    assert read_plain_pickle(path) is None
    # Frames as they are written.
    whole = {"a": list(range(70000)), "b": "x" * 70000}
    path.write_bytes(pickle.dumps(whole, 4))
    assert read_plain_pickle(path) == whole


def test_a_large_pickle_is_refused_before_it_is_read(tmp_path):
    refused("revisited", pickle.dumps(bytes(1 << 24)), tmp_path)


def test_aliases_of_a_config_are_counted():
    doubled = "a: &a0 [x, y]\n" + "".join(
        f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
    )
    for text in (doubled, "a: &a [*a]\n", "a: &a\n  b: *a\n", "a: " + "[" * 60 + "]" * 60):
        begin = spent()
        with pytest.raises(ConfigError, match=r"100,000 values or 50 levels.*write values out"):
            check_config(yaml.safe_load(text))
        assert spent() - begin < SECONDS


@pytest.mark.parametrize("key", ["training.learning_rate", "protocol.image_size", "seeds.0"])
def test_numbers_of_a_config_are_not_endless(key):
    config = load_config(ROOT / "config.yaml")
    *sections, last = key.split(".")
    section = config
    for each in sections:
        section = section[each]
    section[int(last) if isinstance(section, list) else last] = 10**400
    with pytest.raises(ConfigError, match=rf"{key}: 1000.*does not fit; write"):
        check_config(config)


def test_a_whole_number_beyond_any_does_not_fit():
    with pytest.raises(ValueError, match=r"exponent 1000.*does not fit"):
        declared_part(Part.POOLING, {"type": "gem", "exponent": 10**400})
    with pytest.raises(ValueError, match=r"bytes 1000.*does not fit"):
        code_of({"type": "product-quantization", "bytes": 10**400})


# A library in C


def test_what_hdf5_does_not_survive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_survival, "SECONDS", 2)
    path = tmp_path / "d.h5"
    path.write_bytes((CORPUS.parent / "not_survived" / "circle.h5").read_bytes())
    remedy = "it must hold a group an image"
    with pytest.raises(DescriptorError, match=rf"d\.h5: HDF5 crashes on it, or does.*{remedy}"):
        read_content(path)
    path.write_bytes(next(reader("hdf5").seeds()))
    assert read_content(path).names.tolist() == ["a"]


@pytest.mark.parametrize("status", [-11, -6, 3, "time"])
def test_the_end_of_the_other_process_is_told(tmp_path, monkeypatch, status):
    def run(command, timeout, **options):
        if status == "time":
            raise subprocess.TimeoutExpired(command, timeout)
        return SimpleNamespace(returncode=status)

    monkeypatch.setattr(hdf5_survival.subprocess, "run", run)
    path = tmp_path / "d.h5"
    path.write_bytes(next(reader("hdf5").seeds()))
    with pytest.raises(DescriptorError, match=r"d\.h5: HDF5 (crashes|asks|does not end)"):
        read_content(path)


# Tensors that are no numbers in their places


def odd_states():
    yield {"a.weight": torch.zeros(2, 3, device="meta")}
    yield {"a.weight": torch.zeros(2, 3).to_sparse()}
    yield {"a.weight": torch.quantize_per_tensor(torch.zeros(2, 3), 1.0, 0, torch.quint8)}
    yield {"a.weight": torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])}
    yield {"a.weight": torch.zeros(2, 3).to(torch.float8_e4m3fn), "b": torch.zeros(2)}
    yield {"a.weight": torch.zeros(1).expand(1 << 20, 1 << 20)}
    with_attribute = torch.zeros(2, 3)
    with_attribute.is_floating_point = 5
    yield {"a.weight": with_attribute, "b": torch.zeros(2)}
    pairs = iter([("a.weight", torch.zeros(2, 3))])
    yield Built(OrderedDict, (), {"items": 5, "keys": 5}, None, pairs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(8))
def test_odd_tensors_are_refused_by_name(tmp_path, number):
    buffer = io.BytesIO()
    torch.save(list(odd_states())[number], buffer)
    refused("state_dict", buffer.getvalue(), tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x02]q\x00.", b"\x80\x04\x95", b"\xff"])
def test_a_damaged_checkpoint_is_none(tmp_path, data):
    checkpoint = Checkpoint(tmp_path / "c.pt", "same")
    checkpoint.path.write_bytes(data)
    assert checkpoint.load() is None
    checkpoint.path.write_bytes(b"")
    torch.save({"computation": "same"}, checkpoint.path)
    assert checkpoint.load() is None


# Manifests


@pytest.mark.parametrize("name", ["city", "weights_list"])
def test_deep_json_is_refused(tmp_path, name):
    for text in (b"[" * 100_000, b'{"a":' * 100_000, b"5" * 5000, b'"\xff"'):
        refused(name, text, tmp_path)
    assert sys.getrecursionlimit() < 100_000


def test_a_manifest_holds_what_it_may(tmp_path):
    good = next(reader("city").seeds())
    assert trial(reader("city"), good, tmp_path)
    for old, new in (
        (b"0.5", b"true"),
        (b"0.5", b"NaN"),
        (b"0.5", b"-Infinity"),
        (b"0.5", b"1e999"),
        (b"0.5", b"2"),
        (b"K\\u00f6ln", b"\\ud800"),
        (b"graph.onnx", b"x" * 300),
        (b"graph.onnx", b"a\\u0000b"),
        (b"graph.onnx", b"\\ud800"),
        (b"graph.onnx", b".."),
    ):
        assert old in good
        refused("city", good.replace(old, new), tmp_path)
    good = next(reader("weights_list").seeds())
    assert trial(reader("weights_list"), good, tmp_path)
    for shape in (b"[Infinity]", b"[1.5]", b"[-1]", b"[true]", b"5", b'["2"]'):
        refused("weights_list", good.replace(b"[2, 3]", shape), tmp_path)


def test_what_a_graph_says_is_checked(tmp_path):
    good = next(reader("graph").seeds())
    assert trial(reader("graph"), good, tmp_path)
    texts = json.loads(good)
    for name, text in (
        ("sizing", '{"image_size": "480"}'),
        ("sizing", '{"image_size": true}'),
        ("sizing", '{"image_size": 480, "squeeze": [1000000000, 5]}'),
        ("sizing", '{"image_size": 480, "interpolation": "none"}'),
        ("sizing", "[" * 100_000),
        ("length", "0"),
        ("length", "9" * 20),
        ("min_side", "-1"),
        ("preprocessing", '{"mean": [NaN, 0, 0], "std": [1, 1, 1]}'),
    ):
        refused("graph", json.dumps({**texts, name: text}).encode(), tmp_path)
