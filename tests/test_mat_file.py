"""Our reader of .mat files beside scipy, which writes them, and reads them as MATLAB does."""

import struct

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from pocketvlad.networks.weights.mat_file import Hdf5Error, MatError, Unread, read_mat

KINDS = ("f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")


def numbers(kind):
    return (np.arange(24).reshape(2, 3, 4) - 3 * (kind[0] != "u")).astype(kind)


def cell(*values):
    found = np.empty((1, len(values)), object)
    for place, value in enumerate(values):
        found[0, place] = value
    return found


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_are_those_that_scipy_reads(tmp_path, packed):
    path = tmp_path / "a.mat"
    written = {f"of_{kind}": numbers(kind) for kind in KINDS}
    written |= {"flag": np.array([[True, False]]), "none": np.zeros((0, 3)), "one": 2.5}
    savemat(path, written, do_compression=packed)
    read, expected = read_mat(path, written.keys()), loadmat(path)
    assert read.keys() == written.keys()
    for name, values in read.items():
        np.testing.assert_array_equal(values, expected[name])
        assert values.shape == expected[name].shape
        assert values.dtype.kind == expected[name].dtype.kind or name == "flag"
    read["of_f4"][0] = 5  # may be written to


@pytest.mark.parametrize("packed", [False, True])
def test_cells_structs_and_texts(tmp_path, packed):
    path = tmp_path / "a.mat"
    inner = {"text": "K\u00f6ln", "empty": "", "list": cell("a", np.ones((1, 2)), cell())}
    savemat(path, {"x": {"inner": inner, "n": 3}, "unused": "y"}, do_compression=packed)
    read = read_mat(path, ("x", "missing"))
    assert read.keys() == {"x"}
    assert read["x"]["n"] == 3
    assert read["x"]["inner"]["text"] == "K\u00f6ln"
    first, second, third = read["x"]["inner"]["list"]
    assert (first, second.tolist(), third) == ("a", [[1.0, 1.0]], [])


def test_what_is_not_read_is_told(tmp_path):
    path = tmp_path / "a.mat"
    several = np.zeros((1, 2), [("a", object)])
    savemat(path, {"complex": np.array([1j]), "several": several})
    read = read_mat(path, ("complex", "several"))
    assert read == {"complex": Unread("complex numbers"), "several": Unread("several structs")}


def test_the_other_order_of_bytes(tmp_path):
    def element(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    array = (
        element(6, struct.pack(">II", 7, 0))
        + element(5, struct.pack(">ii", 1, 2))
        + struct.pack(">HH", 1, 1)
        + b"x\0\0\0"
        + element(7, struct.pack(">ff", 1.5, -2.0))
    )
    path = tmp_path / "a.mat"
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">HH", 0x0100, 0x4D49)
    path.write_bytes(head + element(14, array))
    np.testing.assert_array_equal(read_mat(path, ("x",))["x"], [[1.5, -2.0]])
    np.testing.assert_array_equal(loadmat(path)["x"], [[1.5, -2.0]])


def test_other_versions(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"x": np.ones(3)}, format="4")
    with pytest.raises(MatError, match=r"does not begin as one of version 5"):
        read_mat(path, ("x",))
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF" * 200)
    with pytest.raises(Hdf5Error):
        read_mat(path, ("x",))


@pytest.mark.parametrize("packed", [False, True])
def test_every_length_that_is_cut_is_noticed(tmp_path, packed):
    path = tmp_path / "a.mat"
    savemat(path, {"x": {"a": np.arange(5.0), "b": cell("c", 1)}}, do_compression=packed)
    whole = path.read_bytes()
    for size in range(129, len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(MatError):
            read_mat(path, ("x",))


def test_any_word_may_be_wrong(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"x": {"a": np.arange(5.0), "b": cell("c", 1)}})
    whole = path.read_bytes()
    for place in range(128, len(whole), 4):
        for word in (0, 1, 7, 0x7FFFFFFF, 0x80000008, 0xFFFFFFFF):
            path.write_bytes(whole[:place] + struct.pack("<I", word) + whole[place + 4 :])
            try:
                read_mat(path, ("x",))
            except MatError:
                continue
