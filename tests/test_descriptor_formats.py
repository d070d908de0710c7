"""Files of descriptors: what each format reads is what it wrote, and what others write."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from pocketvlad.retrieval.descriptor_file import (
    DescriptorError,
    read_content,
    read_descriptors,
    write_descriptors,
)
from pocketvlad.retrieval.listed_descriptors import of_folder

NAMES = ["q/1.jpg", "db/1.jpg", "db/in/2.png"]
ROWS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["npz", "h5", "hdf5", "HDF5"])
def test_names_and_rows_come_back(tmp_path, suffix):
    path = tmp_path / f"d.{suffix}"
    write_descriptors(path, NAMES, ROWS, "made so")
    names, rows, made = read_content(path)
    np.testing.assert_array_equal(rows[[names.tolist().index(name) for name in NAMES]], ROWS)
    assert len(names) == 3
    assert made == "made so"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_an_array_alone_has_rows_alone(tmp_path):
    path = tmp_path / "d.npy"
    write_descriptors(path, NAMES, ROWS, "made so")
    np.testing.assert_array_equal(np.load(path), ROWS)
    content = read_content(path)
    assert content.names is None
    np.testing.assert_array_equal(content.rows, ROWS)
    with pytest.raises(DescriptorError, match=r"d\.npy: a \.npy file has no names of images"):
        read_descriptors(path)


def test_hdf5_is_as_hloc_has_it(tmp_path):
    path = tmp_path / "d.h5"
    write_descriptors(path, NAMES, ROWS, "")
    with h5py.File(path) as file:
        for name, row in zip(NAMES, ROWS, strict=True):
            np.testing.assert_array_equal(file[name]["global_descriptor"][()], row)
            assert file[name]["global_descriptor"].dtype == np.float32


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8"])
def test_hlocs_own_files_are_read(tmp_path, kind):
    """It writes half precision, beside other data sets, and groups in any order."""
    path = tmp_path / "d.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for name, row in zip(NAMES, ROWS, strict=True):
            group = file.create_group(name)
            group["image_size"] = np.array([160, 120])
            group["global_descriptor"] = row.astype(kind)
    read = read_descriptors_with_folders(path)
    assert read.names == sorted(NAMES)
    expected = ROWS[[NAMES.index(name) for name in read.names]]
    assert read.rows.dtype == np.float32
    np.testing.assert_allclose(read.rows, expected, rtol=1e-3 if kind == "f2" else 1e-7)


def read_descriptors_with_folders(path):
    return of_folder(path, "", None, "--database-folder")


@pytest.fixture
def folder(tmp_path):
    for name in ("db/b.jpg", "db/a/c.jpg", "db/a-b.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "db"


def test_rows_without_names_follow_the_folder(folder, tmp_path):
    np.save(tmp_path / "d.npy", ROWS)
    read = of_folder(tmp_path / "d.npy", "", folder, "--database-folder")
    assert read.names == [str(folder / name) for name in ("a-b.jpg", "a/c.jpg", "b.jpg")]
    np.testing.assert_array_equal(read.rows, ROWS)
    np.save(tmp_path / "d.npy", ROWS[:2])
    with pytest.raises(DescriptorError, match=r"d\.npy has 2 rows, and .*db 3 images; give the"):
        of_folder(tmp_path / "d.npy", "", folder, "--database-folder")
    with pytest.raises(DescriptorError, match=r"no names of images; give --queries-folder"):
        of_folder(tmp_path / "d.npy", "", None, "--queries-folder")


def test_names_within_the_folder_are_those_of_its_images(tmp_path):
    """As our own files have them: the end of one name may be another."""
    for name in ("a.jpg", "in/a.jpg", "in/in/a.jpg"):
        (tmp_path / "db" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "db" / name).touch()
    names, rows = ["in/in/a.jpg", "a.jpg", "in/a.jpg"], np.arange(6, dtype=np.float64).reshape(3, 2)
    read = of_folder((names, rows), "rows", tmp_path / "db", "--database-folder")
    by_name = dict(zip(names, rows.tolist(), strict=True))
    wanted = [by_name[str(Path(path).relative_to(tmp_path / "db"))] for path in read.names]
    np.testing.assert_array_equal(read.rows, wanted)


def test_the_folder_where_one_stands_has_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = ["queries/b.jpg", "db/b.jpg", "a/c.jpg", "db/a-b.jpg"]
    rows = np.arange(8, dtype=np.float64).reshape(4, 2)
    read = of_folder((names, rows), "rows", Path("."), "--database-folder")
    assert read.names == ["a-b.jpg", "a/c.jpg", "b.jpg"]
    np.testing.assert_array_equal(read.rows, rows[[3, 2, 1]])
    names[1] = "x/db/b.jpg"
    with pytest.raises(DescriptorError, match=r"1 of 3 images of \. have no .*: b\.jpg; describe"):
        of_folder((names, rows), "rows", Path("."), "--database-folder")


def rows_of(folder, names):
    """Which names the rows of a folder's images are of."""
    rows = np.arange(2.0 * len(names)).reshape(-1, 2)
    read = of_folder((names, rows), "rows", folder, "--database-folder")
    return [names[rows.tolist().index(row)] for row in read.rows.tolist()]


