"""What people's real files and habits do to the command and to a study: each kind of fault once.

A kind is mended at its border; here stand the examples that were reported, and others of the kind.
"""

import contextlib
import os
import pickle
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import odd_files
import pytest
import torch
import yaml
from few_files import NAMES, ROWS, write_lists
from networks import random_network
from PIL import Image
from safetensors.torch import save_file
from workflow_runs import ROOT

from pocketvlad.cli.main import main
from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.dataset import DatasetError, describe_absent, index_dataset
from pocketvlad.data.ground_truth import GroundTruthError, read_ground_truth
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.image_files import walk
from pocketvlad.data.image_folder import link_images, originals
from pocketvlad.data.image_sizes import image_sizes
from pocketvlad.data.images import CENTRED, ImageError, image_size, intact_size, load_image
from pocketvlad.data.settings import CropSettings, Sizing
from pocketvlad.data.unpack import ArchiveError, unpack
from pocketvlad.format.contents import Contents, read_contents, write_contents
from pocketvlad.retrieval.coinciding import CoincidingError
from pocketvlad.study.config import check_config
from pocketvlad.study.faults import ConfigError
from pocketvlad.study.local_data import require_local_data

FULL = Sizing(400, "bilinear", decoder_scaling=False)
BROKEN = {
    "long.png": odd_files.long_text_png,
    "damaged.jpg": odd_files.damaged_avif,
    "float.tif": odd_files.float_tiff,
    "empty.jpg": bytes,
    "text.jpg": lambda: b"no picture",
    "postscript.jpg": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "cut.png": lambda: odd_files.narrow_png()[:200],
}
READ = {
    "orientation as text": odd_files.exif((0x0112, 2, 2, b"6\0")),
    "orientation nine": odd_files.orientation(9),
    "orientation zero": odd_files.orientation(0),
}


def command(capsys, *words):
    status = main([str(word) for word in words])
    return status, *capsys.readouterr()


def search(capsys, folder, *more):
    return command(capsys, "search", "small.pvlad", "a.jpg", "--database", folder, *more)


# 1: parsers raise more than is caught


def test_bad_photographs_are_left_out_by_name_and_the_rest_goes_on(few_files, capsys):
    for name, make in BROKEN.items():
        (few_files / "holiday" / name).write_bytes(make())
    status, out, err = search(capsys, "holiday", "--top", 99)
    assert status == 0
    assert len(out.splitlines()) == 12
    lines = [line for line in err.splitlines() if line.startswith("left out: ")]
    assert sorted(line.split("/")[1].split(" ")[0].strip(":") for line in lines) == sorted(BROKEN)
    images = sorted((few_files / "holiday").glob("[0-9]*.jpg"))
    words = ("describe", "small.pvlad", *images, "holiday/cut.png", "-o", "d.npz")
    status, out, err = command(capsys, *words)
    assert (status, "12 descriptors" in out, "cut.png" in err) == (0, True, True)


def test_a_study_leaves_bad_photographs_out_and_says_so(few_files):
    for name, make in BROKEN.items():
        (few_files / "holiday" / name).write_bytes(make())
    link_images(few_files / "holiday", few_files / "images")
    sizes, faults = image_sizes(originals(few_files / "images"), iter)
    assert len(sizes) == 12
    assert sorted(faults) == sorted(name.split(".")[0] for name in BROKEN)
    path = few_files / "own.csv"
    path.write_text("query,x1,y1,x2,y2,image,label\n0,0,0,9,9,1,good\n")
    dataset = index_dataset("own", sizes, read_csv_ground_truth(path), faults=faults)
    assert dataset.counts()["images"] == 12
    assert dataset.counts()["expected_images"] == 12 + len(BROKEN)  # tables say so
    path.write_text("query,x1,y1,x2,y2,image,label\n0,0,0,9,9,cut,good\n")
    with pytest.raises(DatasetError, match=r"(?s)cut for one.*cut\.png is damaged.*leave_out"):
        index_dataset("own", sizes, read_csv_ground_truth(path), faults=faults)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_damaged_descriptors_and_indices_are_named(few_files, capsys, share):
    rows = np.random.default_rng(0).normal(size=(5, 400))
    np.savez_compressed("d.npz", names=NAMES, descriptors=rows)
    data = bytearray(Path("d.npz").read_bytes())
    for place in range(int(share * len(data)), int(share * len(data)) + 40):
        data[place] ^= 0xFF
    Path("d.npz").write_bytes(data)
    words = ("evaluate", "--ground-truth", "ground_truth", "--descriptors", "d.npz")
    status, _, err = command(capsys, *words)
    assert status == 1
    assert "evaluate: d.npz" in err
    expected = search(capsys, "holiday")[1]
    [index] = (few_files / "holiday").glob(".pocketvlad-*")
    index.write_bytes(data)
    status, out, err = search(capsys, "holiday")
    assert (status, out) == (0, expected)
    assert f"{index.name} is damaged" in err
    assert "damaged" not in search(capsys, "holiday")[2]


