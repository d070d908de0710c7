"""Images of one's own: which files they are, what they are called, links, changes."""

import os

import pytest
from PIL import Image

from pocketvlad.data.dataset import DatasetError
from pocketvlad.data.image_files import find_images, state
from pocketvlad.data.image_folder import link_images, originals
from pocketvlad.data.image_names import bare_name
from pocketvlad.data.image_sizes import image_sizes


@pytest.fixture
def folder(tmp_path):
    """An image of every format, nested and in upper case, and what is none."""
    root = tmp_path / "photos"
    names = ["a.jpg", "b.JPG", "in/c.JPEG", "in/d.png", "in/deep er/e.WebP", "f.tif", "g.bmp"]
    for width, name in enumerate(names, start=70):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (width, 80)).save(root / name)
    for other in ("notes.txt", ".hidden.jpg", ".thumbs/a.jpg", "raw.cr2"):
        (root / other).parent.mkdir(exist_ok=True)
        (root / other).write_text("no image")
    (root / "folder.jpg").mkdir()
    return root


def test_every_format_is_linked_and_read(folder, tmp_path):
    target = tmp_path / "results" / "images"
    assert len(link_images(folder, target).images) == 7
    assert sorted(path.name for path in target.iterdir()) == [f"{n}.jpg" for n in "abcdefg"]
    # Read through the links, and through what they lead to.
    expected = {name: (width, 80) for width, name in enumerate("abcdefg", start=70)}
    links = {path.stem: path for path in sorted(target.iterdir())}
    assert image_sizes(links, iter) == (expected, {})
    assert image_sizes(originals(target), iter) == (expected, {})
    assert all(path.is_relative_to(folder) for path in originals(target).values())


def test_links_of_a_relative_folder_lead_there(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link_images(folder.relative_to(tmp_path), tmp_path / "out")
    assert (tmp_path / "out" / "a.jpg").resolve() == folder / "a.jpg"


def test_a_damaged_image_is_named_where_its_owner_keeps_it(folder, tmp_path):
    (folder / "in" / "d.png").write_bytes(b"cut")
    link_images(folder, tmp_path / "out")
    sizes, faults = image_sizes(originals(tmp_path / "out"), iter)
    assert len(sizes) == 6
    assert f"{folder}/in/d.png is not a readable image: " in faults["d"]


def test_two_images_of_one_name_are_refused(folder, tmp_path):
    (folder / "z").mkdir()
    Image.new("RGB", (70, 70)).save(folder / "z" / "a.png")
    with pytest.raises(DatasetError, match=r"a\.jpg and .*z/a\.png are both called 'a'.*rename"):
        link_images(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "raw.cr2").touch()
    with pytest.raises(DatasetError, match=r"holds no image \(.*\.jpg.*correct `folder`.*convert"):
        link_images(tmp_path, tmp_path / "out")


def test_a_state_changes_with_the_images_and_with_nothing_else(folder):
    def now():
        return state(find_images(folder), folder)

    path = folder / "a.jpg"
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    states = [now()]
    path.write_bytes(path.read_bytes() + b"x")
    os.utime(path, ns=times)
    states.append(now())  # another size
    os.utime(path, ns=(times[0], times[1] + 10**9))
    states.append(now())  # another time
    path.rename(folder / "h.jpg")
    states.append(now())
    (folder / "h.jpg").rename(folder / "in" / "h.jpg")
    states.append(now())
    (folder / "in" / "h.jpg").unlink()
    states.append(now())
    assert len(set(states)) == len(states)
    (folder / ".more.jpg").touch()
    (folder / "notes.txt").write_text("more")
    assert now() == states[-1]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.jpg", "a"),
        ("photos/in/a.JPEG", "a"),
        ("a.b.png", "a.b"),
        ("version.2", "version.2"),
        ("in/plain", "plain"),
        ("oxc1_all_souls_000013", "oxc1_all_souls_000013"),
    ],
)
def test_names_have_neither_folder_nor_suffix(text, name):
    assert bare_name(text) == name
