"""Damaged files of people's own: nothing but our own errors comes out, and each names its file.

Each starts from a good file, of which bytes are changed, cut or repeated; the same in every run.
"""

import io
import pickle
import tarfile
import warnings

import h5py
import numpy as np
import odd_files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.ground_truth import GroundTruthError, read_ground_truth
from pocketvlad.data.images import ImageError, image_size, intact_size, load_image
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.positions import positions_in_table
from pocketvlad.data.revisited import read_revisited
from pocketvlad.data.settings import Sizing
from pocketvlad.data.unpack import ArchiveError, unpack
from pocketvlad.format.contents import read_contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.tensor_file import write_tensors
from pocketvlad.retrieval import hdf5_survival
from pocketvlad.retrieval.descriptor_file import DescriptorError, read_descriptors, unit_length
from pocketvlad.retrieval.listed_descriptors import of_folder

MANY = settings(max_examples=150, deadline=None, derandomize=True, database=None)
FEW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def images():
    """Good files of every format, some with odd tags."""
    small, tag = odd_files.picture(40, 30), odd_files.orientation(6)
    files = [
        odd_files.encoded(small, "JPEG", exif=tag),
        odd_files.encoded(small.convert("CMYK"), "JPEG"),
        odd_files.encoded(small, "PNG", exif=tag),
        odd_files.encoded(small.convert("P"), "PNG"),
        odd_files.encoded(small.convert("1"), "TIFF"),
        odd_files.encoded(small, "TIFF", compression="tiff_lzw"),
        odd_files.encoded(Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)), "TIFF"),
        odd_files.encoded(small, "WEBP", exif=tag),
        odd_files.encoded(small, "BMP"),
        odd_files.encoded(small, "GIF", save_all=True, append_images=[small]),
    ]
    if features.check("avif"):
        files.append(odd_files.encoded(small, "AVIF"))
    return files


@st.composite
def damaged(draw, files):
    """One of the files with some of its bytes changed, most in its first 200."""
    data = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(0, 6))):
        reach = draw(st.sampled_from([30, 200, len(data)]))
        place = draw(st.integers(0, min(reach, len(data)) - 1))
        data[place] = draw(st.sampled_from([0, 1, 6, 0x7F, 0x80, 0xFF, data[place] ^ 1]))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(data)))
        data = data[:cut] + draw(st.sampled_from([b"", bytes(9), data[:40]]))
    return bytes(data)


def names_it(path, errors, *calls):
    """Each call ends well, or with one of our errors, which names the file."""
    for call in calls:
        try:
            call()
        except errors as error:
            assert str(path) in str(error)  # noqa: PT017 - it may end well, too


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@MANY
@given(data=damaged(images()), upright=st.booleans(), scaling=st.booleans())
def test_images(folder, data, upright, scaling):
    path = folder / "a.jpg"
    path.write_bytes(data)
    sizing = Sizing(20, "bilinear", scaling)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd tags
        names_it(
            path,
            ImageError,
            lambda: image_size(path, upright),
            lambda: intact_size(path, upright),
            lambda: load_image(path, sizing, None, upright),
            lambda: load_image(path, sizing, (1, 2, 9, 12), upright),
        )


LISTS = [
    b"hall_000001 0 0 9 9\n",
    "\ufeffmy hall.jpg 0 0 9 9\r\n".encode(),
    "hall_000001\nhall_000002\n\nin/a.JPG\n".encode("utf-16"),
    b"caf\xe9\n",
]


@MANY
@given(query=damaged(LISTS), listed=damaged(LISTS), noise=st.binary(max_size=60))
def test_lists(folder, query, listed, noise):
    lists = folder / "lists"
    lists.mkdir(exist_ok=True)
    for kind, data in {"query": query, "good": listed, "ok": noise, "junk": b""}.items():
        (lists / f"hall_1_{kind}.txt").write_bytes(data)
    names_it(lists, GroundTruthError, lambda: read_ground_truth(lists))


TABLES = [
    b"query,x1,y1,x2,y2,image,label\na,0,0,9,9,b,good\nin/a.jpg,0,0,9,9,c,ok\n",
    b'query,x1,y1,x2,y2,image,label\r\n"a, b",0,0,9,9,b,junk\r\n,,,,,,\r\n',
    "\ufeffquery,x1,y1,x2,y2,image,label\na,1e3,0,9e9,9,K\u00f6ln,good\n".encode("utf-16"),
]
cells = st.sampled_from(
    ["a", "", "0", "9", "nan", "-inf", "good", '"', "a/b", " ", "\u2028", "1e400"]
)


@MANY
@given(data=damaged(TABLES) | st.lists(st.lists(cells, max_size=9), max_size=4))
def test_tables(folder, data):
    path = folder / "own.csv"
    if isinstance(data, list):
        lines = ["query,x1,y1,x2,y2,image,label", *map(",".join, data)]
        data = "\n".join(lines).encode()
    path.write_bytes(data)
    names_it(path, GroundTruthError, lambda: read_csv_ground_truth(path))