def test_tensors_that_numpy_does_not_know_are_named(few_files, capsys):
    save_file({"a": torch.zeros(3, dtype=torch.bfloat16)}, "b.safetensors", {"pocketvlad": "{}"})
    for header in ("[]", "[" * 100_000, "nothing"):
        save_file({"a": torch.zeros(3)}, "c.safetensors", {"pocketvlad": header})
        assert (
            "c.safetensors" in command(capsys, "describe", "c.safetensors", "a.jpg", "-o", "x")[2]
        )
    status, _, err = command(capsys, "describe", "b.safetensors", "a.jpg", "-o", "x.npz")
    assert status == 1
    assert "b.safetensors: a is bfloat16; save it as float32" in err


# 2: pixels silently wrong


def test_wide_pixels_are_scaled(tmp_path):
    def pixels(name, data):
        (tmp_path / name).write_bytes(data)
        return load_image(tmp_path / name, FULL)

    expected = pixels("8.png", odd_files.narrow_png())
    np.testing.assert_array_equal(pixels("16.png", odd_files.wide_png()), expected)
    np.testing.assert_array_equal(pixels("16.tif", odd_files.white_is_zero_tiff()), expected)
    with pytest.raises(ImageError, match=r"f\.tif has floating-point pixels"):
        pixels("f.tif", odd_files.float_tiff())