def test_a_file_of_the_folder_around_has_other_images_of_the_same_names(folder):
    """They are called there as an image is within the folder."""
    inner = ["db/a-b.jpg", "db/a/c.jpg", "db/b.jpg"]
    outer = ["b.jpg", "a-b.jpg", "a/c.jpg", "q/b.jpg"]
    assert rows_of(folder, [*outer, *inner]) == inner
    assert rows_of(folder, outer) == ["a-b.jpg", "a/c.jpg", "b.jpg"]
    with pytest.raises(DescriptorError, match=r"a-b\.jpg may be any of a-b\.jpg, db/a-b\.jpg; n"):
        rows_of(folder, [*outer, *inner[:2]])
    with pytest.raises(DescriptorError, match=r"1 of 3 images of .* have no descriptor"):
        rows_of(folder, inner[:2])


def test_a_folder_may_hold_one_of_its_own_name(tmp_path):
    for name in ("1.jpg", "db/1.jpg"):
        (tmp_path / "db" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "db" / name).touch()
    assert rows_of(tmp_path / "db", ["db/1.jpg", "1.jpg"]) == ["1.jpg", "db/1.jpg"]
    around = ["1.jpg", "db/1.jpg", "db/db/1.jpg"]
    assert rows_of(tmp_path / "db", around) == ["db/1.jpg", "db/db/1.jpg"]


def test_two_images_do_not_share_a_descriptor(tmp_path):
    for name in ("in/a.jpg", "out/a.jpg"):
        (tmp_path / "db" / name).parent.mkdir(parents=True)
        (tmp_path / "db" / name).touch()
    message = (
        r"rows: a\.jpg may be the descriptor of .*in/a\.jpg and of .*out/a\.jpg; describe both"
    )
    with pytest.raises(DescriptorError, match=message):
        of_folder((["a.jpg"], np.ones((1, 2))), "rows", tmp_path / "db", "--database-folder")


def test_of_a_file_the_images_of_the_folder_are_taken(folder):
    names = ["query/b.jpg", "db/b.jpg", "a/c", "a-b"]
    rows = np.arange(8, dtype=np.float64).reshape(4, 2)
    read = of_folder((names, rows), "rows", folder, "--database-folder")
    np.testing.assert_array_equal(read.rows, rows[[3, 2, 1]])
    with pytest.raises(DescriptorError, match=r"rows: 1 of 3 images of .* have no descr.*a-b\.jpg"):
        of_folder((names[:3], rows[:3]), "rows", folder, "--database-folder")
    with pytest.raises(DescriptorError, match=r"b\.jpg may be any of b, db/b\.jpg; name images"):
        of_folder((["b", *names[1:]], rows), "rows", folder, "--database-folder")
    with pytest.raises(DescriptorError, match="rows: a-b is there more than once"):
        of_folder((["a-b", *names[1:]], rows), "rows", folder, "--database-folder")


