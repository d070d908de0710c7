"""The order of a folder's images that descriptors without names go by."""

from glob import glob
from pathlib import Path

import pytest

from pocketvlad.data import image_listing
from pocketvlad.data.image_file import ImageError
from pocketvlad.data.image_files import Found
from pocketvlad.data.image_listing import listing, require_apart

NAMES = ["a-b/1.jpg", "a/1.jpg", "a/B.JPG", "a.jpg", "Z.jpg", "b/c/2.jpg", "a/10.jpg", "a/9.jpg"]


@pytest.fixture
def folder(tmp_path):
    for name in [*NAMES, ".hidden/1.jpg", "note.txt"]:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "set"


def test_it_is_that_of_a_sorted_recursive_glob(folder):
    expected = sorted(
        path for path in glob(f"{folder}/**/*", recursive=True) if path.lower().endswith(".jpg")
    )
    found = listing(folder).images
    assert [str(path) for path in found] == expected
    assert len(found) == len(NAMES)
    assert found != sorted(found)  # by folder it would be another


def test_a_list_beside_the_folder_goes_first(folder):
    listed = folder.with_name("set_images_paths.txt")
    listed.write_text("b/c/2.jpg\na/9.jpg\n")
    assert listing(folder).images == [folder / "b/c/2.jpg", folder / "a/9.jpg"]


@pytest.mark.parametrize("sign", ["\x0b", "\x1c", "\x85", "\u2028"])
def test_a_name_in_a_list_may_hold_what_is_no_end_of_a_line(folder, sign):
    (folder / f"a{sign}b.jpg").touch()
    listed = folder.with_name("set_images_paths.txt")
    listed.write_bytes(f"a{sign}b.jpg\r\na.jpg\rZ.jpg\n".encode())
    assert listing(folder).images == [folder / f"a{sign}b.jpg", folder / "a.jpg", folder / "Z.jpg"]


@pytest.mark.parametrize("typed", [".", "..", "../b/.."])
def test_a_list_is_found_however_the_folder_is_typed(folder, monkeypatch, typed):
    folder.with_name("set_images_paths.txt").write_text("b/c/2.jpg\na/9.jpg\n")
    monkeypatch.chdir(folder if typed == "." else folder / "a")
    listed = [Path(typed, "b/c/2.jpg"), Path(typed, "a/9.jpg")]
    assert listing(Path(typed)).images == listed


def test_the_root_has_no_list_beside_it(monkeypatch):
    monkeypatch.setattr(image_listing, "walk", lambda folder: Found([folder / "b", folder / "a"]))
    assert listing(Path("/")).images == [Path("/a"), Path("/b")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a/8.jpg", r".*/set/a/8\.jpg is missing; correct"),
        ("a", ".*/set/a is no file; correct"),
        (300 * "a", ".*/set/a+ is missing; correct"),
        ("{folder}/a.jpg", r".*/set/a\.jpg is no path within .*/set; write paths from"),
        ("../other/1.jpg", r"\.\./other/1\.jpg is no path within .*/set; write"),
        ("a/../a.jpg", ".* is no path within"),
        ("b//c/./2.jpg", r"b//c/\./2\.jpg is in line 1 already; correct the list, or remove it"),
    ],
)
def test_a_list_has_each_image_of_the_folder_once(folder, line, fault):
    folder.with_name("other").mkdir()
    (folder.with_name("other") / "1.jpg").touch()
    line = line.format(folder=folder)
    folder.with_name("set_images_paths.txt").write_text(f"b/c/2.jpg\n\n{line}\n")
    with pytest.raises(ImageError, match=rf"set_images_paths\.txt, line 3: {fault}"):
        listing(folder)


def test_there_must_be_images(folder, tmp_path):
    with pytest.raises(ImageError, match="nowhere is not a folder"):
        listing(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="empty holds no image"):
        listing(tmp_path / "empty")


@pytest.mark.parametrize("inner", ["a", "."])
def test_folders_must_not_overlap(folder, tmp_path, inner):
    pair = (folder, folder / inner)
    with pytest.raises(ImageError, match=r"overlap: [48] images in both, .*\.(jpg|JPG) for"):
        require_apart(*pair, *map(listing, pair))
    require_apart(folder / "a", folder / "b", listing(folder / "a"), listing(folder / "b"))
    link = tmp_path / "link"
    link.symlink_to(folder / "b")
    with pytest.raises(ImageError, match="1 image in both"):
        require_apart(folder, link, listing(folder), listing(link))