MODES = {
    "TIFF": ("1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB"),
    "PNG": ("1", "L", "LA", "P", "RGBA"),
    "JPEG": ("1", "L", "CMYK", "YCbCr"),
}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind in MODES for mode in MODES[kind]])
def test_every_mode_shows_the_same_picture(tmp_path, mode, kind):
    image = odd_files.picture()
    if mode == "LAB":
        from PIL import ImageCms

        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(
            image, ImageCms.createProfile("sRGB"), lab, outputMode=mode
        )
    else:
        image = image.convert(mode)
    path = tmp_path / "a.jpg"
    path.write_bytes(odd_files.encoded(image, kind))
    expected = (
        odd_files.picture().convert("L" if mode in ("1", "L", "LA") else "RGB").convert("RGB")
    )
    found = load_image(path, Sizing(20, "bilinear", False)).astype(int)
    shown = np.asarray(expected.resize((20, 15), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(found - shown).mean() < 25


@pytest.mark.parametrize("name", READ)
def test_nonsense_in_a_tag_is_an_upright_picture(tmp_path, name):
    path, plain = tmp_path / "a.jpg", tmp_path / "b.jpg"
    path.write_bytes(odd_files.encoded(odd_files.picture(), "JPEG", exif=READ[name]))
    plain.write_bytes(odd_files.encoded(odd_files.picture(), "JPEG"))
    assert image_size(path, upright=True) == intact_size(path, upright=True) == (160, 120)
    expected = load_image(plain, FULL)
    np.testing.assert_array_equal(load_image(path, FULL, upright=True), expected)


def test_a_wrong_resolution_does_not_hide_the_orientation(tmp_path):
    segment = odd_files.exif((0x0112, 3, 1, b"\6\0"), (0x011A, 2, 9, b"72 by inc"))
    path = tmp_path / "a.jpg"
    path.write_bytes(odd_files.encoded(odd_files.picture(), "JPEG", exif=segment))
    assert image_size(path, upright=True) == (120, 160)
    assert load_image(path, FULL, upright=True).shape == (160, 120, 3)


@pytest.mark.parametrize("value", range(1, 10))
def test_a_turned_tiff_has_the_size_that_its_pixels_have(tmp_path, value):
    """Pillow turns them by itself."""
    path = tmp_path / "a.tif"
    odd_files.picture().save(path, tiffinfo={0x0112: value})
    for upright in (False, True):
        width, height = image_size(path, upright)
        assert load_image(path, FULL, upright=upright).shape == (height, width, 3)
        assert (height > width) == (5 <= value <= 8)


def test_of_an_animated_file_the_first_picture_is_read(tmp_path):
    first, second = odd_files.picture(), Image.new("RGB", (160, 120))
    for name in ("a.webp", "a.png", "a.tif"):
        path = tmp_path / name
        first.save(path, save_all=True, append_images=[second])
        assert np.abs(load_image(path, FULL).astype(int) - np.asarray(first)).mean() < 20


def test_a_phones_photograph_is_read_or_told(few_files, capsys, monkeypatch):
    from pocketvlad.data import codecs

    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99)
    (few_files / "holiday" / "phone.HEIC").write_bytes(heic)
    (few_files / "holiday" / "sent.jpg").write_bytes(heic)
    monkeypatch.setattr(codecs, "reads_heif", lambda: False)
    _, out, err = search(capsys, "holiday", "--top", 99)
    assert len(out.splitlines()) == 12
    assert "passed over: 1 file of .heic in holiday: HEIC needs pillow-heif: pip install" in err
    assert "left out: holiday/sent.jpg cannot be decoded: HEIC needs pillow-heif" in err


@pytest.mark.parametrize(
    ("brands", "needed"),
    [
        (b"mif1\0\0\0\0mif1heic", "pillow-heif"),
        (b"mif1\0\0\0\0mif1avifmiaf", "Pillow 11.3"),
        (b"avif\0\0\0\0mif1avif", "Pillow 11.3"),
        (b"mif1\0\0\0\0mif1", None),
        (b"isom\0\0\0\0mp41", None),
    ],
)
def test_the_codec_of_a_container_is_told_by_all_its_brands(monkeypatch, brands, needed):
    from pocketvlad.data import codecs

    monkeypatch.setattr(codecs, "reads_heif", lambda: False)
    monkeypatch.setattr(codecs, "reads_avif", lambda: False)
    box = (8 + len(brands)).to_bytes(4) + b"ftyp" + brands
    told = codecs.codec_missed((box + b"heicavif" + bytes(99))[: codecs.HEAD])
    assert needed in told if needed else told is None


def test_heic_is_pillow_heifs(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    path = tmp_path / "a.heic"
    pillow_heif.from_pillow(odd_files.picture()).save(path, quality=95)
    found = load_image(path, FULL, upright=True).astype(int)
    assert np.abs(found - np.asarray(odd_files.picture())).mean() < 12
    assert walk(tmp_path).images == [path]


# 3: folders silently incomplete


def test_links_are_followed_once_and_the_rest_is_counted_aloud(few_files, capsys):
    holiday = few_files / "holiday"
    (few_files / "elsewhere").mkdir()
    (few_files / "b.jpg").rename(few_files / "elsewhere" / "linked.jpg")
    (holiday / "album").symlink_to(few_files / "elsewhere", target_is_directory=True)
    (holiday / "again").symlink_to(few_files / "elsewhere", target_is_directory=True)
    (holiday / "loop").symlink_to(holiday, target_is_directory=True)
    (holiday / "round").symlink_to(holiday / "round")
    (holiday / "lost.jpg").symlink_to(few_files / "nowhere.jpg")
    os.mkfifo(holiday / "pipe.jpg")
    for name in ("x.gif", "y.GIF", "z.cr2", "notes.txt", ".hidden.jpg"):
        (holiday / name).write_bytes(b"")
    (holiday / "__MACOSX").mkdir()
    (holiday / "__MACOSX" / "0.jpg").write_bytes(b"")
    status, out, err = search(capsys, "holiday", "--top", 99)
    assert status == 0
    assert len(out.splitlines()) == 13
    assert out.count("linked.jpg") == 1
    told = [line for line in err.splitlines() if line.startswith("passed over: ")]
    assert len(told) == 5
    for text in ("lost.jpg: a link that leads nowhere", "pipe.jpg: no ordinary file", "round: ",
                 "2 files of .gif", "1 file of .cr2"):  # fmt: skip
        assert any(text in line for line in told), text
    found = link_images(holiday, few_files / "images")
    assert len(found.images) == 13
    assert len(found.passed_over) == 5


def test_a_folder_that_cannot_be_read_is_told(few_files, monkeypatch):
    (few_files / "holiday" / "closed").mkdir()
    real = Path.iterdir

    def iterdir(path):  # whoever runs the tests may read everything
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    found = walk(few_files / "holiday")
    assert len(found.images) == 12
    assert "holiday/closed: [Errno 13] Permission denied" in found.passed_over[0]


# 4: lists read too literally


@pytest.fixture
def lists(tmp_path):
    write_lists(tmp_path / "gt")
    return tmp_path / "gt"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_are_a_name_a_line(lists, encoding, end):
    expected = read_ground_truth(lists)
    names = ["hall_000001", "", "  hall_000002.JPG\t", ""]
    (lists / "hall_1_good.txt").write_bytes(end.join(names).encode(encoding))
    (lists / "hall_1_query.txt").write_bytes(f"hall_000001 0 0\t9 9{end}".encode(encoding))
    for name in ("._hall_1_query.txt", "._hall_1_good.txt", ".DS_Store"):
        (lists / name).write_bytes(b"\0\5\x16\7\0\xff")
    assert read_ground_truth(lists) == expected
    archive = lists.with_name("gt.TGZ")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(lists, "lists")
        tar.add(lists / "._hall_1_query.txt", "__MACOSX/hall_1_query.txt")
    assert read_any_ground_truth(archive, "original") == expected


def test_names_in_lists_may_have_spaces(lists):
    (lists / "hall_1_query.txt").write_text("my hall 1.jpg 0 0 9 9\n")
    (lists / "hall_1_good.txt").write_text("my hall 2\nKo\u0308ln 3\n")
    [query] = read_ground_truth(lists)
    assert (query.image, query.good) == ("my hall 1", ("my hall 2", "K\u00f6ln 3"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("hall_1_good.txt", b"caf\xe9\n", "is no text in UTF-8"),
        ("hall_1_good.txt", b"a\0b", "holds a zero byte"),
        ("hall_1_query.txt", b"hall_000001 0 0 inf inf", "not finite"),
        ("hall_1_query.txt", b"hall_000001 9 9 0 0", "empty box"),
        ("hall_1_query.txt", b"0 0 9 9", "expected an image name"),
        ("hall_1_ok.txt", b"a/hall_000003\nb/hall_000003\n", "a/hall_000003 and b/hall_000003"),
    ],
)
def test_every_error_of_a_list_names_its_file(lists, name, content, message):
    (lists / name).write_bytes(content)
    with pytest.raises(GroundTruthError, match=message) as failure:
        read_ground_truth(lists)
    assert str(lists / name) in str(failure.value)


def test_partial_says_how_many_names_were_not_found(few_files, capsys):
    Path("ground_truth/hall_1_ok.txt").write_text("hall_000003\ngone_1\ngone_2\n")
    words = ("evaluate", "--ground-truth", "ground_truth", "--descriptors", "descriptors.npz")
    status, _, err = command(capsys, *words)
    assert status == 1
    assert "--partial" in err
    assert "partial: true" not in err
    status, out, _ = command(capsys, *words, "--partial")
    assert status == 0
    assert "2 listed names were not found: gone_1, gone_2" in out
    lists = read_ground_truth(Path("ground_truth"))
    whole = index_dataset("x", dict.fromkeys(NAMES, (9, 9)), lists, partial=True)
    assert describe_absent(whole) == "2 listed names were not found: gone_1, gone_2"


def test_archives_may_have_upper_case_suffixes_and_other_formats(tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for name in ("a.JPG", "b.png", "._a.JPG", "c.txt"):
        (photographs / name).write_bytes(name.encode())
    with tarfile.open(tmp_path / "p.tar", "w") as tar:
        tar.add(photographs, "p")
    assert unpack([tmp_path / "p.tar"], ".jpg", tmp_path / "out", also=(".png",)) == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg", "b.jpg"]


def test_a_zip_archive_is_told_what_it_is(tmp_path, lists):
    path = tmp_path / "gt.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.write(lists / "hall_1_good.txt")
    with pytest.raises(ArchiveError, match=r"it is a zip archive, not a tar.*pack it again"):
        unpack([path], ".txt", tmp_path / "out")
    with pytest.raises(GroundTruthError, match="a zip archive"):
        read_any_ground_truth(path, "original")


# 5: habits of tables

HEAD = "query,x1,y1,x2,y2,image,label"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,0,0,9,9,b,good,", "a,0,0,9,9,c,ok,"], "line 2: 8 cells, 7 expected.*comma"),
        (["a,0,0,9,9,b,good", "a,0,0,9,9,c"], "line 3: 6 cells"),
        (["a,0,0,9,inf,b,good"], "line 2: .*not finite"),
        (["a,0,0,1e999,9,b,good"], "line 2: .*not finite"),
        (["query/0.jpg,0,0,9,9,ref/0.jpg,good"], "line 2: query/0.jpg and ref/0.jpg are both"),
        (["a.jpg,0,0,9,9,a.png,good"], r"line 2: a\.jpg and a\.png are both"),
        (["a,0,0,9,9,b,good", "a,0,0,9,9,b,good"], "line 3: b has a label already"),
    ],
)
def test_a_row_is_told_by_its_line(tmp_path, rows, message):
    path = tmp_path / "own.CSV"
    path.write_text("\r\n".join([HEAD, *rows]))
    with pytest.raises(GroundTruthError, match=rf"own\.CSV, {message}"):
        read_any_ground_truth(path, "original")


def test_a_table_of_excel_is_read(tmp_path):
    path = tmp_path / "own.CSV"
    text = f"{HEAD}\r\n,,,,,,\r\nC:\\photos\\a.JPG,0,0,9,9,photos/b, good \r\n"
    expected = [("a", "b")]
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert [(q.image, *q.good) for q in read_any_ground_truth(path, "original")] == expected
    path.write_text(HEAD.replace(",", ";"))
    with pytest.raises(
        GroundTruthError,
        match=r"own\.CSV has the columns query;x1.*; write query,.*by commas, not by semi",
    ):
        read_any_ground_truth(path, "original")


# 6: names lose their folders


def test_images_of_one_name_in_two_folders_are_refused(tmp_path, capsys):
    (tmp_path / "own.csv").write_text(f"{HEAD}\n000.jpg,0,0,9,9,001.jpg,good\n")
    np.savez(tmp_path / "d.npz", names=["ref/000.jpg", "ref/001.jpg"], descriptors=ROWS[:2])
    np.savez(tmp_path / "q.npz", names=["query/000.jpg"], descriptors=ROWS[:1])
    words = ("--ground-truth", tmp_path / "own.csv", "--protocol", "revisited")
    own = ("--descriptors", tmp_path / "d.npz", "--query-descriptors", tmp_path / "q.npz")
    status, _, err = command(capsys, "evaluate", *words, *own)
    assert status == 1
    assert "ref/000.jpg and query/000.jpg are both called '000'" in err
    np.savez(tmp_path / "d.npz", names=["ref/000.jpg", "old/000.jpg"], descriptors=ROWS[:2])
    status, _, err = command(capsys, "evaluate", *words, *own)
    assert "as ref/000.jpg and as old/000.jpg" in err
    raw = {"imlist": ["ref/000", "ref/001"], "qimlist": ["query/000"]}
    raw["gnd"] = [{"bbx": [0, 0, 9, 9], "easy": [1], "hard": [], "junk": []}]
    (tmp_path / "gnd.PKL").write_bytes(pickle.dumps(raw))
    with pytest.raises(GroundTruthError, match=r"gnd\.PKL: ref/000 and query/000 are both"):
        read_any_ground_truth(tmp_path / "gnd.PKL", "revisited")


# 7 and 8: outputs (test_commands.py has the rest)


def test_the_first_of_many_photographs_is_no_output(few_files, capsys):
    before = Path("a.jpg").read_bytes()
    status, _, err = command(capsys, "describe", "small.pvlad", "-o", "a.jpg", "b.jpg")
    assert status == 1
    assert "a.jpg is there already and is no .npz or .h5 or .hdf5 or .npy file" in err
    status, _, err = command(capsys, "decode", "small.pvlad", "-o", "descriptors.npz")
    assert status == 1
    assert Path("a.jpg").read_bytes() == before


def test_space_is_asked_for_before_anything_is_computed(few_files, capsys, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 9}))
    for words in (("decode", "small.pvlad"), ("describe", "small.pvlad", "a.jpg")):
        status, _, err = command(capsys, *words, "-o", "x")
        assert status == 1
        assert "where 9 (0.0 GB) are free" in err