def npz(write, **arrays):
    buffer = io.BytesIO()
    write(buffer, **arrays)
    return buffer.getvalue()


ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
DESCRIPTORS = [
    npz(np.savez, names=list("abcd"), descriptors=ROWS, provenance="x"),
    npz(np.savez_compressed, names=list("abcd"), descriptors=ROWS),
    npz(np.savez, names=list("abcd"), descriptors=ROWS.astype(">f8")),
]
arrays = st.sampled_from(
    [
        ROWS,
        ROWS * np.nan,
        ROWS.astype(float) * 1e300,
        ROWS.astype(np.float16),
        ROWS.astype(int),
        ROWS.astype(complex),
        ROWS[:0],
        ROWS[:, :0],
        np.array(3.0),
        np.array(["a", "b", "c", "d"]),
        np.array(["x/a", "y/a", "c", "\udce9\n"]),
        np.array([b"a"] * 4),
        np.zeros(4, dtype=[("f", "f4")]),
        np.array(["2020-01-01"] * 4, dtype="M8[D]"),
    ]
)


@MANY
@given(data=damaged(DESCRIPTORS) | st.tuples(arrays, arrays))
def test_descriptors(folder, data):
    path = folder / "d.npz"
    if isinstance(data, tuple):
        data = npz(np.savez, names=data[0], descriptors=data[1])
    path.write_bytes(data)
    names_it(path, DescriptorError, lambda: unit_length(read_descriptors(path)))


def hdf5(**options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        for name, row in zip(("a.jpg", "in/b.jpg"), ROWS, strict=False):
            file[f"{name}/global_descriptor"] = row.astype(np.float16)
    return buffer.getvalue()


def npy(rows):
    buffer = io.BytesIO()
    np.save(buffer, rows)
    return buffer.getvalue()


@FEW
@given(data=damaged([hdf5(), hdf5(libver="latest")]))
def test_hdf5(folder, data):
    path = folder / "d.h5"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:  # a process a file takes half a second
        patch.setattr(hdf5_survival, "require_survived", lambda path: None)
        names_it(path, DescriptorError, lambda: of_folder(path, "", None, "--database-folder"))


@MANY
@given(data=damaged([npy(ROWS), npy(ROWS.astype(">f2"))]) | arrays.map(npy))
def test_arrays(folder, data):
    (folder / "four").mkdir(exist_ok=True)
    for number in range(4):
        (folder / "four" / f"{number}.jpg").touch()
    path = folder / "d.npy"
    path.write_bytes(data)
    names_it(path, DescriptorError, lambda: of_folder(path, "", folder / "four", "--folder"))


POSITIONS = [
    b"image,easting,northing\na.jpg,548000.5,4180000\nin/b,1e5,-2\n",
    "\ufefflongitude,latitude,image\r\n2.3,48.8,K\u00f6ln\r\n".encode("utf-16"),
]
degrees = st.sampled_from(["a", "", "in/a.jpg", "0", "91", "-180", "nan", "1e400", '"', "\u2028"])


@MANY
@given(data=damaged(POSITIONS) | st.lists(st.lists(degrees, max_size=4), max_size=4))
def test_positions(folder, data):
    path = folder / "p.csv"
    if isinstance(data, list):
        lines = ["image,latitude,longitude", *map(",".join, data)]
        data = "\n".join(lines).encode()
    path.write_bytes(data)

    def locate():
        table = read_csv_positions(path)
        assert np.isfinite(table.metres).all()
        positions_in_table(table, ["a.jpg", "in/a.jpg", "in/b.jpg"], "D")

    names_it(path, PositionError, locate)


RAW = {
    "imlist": ["a", "b"],
    "qimlist": ["c"],
    "gnd": [{"bbx": np.arange(4.0), "easy": np.array([0]), "hard": [1], "junk": []}],
}


@MANY
@given(data=damaged([pickle.dumps(RAW, protocol=protocol) for protocol in (0, 2, 4)]))
def test_pickles(folder, data):
    path = folder / "gnd.pkl"
    path.write_bytes(data)
    names_it(path, GroundTruthError, lambda: read_revisited(path))


def packed(mode):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as tar:
        for name in ("in/a.txt", "K\u00f6ln.txt"):
            member = tarfile.TarInfo(name)
            member.size = 9
            tar.addfile(member, io.BytesIO(b"123456789"))
    return buffer.getvalue()


@FEW
@given(data=damaged([packed("w:"), packed("w:gz"), packed("w:xz"), packed("w:bz2")]))
def test_archives(folder, data):
    path = folder / "a.tar"
    path.write_bytes(data)
    names_it(path, ArchiveError, lambda: unpack([path], ".txt", folder / "unpacked"))


@FEW
@given(data=st.data())
def test_tensors(folder, data):
    path = folder / "m.safetensors"
    write_tensors(path, {"a": ROWS}, {"labels": [["a", "backbone", "convolution"]]})
    path.write_bytes(data.draw(damaged([path.read_bytes()])))
    names_it(path, FormatError, lambda: read_contents(path))