def dataset(name="a.jpg", data=ROWS[0], **options):
    def write(file):
        file.create_dataset(f"{name}/global_descriptor", data=data, **options)

    return write


def huge(file):
    file.create_dataset("a.jpg/global_descriptor", (1 << 40,), "f4", chunks=(1024,))


def elsewhere(file):
    file.create_dataset("a.jpg/global_descriptor", (5,), "f4", external=[("/etc/passwd", 0, 20)])


def virtual(file):
    layout = h5py.VirtualLayout((5,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (5,))
    file.create_virtual_dataset("a.jpg/global_descriptor", layout)


def linked(file):
    file["a.jpg/global_descriptor"] = h5py.ExternalLink("other.h5", "x")


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        ([], "there is no `global_descriptor` in it"),
        ([linked], "there is no `global_descriptor` in it"),
        ([dataset(data=np.arange(5))], r"a\.jpg: `global_descriptor` is int64 \(5,\)"),
        ([dataset(data=ROWS)], r"a\.jpg: `global_descriptor` is float32 \(3, 5\)"),
        ([dataset(data=ROWS[0, :0])], r"a\.jpg: `global_descriptor` is float32 \(0,\)"),
        ([dataset(data="text")], r"a\.jpg: `global_descriptor` is object \(\)"),
        ([dataset(), dataset("b.jpg", ROWS[0, :4])], r"b\.jpg: 4 numbers, others have 5"),
        ([dataset(data=ROWS[0] * np.nan)], r"a\.jpg: its descriptor is not finite"),
        ([huge], r"is float32 \(1099511627776,\)"),
        ([elsewhere], r"a\.jpg: its numbers lie in another file"),
        ([virtual], r"a\.jpg: its numbers lie in another file"),
    ],
)
def test_wrong_hdf5_is_named(tmp_path, writes, message):
    path = tmp_path / "d.h5"
    with h5py.File(path, "w") as file:
        for write in writes:
            write(file)
    with pytest.raises(DescriptorError, match=rf"d\.h5: .*{message}"):
        read_descriptors_with_folders(path)


@pytest.mark.parametrize("suffix", ["h5", "npy", "npz"])
def test_other_bytes_are_named(tmp_path, suffix):
    path = tmp_path / f"d.{suffix}"
    for content in (b"", b"no such file", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'shape': (9"):
        path.write_bytes(content)
        with pytest.raises(DescriptorError, match=rf"d\.{suffix}: .*it must hold"):
            read_descriptors_with_folders(path)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("shape", [(1 << 40, 4), (-1, 4), (3, 1 << 62)])
def test_a_header_that_claims_too_much_costs_nothing(tmp_path, shape):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    path = tmp_path / "d.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
    with pytest.raises(DescriptorError, match=r"d\.npy: "):
        of_folder(path, "", tmp_path, "--database-folder")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["../a", "b", "c"], "../a cannot be a name in it"),
        (["a", "b", ""], "cannot be a name in it"),
        (["a", "b//c", "c"], "b//c cannot be"),
        (["a", "b\n", "c"], r"b\\n cannot be"),
        (["/a", "a", "b"], "a would be there twice"),
    ],
)
def test_hdf5_has_no_such_names(tmp_path, names, message):
    (tmp_path / "d.h5").write_text("as it was")
    with pytest.raises(DescriptorError, match=message):
        write_descriptors(tmp_path / "d.h5", names, ROWS, "")
    assert (tmp_path / "d.h5").read_text() == "as it was"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("pocketvlad.retrieval.descriptor_formats.find_spec", lambda name: None)
    (tmp_path / "d.h5").touch()
    for call in (
        lambda: read_content(tmp_path / "d.h5"),
        lambda: write_descriptors(tmp_path / "d.h5", NAMES, ROWS, ""),
    ):
        with pytest.raises(ImportError, match=r"d\.h5 needs h5py; pip install 'pocketvlad\[hdf5]'"):
            call()
    write_descriptors(tmp_path / "d.npz", NAMES, ROWS, "")


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(DescriptorError, match=r"d\.txt: descriptors are not written as \.txt; cho"):
        write_descriptors(tmp_path / "d.txt", NAMES, ROWS, "")