# 9: permissions


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_files_have_the_mode_of_the_umask(few_files, capsys, mask, mode):
    before = os.umask(mask)
    try:
        assert command(capsys, "decode", "small.pvlad", "-o", "x.safetensors")[0] == 0
        assert command(capsys, "describe", "small.pvlad", "a.jpg", "-o", "x.npz")[0] == 0
        assert search(capsys, "holiday", "--figure", "x.png")[0] == 0
    finally:
        os.umask(before)
    index = next(Path("holiday").glob(".pocketvlad*"))
    for path in map(Path, ("x.safetensors", "x.npz", "x.png", index)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


# 10: text and streams


def test_names_of_any_bytes_are_shown(few_files, capsys):
    names = [b"caf\xe9.jpg", b"$$.jpg", b"two\nlines.jpg", b"\x1b[31m.jpg", b"{x}%s.jpg"]
    for name in names:
        path = os.fsencode(few_files / "holiday") + b"/" + name
        with open(path, "wb") as file:
            file.write(Path("b.jpg").read_bytes())
    status, out, _ = search(capsys, "holiday", "--top", 99, "--figure", "answer")
    assert status == 0
    assert len(out.splitlines()) == 18  # and the figure's
    assert "caf\\xe9.jpg" in out
    assert "two\\nlines.jpg" in out
    assert "figure: answer\n" in out
    with Image.open("answer") as figure:
        assert figure.format == "PNG"
    again = search(capsys, "holiday", "--top", 99)
    assert len(again[1].splitlines()) == 17
    found = link_images(few_files / "holiday", few_files / "images")
    linked = originals(few_files / "images")
    assert len(found.images) == len(linked) == 17
    for name in linked:
        name.encode()  # as tables and JSON are written
    assert not image_sizes(linked, iter)[1]


def test_a_figure_that_cannot_be_is_told_first(few_files, capsys, monkeypatch):
    monkeypatch.setattr("pocketvlad.load", pytest.fail, raising=False)
    status, _, err = search(capsys, "holiday", "--figure", "answer.doc")
    assert status == 1
    assert "answer.doc is no .png or " in err


@pytest.mark.parametrize(
    "words", ["search small.pvlad a.jpg --database holiday", "inspect missing"]
)
def test_a_reader_of_errors_that_has_gone_ends_the_command_quietly(few_files, words):
    code = "import sys; from pocketvlad.cli.main import main; sys.exit(main())"
    line = f"{{ {sys.executable} -c '{code}' {words}; }} 2>&1 | true; exit 0"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("", "")


# 11: numbers and keys


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--box", "0", "0", "inf", "inf"), "the box 0 0 inf inf is not finite"),
        (("--box", "0", "0", "nan", "9"), "not finite"),
        (("--box", "90", "90", "3", "3"), "empty box 90 90 3 3"),
        (("--box", "1e300", "0", "1e301", "9"), "lies outside"),
        (("--top", "0"), "--top 0: give a whole number, 1 or more"),
        (("--image-size", "0"), "--image-size 0"),
    ],
)
def test_numbers_of_a_search(few_files, capsys, words, message):
    status, _, err = search(capsys, "holiday", *words)
    assert status == 1
    assert message in err


@pytest.mark.parametrize("amount", [("--drop", "nan"), ("--drop", "inf"), ("--megabytes", "inf")])
def test_amounts_of_a_compression(few_files, capsys, amount):
    words = ("compress", "base.safetensors", "--calibration", "holiday", "-o", "x.pvlad")
    status, _, err = command(capsys, *words, *amount)
    assert status == 1
    assert f"{' '.join(amount)}: give a number, above 0" in err


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (("pruning", "thresholds"), "{0.001: 0.1}", 'thresholds.0.001: the name 0.001 .* "0.001"'),
        (("cities",), "{no: mini-oxford, b: mini-paris}", "cities.False: YAML reads the name no"),
        (
            ("cities",),
            "{null: mini-oxford, b: mini-paris}",
            "cities.None: the name None is no text",
        ),
        (("models",), "{2024-01-01: 1}", "models.2024-01-01: the name"),
        (("training", "learning_rate"), ".inf", "training.learning_rate: inf is not finite"),
        (("training", "learning_rate"), ".nan", "training.learning_rate: nan is not finite"),
        (("grid", 0, "bits"), "[8.0]", "grid.0.bits.0: 8.0 has a decimal point; write 8"),
    ],
)
def test_numbers_and_names_of_a_config(place, text, message):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in ("sources", "datasets"):
        official = yaml.safe_load((ROOT / f"pocketvlad/data/official/{name}.yaml").read_text())
        config[name] = {**official[name], **config.get(name, {})}
    check_config(config)
    section = config
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = yaml.safe_load(text)
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def test_braces_and_missing_archives_are_told_before_any_job(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETVLAD_DATA", str(tmp_path / "a{b}"))
    config = yaml.safe_load((ROOT / "config" / "subset.yaml").read_text())
    official = yaml.safe_load((ROOT / "pocketvlad/data/official/datasets.yaml").read_text())
    config["datasets"] = {**official["datasets"], **config.get("datasets", {})}
    sources = yaml.safe_load((ROOT / "pocketvlad/data/official/sources.yaml").read_text())
    config["sources"] = {**sources["sources"], **config.get("sources", {})}
    with pytest.raises(ConfigError, match=r"data_folder: .*braces"):
        require_local_data(config)
    monkeypatch.setenv("POCKETVLAD_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match=r"oxford_images\.tar is missing; .*POCKETVLAD_DATA"):
        require_local_data(config)


# 12: nothing looks good


def write_black(folder, count=12):
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", (160, 120)).save(folder / f"{number}.jpg")


def test_black_photographs_are_no_calibration(few_files, capsys):
    write_black(few_files / "black")
    words = ("compress", "base.safetensors", "--calibration", "black", "-o", "x.pvlad")
    status, _, err = command(capsys, *words, "--drop", 1)
    assert status == 1
    assert "left out: black/0.jpg is of one colour all over" in err
    assert "black holds 0 usable photographs" in err
    shutil.copy("holiday/0.jpg", "black")
    assert "black holds 1 usable photograph; give 10" in command(capsys, *words, "--drop", 1)[2]


def test_copies_of_one_photograph_are_no_calibration(few_files, capsys):
    (few_files / "copies").mkdir()
    for number in range(12):
        (few_files / "copies" / f"{number}.jpg").write_bytes(Path("a.jpg").read_bytes())
    words = ("compress", "base.safetensors", "--calibration", "copies", "--crops", 4)
    more = ("--projection-crops", 8, "--drop", 1, "-o", "x.pvlad")
    status, _, err = command(capsys, *words, *more)
    assert status == 1
    assert "the descriptors of 12 of 12 photographs coincide" in err


@pytest.mark.parametrize("kind", ["black", "blind"])
def test_a_study_rounds_on_nothing_that_says_nothing(few_files, kind):
    network = random_network("alexnet", 0.1, 4, 8).eval()
    folder = few_files / "holiday"
    if kind == "black":
        folder = few_files / "black"
        write_black(folder)
    else:
        with torch.no_grad():
            network.projection.weight.zero_()
            network.projection.bias.fill_(1)
    paths = {path.stem: path for path in folder.glob("*.jpg")}
    source = CropSource(paths, False, "bilinear", CENTRED)
    crops = CropSettings(image_size=96, crops=8, batch=4)
    settings = RoundingSettings(crops=8, patches=100, projection_crops=8)
    message = "8 of 8 crops .* of one colour" if kind == "black" else "descriptors of 8 of 8 crops"
    with pytest.raises(CoincidingError, match=message):
        round_network(network, random_network("alexnet", 0.1, 4, 8).eval() if kind == "black"
                      else network, source, crops, 0.1, settings, 1)  # fmt: skip


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(few_files, capsys, value):
    held = read_contents(Path("base.safetensors"))
    held.tensors["projection.weight"][0, 0] = value
    write_contents(Path("bad.safetensors"), Contents(held.tensors, held.labels, held.header))
    for words in (
        ("compress", "bad.safetensors", "--calibration", "holiday", "--drop", 1),
        ("describe", "bad.safetensors", "a.jpg"),
    ):
        status, _, err = command(capsys, *words, "-o", "out")
        assert status == 1
        assert "bad.safetensors" in err
        assert "a weight of projection.weight is not finite" in err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((5, 4)), "all 5 descriptors coincide"),
        (np.where(ROWS == 5, np.nan, ROWS), "gate_000001: its descriptor is not finite"),
        (ROWS * 1e300, "gate_000001: its descriptor is not finite"),
        (ROWS * 1e30, "'gate_000001' are too large"),
    ],
)
def test_degenerate_descriptors_are_refused_by_name(few_files, capsys, rows, message):
    np.savez("d.npz", names=NAMES, descriptors=rows)
    words = ("evaluate", "--ground-truth", "ground_truth", "--descriptors", "d.npz")
    status, _, err = command(capsys, *words)
    assert status == 1
    assert "d.npz: " in err
    assert message in err


# 13: stale index


def test_a_file_that_keeps_size_and_time_is_described_again(few_files, capsys):
    first, second = Path("holiday/0.jpg"), Path("holiday/1.jpg").read_bytes()
    size = max(first.stat().st_size, len(second))
    first.write_bytes(first.read_bytes().ljust(size, b"\0"))
    before = first.stat()
    assert "1.000  holiday/0.jpg" in search(capsys, "holiday", "--top", 1)[1]
    first.write_bytes(second.ljust(size, b"\0"))
    os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert first.stat().st_size == before.st_size
    answers = search(capsys, "holiday", "--top", 99)[1].splitlines()
    assert not any("1.000" in line for line in answers if line.endswith("/0.jpg"))


def test_the_reported_inputs_are_taken(tmp_path, few_files, capsys):
    """All files that came with the reports, where these are present."""
    script = ROOT.parent / "shared" / "cases" / "make_cases.py"
    if not script.is_file():
        script = ROOT.parents[1] / "shared" / "cases" / "make_cases.py"
    if not script.is_file():
        pytest.skip(f"{script} is not there")
    cases = tmp_path / "cases"
    subprocess.run([sys.executable, script, cases], check=True)
    with contextlib.suppress(FileNotFoundError):
        (cases / "linked" / "album").unlink()  # what it leads to is among them
    status, out, err = search(capsys, cases, "--top", 99)
    assert status == 0
    assert err.count("left out: ") == 3
    assert len(out.splitlines()) == len([p for p in cases.rglob("*.*") if p.is_file()]) - 3 - 1
