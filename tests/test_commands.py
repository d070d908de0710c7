"""The command `pocketvlad`, as its users type it."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from few_files import PROTOCOL, write_photographs
from networks import random_network
from PIL import Image
from safetensors.torch import save_file
from workflow_runs import ROOT

from pocketvlad.cli.main import VERBS, main, parser
from pocketvlad.compression.prune import cutoffs, prune_below
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.rd.trials import remove_trials
from pocketvlad.data.images import Preprocessing, load_image, to_batch
from pocketvlad.format.compressed_file import open_compressed, write_compressed
from pocketvlad.format.contents import Contents, read_contents
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.networks.model import Model, read_model, write_model
from pocketvlad.retrieval.photographs import model_sizing
from pocketvlad.util.checksum import file_digest


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A compressed model of a random network, pruned and quantized like a cell."""
    folder = tmp_path_factory.mktemp("model")
    network = random_network("alexnet", 0.1, 4, 8)
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    with torch.no_grad():  # centred, as a PCA would do: else all images are alike to it
        noise = torch.rand(16, 3, 6, 8) * 4 - 2
        mean = network.pooled(torch.nn.functional.interpolate(noise, (72, 96))).mean(dim=0)
        network.projection.bias.copy_(-network.projection.weight @ mean)
    preprocessing = Preprocessing((127.5,) * 3, (63.75,) * 3)
    write_model(folder / "m.safetensors", Model(network, preprocessing, {"protocol": PROTOCOL}))
    contents = read_contents(folder / "m.safetensors")
    path = folder / "m.pvlad"
    write_compressed(path, contents, quantize_contents(contents, "kmeans", 5))
    return path


@pytest.fixture
def photographs(tmp_path):
    """Five pictures of coloured noise in a folder and a folder in it, and what is no picture."""
    folder = tmp_path / "photographs"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(["a.jpg", "b.JPG", "c.png", "more/d.jpg", "more/e.jpg"]):
        generator = np.random.default_rng(number)
        small = generator.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((160, 120)).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / "broken.jpg").write_bytes(b"not a jpeg")
    return folder


def run(capsys, *words):
    status = main([str(word) for word in words])
    return status, *capsys.readouterr()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(capsys, verb):
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    assert "usage: pocketvlad " + verb in capsys.readouterr().out


def test_help_has_a_line_on_every_verb(capsys):
    """The first line of its module's docstring; the module itself is not imported for it."""
    code = f"{MAIN.rpartition(';')[0]}; main(['--help'])"
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {code}"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    told = " ".join(told.stdout.split())
    assert "pocketvlad.cli.verbs" in told
    for verb in VERBS:
        name = f"pocketvlad.cli.verbs.{verb}"
        summary = import_module(name).__doc__.partition("\n")[0]
        assert f" {verb} {summary.removesuffix('.')} " in told
        assert name not in told


def test_inspect_says_which_crops_a_model_was_rounded_on(capsys, few_files):
    words = ("compress", "base.safetensors", "--calibration", "holiday", "-o", "made.pvlad")
    status, _, err = run(capsys, *words, "--megabytes", 1, *FEW[:-2], "--trials", 1)
    assert status == 0, err
    status, out, _ = run(capsys, "inspect", "made.pvlad")
    assert (status, out.splitlines()[-1]) == (
        0,
        "rounded on 4 crops, its projection on 8 (`rounding.settings`); `distance` was measured on "
        "others, half of the 128 of `rounding.crops`",
    )
    assert "crops" not in run(capsys, "inspect", "small.pvlad")[1]


def test_inspect_accounts_for_every_byte(capsys, model_file):
    status, out, _ = run(capsys, "inspect", model_file)
    assert status == 0
    header, table = out.split("\n}\n")
    assert json.loads(header + "}")["origin"]["protocol"]["image_size"] == 96
    rows = [line.split("  ") for line in table.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    lines = {row[0]: row for row in cells if row}
    size = model_file.stat().st_size
    assert lines["total"][-2] == f"{size:,}"
    parts = [int(lines[k][-2].replace(",", "")) for k in ("backbone", "pooling", "projection")]
    assert sum(parts) + int(lines["header"][-1].replace(",", "")) == size
    tensors = read_contents(model_file.with_suffix(".safetensors")).tensors
    parameters = sum(tensor.size for tensor in tensors.values())
    assert float(lines["total"][-1]) == pytest.approx(4 * parameters / size, abs=0.06)
    zeros = 100 * (tensors["projection.weight"] == 0).mean()
    assert float(lines["projection.weight"][4]) == pytest.approx(zeros, abs=0.06)


def test_inspect_shows_names_without_control_characters(capsys, tmp_path):
    """A file may come from anybody: its names are no orders to a terminal."""
    name, path = "a\x1b[31m\r\nred", tmp_path / "odd.pvlad"
    tensors, labels = {name: np.ones(3, np.float32)}, {name: Label(Part.BACKBONE, Role.OTHER)}
    write_compressed(path, Contents(tensors, labels, {}), {})
    status, out, _ = run(capsys, "inspect", path)
    assert status == 0
    assert "\na\\x1b[31m\\r\\nred  " in out
    assert all(each.isprintable() for each in out.split("\n"))


def test_decode_writes_the_network_that_is_evaluated(capsys, model_file, tmp_path):
    output = tmp_path / "decoded.safetensors"
    assert run(capsys, "decode", model_file, "-o", output)[0] == 0
    decoded, compressed = read_model(output), read_model(model_file)
    assert decoded.origin == compressed.origin
    for name, tensor in compressed.network.state_dict().items():
        assert torch.equal(decoded.network.state_dict()[name], tensor)


def test_describe_gives_the_networks_descriptors(capsys, model_file, photographs, tmp_path):
    output = tmp_path / "d.npz"
    images = [photographs / "a.jpg", photographs / "c.png"]
    assert run(capsys, "describe", model_file, *images, "-o", output)[0] == 0
    stored = np.load(output)
    assert stored["names"].tolist() == [str(path) for path in images]
    model = read_model(model_file)
    pixels = [load_image(path, model_sizing(model)) for path in images]
    with torch.inference_mode():
        expected = model.network(to_batch(pixels, model.preprocessing)).numpy()
    np.testing.assert_allclose(stored["descriptors"], expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(stored["descriptors"], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_two_images_of_one_name_are_told_before_they_are_described(
    capsys, model_file, photographs, tmp_path, monkeypatch, suffix
):
    """`evaluate` could not tell them apart."""
    other, output = tmp_path / "other", tmp_path / f"d.{suffix}"
    other.mkdir()
    (other / "a.jpg").write_bytes((photographs / "a.jpg").read_bytes())
    monkeypatch.setattr("pocketvlad.api.model.photograph", None)
    for images in ((photographs, other), ("a.jpg", "b.jpg", "a.jpg")):
        status, _, err = run(capsys, "describe", model_file, *images, "-o", output)
        assert status == 1
        assert f"d.{suffix}: a.jpg would be there twice; give each image once" in err
    assert not output.exists()


def test_an_array_alone_may_have_an_image_twice(capsys, model_file, photographs, tmp_path):
    output = tmp_path / "d.npy"
    assert run(capsys, "describe", model_file, *[photographs / "a.jpg"] * 2, "-o", output)[0] == 0
    assert len(np.load(output)) == 2


def test_search_finds_the_picture_itself_and_indexes_once(
    capsys, model_file, photographs, tmp_path, monkeypatch
):
    words = ("search", model_file, "--database", photographs, photographs / "more" / "d.jpg")
    status, out, err = run(capsys, *words, "--top", 3)
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines] == ["1", "2", "3"]
    assert lines[0][2].endswith("more/d.jpg")
    assert float(lines[0][1]) == pytest.approx(1, abs=1e-3)
    assert float(lines[0][1]) > float(lines[1][1]) >= float(lines[2][1])
    assert "left out" in err
    assert "broken.jpg" in err
    described = []
    import pocketvlad.retrieval.describe as module

    real = module.described

    def counting(function, pictures, *rest, **options):
        described.extend(str(picture.path) for picture in pictures)
        return real(function, pictures, *rest, **options)

    monkeypatch.setattr(module, "described", counting)
    assert run(capsys, *words, "--top", 3)[1] == out
    query = str(photographs / "more" / "d.jpg")
    assert described == [query]  # nothing of the folder
    # A new picture is described; the others are known.
    Image.new("RGB", (99, 80), "red").save(photographs / "new.jpg")
    figure = tmp_path / "answer.png"
    assert run(capsys, *words, "--figure", figure)[0] == 0
    assert described[1:] == [query, str(photographs / "new.jpg")]
    assert min(Image.open(figure).size) > 200


def test_the_box_of_a_query_counts(capsys, model_file, photographs):
    words = ("search", model_file, photographs / "a.jpg", "--database", photographs, "--top", 9)
    whole = run(capsys, *words)[1]
    part = run(capsys, *words, "--box", 0, 0, 110, 100)[1]
    assert part != whole
    assert len(part.splitlines()) == 5


def test_what_cannot_be_described_is_left_out_by_name(capsys, model_file, photographs):
    """A file cut short, a panorama too narrow for the network."""
    whole = (photographs / "a.jpg").read_bytes()
    (photographs / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (960, 100)).save(photographs / "panorama.png")
    words = ("search", model_file, photographs / "a.jpg", "--database", photographs, "--top", 9)
    for _ in range(2):  # without and with an index
        status, out, err = run(capsys, *words)
        assert status == 0
        assert len(out.splitlines()) == 5
        left_out = [line for line in err.splitlines() if line.startswith("left out: ")]
        assert len(left_out) == 3
        assert "cut.jpg" in err
        assert "panorama.png: 96 x 10 pixels" in err


def test_a_map_is_searched_in_place_of_its_folder(capsys, model_file, photographs, tmp_path):
    output, query = tmp_path / "city.pvmap", photographs / "more" / "d.jpg"
    words = ("index", model_file, "--database", photographs, "-o", output)
    status, out, err = run(capsys, *words, "--code", "float32")
    assert status == 0
    assert out.startswith(f"{output}: 5 places, 5 described now, 0 removed; float32, 0.00 MB")
    assert "left out: " in err
    assert "broken.jpg" in err
    assert "5 places, 0 described now, 0 removed" in run(capsys, *words)[1]
    search = ("search", model_file, query, "--top", 9, "--database")
    in_folder = run(capsys, *search, photographs)[1]
    status, in_map, err = run(capsys, *search, output, "--photographs", photographs)
    assert (status, err.count("left out")) == (0, 0)
    assert in_map == in_folder
    without = run(capsys, *search, output)[1].splitlines()
    assert without[0].split()[2] == "more/d.jpg"
    figure = tmp_path / "answers.png"
    status, _, err = run(capsys, *search, output, "--figure", figure)
    assert status == 1
    assert "--photographs: name the folder of the map's photographs" in err
    # Told before the search, not when the picture is drawn.
    status, out, err = run(capsys, *search, output, "--photographs", tmp_path / "gone")
    assert (status, out) == (1, "")
    assert "it is no folder; give that of the map" in err
    err = run(capsys, *search, photographs, "--photographs", photographs)[2]
    assert "it is for a map; the database is a folder itself" in err
    with_folder = ("--figure", figure, "--photographs", photographs)
    assert run(capsys, *search, output, *with_folder)[0] == 0
    assert min(Image.open(figure).size) > 200
    # In lists; searched in all of them, nothing is missed.
    assert run(capsys, *words, "--lists", 2)[0] == 0
    lists = (*search, output, "--photographs", photographs)
    assert run(capsys, *lists, "--probes", 2)[1] == in_map
    assert len(run(capsys, *lists, "--probes", 1)[1].splitlines()) < 5


def test_a_map_is_inspected_and_verified(capsys, model_file, photographs, tmp_path):
    output = tmp_path / "city.pvmap"
    assert run(capsys, "index", model_file, "--database", photographs, "-o", output)[0] == 0
    status, out, _ = run(capsys, "inspect", output)
    assert status == 0
    assert file_digest(model_file, "sha256") in out
    assert "5 places of 8 bytes (int8), without positions; all checksums are right" in out
    [codes] = [line.split() for line in out.splitlines() if line.startswith("codes ")]
    assert codes == ["codes", "uint8", "5", "x", "8", "40"]
    [total] = [line.split() for line in out.splitlines() if line.startswith("total ")]
    assert int(total[1].replace(",", "")) == output.stat().st_size
    data = bytearray(output.read_bytes())
    data[-1] ^= 1
    output.write_bytes(data)
    status, _, err = run(capsys, "inspect", output)
    assert status == 1
    assert "city.pvmap: section codes: block 0 is damaged" in err


def test_a_map_knows_what_it_was_made_with(capsys, model_file, photographs, tmp_path):
    output, query = tmp_path / "city.pvmap", photographs / "a.jpg"
    base = model_file.with_suffix(".safetensors")
    words = ("--database", photographs, "-o", output)
    assert run(capsys, "index", model_file, *words)[0] == 0
    before = output.read_bytes()
    for command, message in [
        (("search", base, query, "--database", output), "was made with another model"),
        (
            ("search", base, query, "--database", tmp_path / "gone.pvmap"),
            "gone.pvmap is missing\n",
        ),
        (
            ("search", base, query, "--database", query),
            "a.jpg: it does not begin as a .pvmap file does; give one\n",
        ),
        (
            ("search", model_file, query, "--database", output, "--image-size", 80),
            "was made from images of another size (image_size 96, here 80); give "
            "--image-size 96, or make another map with this model: pocketvlad index\n",
        ),
        (("index", base, *words), "); write to another file, or remove this one\n"),
        (
            ("index", model_file, *words, "--image-size", 80),
            "(image_size 96, here 80); give --image-size 96, or write to another file, or remove",
        ),
        (("index", model_file, *words, "--code", "bits"), "has the code int8, not bits"),
        (
            ("index", model_file, *words, "--code", "int9"),
            "--code int9: map code 'int9' is",
        ),
        (("index", model_file, *words, "--lists", "-1"), "--lists -1: give a whole number"),
        (("search", model_file, query, "--database", output, "--probes", 0), "--probes 0: "),
    ]:
        status, out, err = run(capsys, *command)
        assert (status, out) == (1, "")
        assert message in err
        assert err.count("\n") == 1
    assert output.read_bytes() == before


def test_the_same_command_updates_a_map_of_a_code_that_was_learnt_elsewhere(capsys, few_files):
    write_photographs(few_files / "many", 16)
    words = ("index", "small.pvlad", "--database", "holiday", "-o", "new.pvmap", "--code", "pq2x4")
    words += ("--training", "many")
    status, out, err = run(capsys, *words)
    assert status == 0, err
    assert "12 places, 12 described now" in out
    before = Path("new.pvmap").read_bytes()
    shutil.rmtree("many")
    status, out, err = run(capsys, *words)
    assert status == 0, err
    assert "12 places, 0 described now" in out
    assert "new.pvmap keeps its code as it was learnt: the photographs in many are not used" in err
    assert Path("new.pvmap").read_bytes() == before


def test_a_photograph_is_seen_as_its_camera_was_held(capsys, model_file, photographs, tmp_path):
    turned, output = tmp_path / "turned.jpg", tmp_path / "d.npz"
    with Image.open(photographs / "c.png") as image:
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned clockwise by a quarter
        image.rotate(90, expand=True).save(turned, exif=exif, quality=100, subsampling=0)
    assert run(capsys, "describe", model_file, photographs / "c.png", turned, "-o", output)[0] == 0
    first, second = np.load(output)["descriptors"]
    assert first @ second > 0.98
    # A box as people read it off a viewer: to the right of what is stored.
    search = ("search", model_file, turned, "--database", photographs)
    status, _, err = run(capsys, *search, "--box", 5, 5, 155, 118)
    assert status == 0, err


def test_a_box_that_reaches_far_outside_is_told(capsys, model_file, photographs):
    search = ("search", model_file, photographs / "a.jpg", "--database", photographs, "--top", 1)
    for box, told in (((0, 0, 162, 121), False), ((-20, 0, 20000, 120), True)):
        status, out, err = run(capsys, *search, "--box", *box)
        assert status == 0, err
        assert "1.000" in out  # that of the whole photograph
        line = "a.jpg: the box -20 0 20000 120 reaches outside of the image of 160 x 120 pixels;"
        assert (line in err) == ("reaches outside" in err) == told


MAIN = "import sys; from pocketvlad.cli.main import main; sys.exit(main())"
TO = ("--calibration", "{folder}", "--drop", "1", "-o")
SCORE = ("evaluate", "--ground-truth", "{folder}", "--descriptors", "{folder}/d.npz")
SEARCH = ("search", "{model}", "{photographs}/a.jpg", "--database", "{photographs}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("inspect", "missing.pvlad"), "inspect: missing.pvlad is missing\n"),
        (("describe", "missing.pvlad", "a.jpg", "-o", "x.npz"), "missing.pvlad is missing\n"),
        (("decode", "missing.pvlad", "-o", "x.safetensors"), "decode: missing.pvlad is missing\n"),
        (
            ("inspect", "{photographs}/a.jpg"),
            "a.jpg: it begins neither as a .pvlad nor as a .pvmap file does; give one of these\n",
        ),
        (
            ("decode", "{photographs}/a.jpg", "-o", "x.safetensors"),
            "a.jpg: it does not begin as a .pvlad file does; give one\n",
        ),
        (("inspect", "{photographs}"), "photographs is a folder; give a file\n"),
        (("describe", "{model}", "{photographs}/broken.jpg", "-o", "x.npz"), "broken.jpg"),
        (
            ("describe", "{photographs}/notes.txt", "{photographs}/a.jpg", "-o", "x.npz"),
            "notes.txt",
        ),
        (("search", "{model}", "{photographs}/a.jpg", "--database", "nowhere"), "nowhere"),
        (
            (*SEARCH, "--box", "900", "0", "950", "50"),
            "a.jpg: the box 900 0 950 50 lies outside the image of 160 x 120",
        ),
        ((*SEARCH, "--top", "0"), "--top 0"),
        ((*SEARCH, "--image-size", "-3"), "--image-size -3"),
        ((*SEARCH, "--image-size", "16385"), "--image-size 16385: give a whole number of pixels"),
        (
            (*SEARCH, "--squeeze", "100000", "4000000000"),
            "--squeeze 100000 4000000000: give height and width in pixels, [480, 640], each 16384",
        ),
        ((*SEARCH, "--box", "3", "3", "20", "20"), "a.jpg: 17 x 17 pixels are left"),
    ],
)
def test_bad_input_is_told_in_one_line(capsys, model_file, photographs, words, message):
    filled = [word.format(model=model_file, photographs=photographs) for word in words]
    status, out, err = run(capsys, *filled)
    assert status == 1
    assert message in err
    assert err.startswith(f"pocketvlad {words[0]}: ")
    assert err.count("\n") == 1
    assert out == ""


def too_much(*_, **__):
    torch.empty(1 << 50)


def much_too_much(*_, **__):
    raise MemoryError


def too_much_of_a_gpu(*_, **__):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")


@pytest.mark.parametrize("fault", [too_much, much_too_much, too_much_of_a_gpu])
def test_a_lack_of_memory_is_told_in_one_line(capsys, model_file, tmp_path, monkeypatch, fault):
    monkeypatch.setattr("pocketvlad.load", fault)
    monkeypatch.setattr("pocketvlad.inspect", fault)
    end = "end other programs, or take a machine with more of it\n"
    words = ("describe", model_file, "a.jpg", "-o", tmp_path / "x.npz")
    told = f"pocketvlad describe: out of memory; describe smaller images (--image-size), {end}"
    assert run(capsys, *words) == (1, "", told)
    told = f"pocketvlad inspect: out of memory; {end}"
    assert run(capsys, "inspect", model_file) == (1, "", told)


def test_other_errors_of_torch_are_defects(model_file, monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr("pocketvlad.inspect", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        main(["inspect", str(model_file)])


@pytest.fixture
def many_photographs(tmp_path):
    """Twelve pictures of coloured noise, and one that is none."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        small = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((160, 120)).save(folder / f"{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"not a jpeg")
    return folder


FEW = ("--crops", "4", "--projection-crops", "8", "--trials", "4")


def test_compress_keeps_to_a_size(capsys, model_file, many_photographs, tmp_path):
    base, output = model_file.with_suffix(".safetensors"), tmp_path / "small.pvlad"
    limit = base.stat().st_size / 1e6 / 12
    command = ("compress", base, "--calibration", many_photographs, *FEW)
    status, out, err = run(capsys, *command, "--megabytes", limit, "-o", output)
    assert status == 0, err
    assert "left out" in err
    assert "broken.jpg" in err
    assert output.stat().st_size <= 1e6 * limit
    assert f"{output}: {output.stat().st_size / 1e6:.2f} MB" in out
    assert read_model(output).origin == read_model(base).origin
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "small.pvlad"]
    again = tmp_path / "again.pvlad"
    assert run(capsys, *command, "--megabytes", limit, "-o", again)[0] == 0
    assert again.read_bytes() == output.read_bytes()


def test_compress_codes_on_a_trellis(capsys, model_file, many_photographs, tmp_path):
    base, output = model_file.with_suffix(".safetensors"), tmp_path / "small.pvlad"
    few = ("--crops", "4", "--projection-crops", "8", "--trials", "1", "--megabytes", "1")
    command = ("compress", base, "--calibration", many_photographs, *few)
    coded = []
    for options in ([], ["--trellis"]):
        assert run(capsys, *command, *options, "-o", output)[0] == 0
        with open_compressed(output) as model:
            coded.append(model.header["compression"]["rounding"]["settings"].get("trellis", False))
    assert coded == [False, True]


def test_compress_keeps_to_a_drop(capsys, model_file, many_photographs, tmp_path):
    base, output = model_file.with_suffix(".safetensors"), tmp_path / "small.pvlad"
    command = ("compress", base, "--calibration", many_photographs, "--length", 6, *FEW)
    status, out, _ = run(capsys, *command, "--drop", 30, "-o", output)
    assert status == 0
    drop = float(out.rsplit("loses ", 1)[1].split()[0])
    assert drop <= 30
    with open_compressed(output) as model:
        assert model.header["compression"]["distortion"] > 0
    projection = read_model(output).network.projection.weight
    assert projection[:6].any()
    assert not projection[6:].any()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--drop", "-1"), "--drop -1.0: give a number, above 0"),
        (("--megabytes", "0"), "--megabytes 0.0"),
        (("--drop", "1", "--trials", "0"), "--trials 0"),
        (("--drop", "1", "--length", "1"), "descriptors of 8 components; give 2 to 8"),
        (("--drop", "1", "--length", "9"), "--length 9: "),
        (("--megabytes", "0.001", *FEW), "no model meets megabytes 0.001"),
    ],
)
def test_compress_says_what_cannot_be(
    capsys, model_file, many_photographs, tmp_path, options, expected
):
    base, output = model_file.with_suffix(".safetensors"), tmp_path / "small.pvlad"
    command = ("compress", base, "--calibration", many_photographs, "-o", output)
    status, _, err = run(capsys, *command, *options)
    assert status == 1
    assert expected in err
    assert not output.exists()


def test_compress_needs_photographs(capsys, model_file, photographs, tmp_path):
    base = model_file.with_suffix(".safetensors")
    command = ("compress", base, "--calibration", photographs, "-o", tmp_path / "x.pvlad")
    status, _, err = run(capsys, *command, "--drop", 1)
    assert status == 1
    assert "holds 5 usable photographs; give 10 or more" in err
    text, foreign = photographs / "notes.txt", photographs / "weights.pth"
    torch.save({"conv.weight": torch.zeros(2)}, foreign)
    save_file({"conv.weight": torch.zeros(2)}, tensors := photographs / "weights.safetensors")
    for file in (text, foreign, tensors):
        status, _, err = run(capsys, "compress", file, *command[2:], "--drop", 1)
        assert status == 1
        assert f"{file} is not a PocketVLAD model file: " in err
        assert "; give a .pvlad file, or a .safetensors file that a study or `decode` has" in err
        assert "(docs/method.md, Initial weights)\n" in err
    assert "**Initial weights.**" in (ROOT / "docs" / "method.md").read_text()


def test_a_file_that_is_cut_short_or_damaged_says_what_to_do(
    capsys, model_file, photographs, tmp_path
):
    city = tmp_path / "city.pvmap"
    assert run(capsys, "index", model_file, "--database", photographs, "-o", city)[0] == 0
    for whole in (model_file, city):
        content, odd = whole.read_bytes(), tmp_path / f"odd{whole.suffix}"
        for kept in (10, 30, len(content) // 2, len(content) - 1):
            odd.write_bytes(content[:kept])
            status, _, err = run(capsys, "inspect", odd)
            assert status == 1
            assert err.endswith("; it is cut short: get the file again, or make it anew\n"), err
        for damaged in (
            content + b"0",
            content[:30] + b"?" + content[31:],
            content[:-9] + b"x" * 9,
        ):
            odd.write_bytes(damaged)
            status, _, err = run(capsys, "inspect", odd)
            assert status == 1
            assert err.endswith("; get the file again, or make it anew\n"), err


def test_of_the_folder_of_trials_what_others_have_put_there_stays(tmp_path):
    work = tmp_path / "x.pvlad.trials"
    work.mkdir()
    for name in ("0.1.pvlad", "0.1.json", "0.0125.pt", "1e-05.json", "base.json"):
        (work / name).touch()
    (work / "notes.txt").touch()
    remove_trials(work)
    assert [path.name for path in work.iterdir()] == ["notes.txt"]
    (work / "notes.txt").unlink()
    remove_trials(work)
    assert not work.exists()


@pytest.mark.parametrize("given", ["x.pvlad.trials/0.1.pvlad", "link.pvlad", "../out/./linked"])
def test_a_trial_is_not_compressed_in_its_own_folder(
    capsys, model_file, many_photographs, tmp_path, monkeypatch, given
):
    """The search would write over it, and remove it at its end."""
    folder = tmp_path / "out"
    work = folder / "x.pvlad.trials"
    work.mkdir(parents=True)
    monkeypatch.chdir(folder)
    trial = work / "0.1.pvlad"
    trial.write_bytes(model_file.read_bytes())
    Path("link.pvlad").symlink_to(trial)
    Path("linked").symlink_to("link.pvlad")
    command = ("compress", given, "--calibration", many_photographs, *FEW, "--megabytes", 1)
    status, _, err = run(capsys, *command, "-o", "x.pvlad")
    assert status == 1
    assert "is a trial in x.pvlad.trials, which this search would replace and remove" in err
    assert [path.name for path in work.iterdir()] == ["0.1.pvlad"]
    assert trial.read_bytes() == model_file.read_bytes()
    trial.rename("mine.pvlad")
    trial.symlink_to(folder / "mine.pvlad")
    assert run(capsys, "compress", trial, *command[2:], "-o", "x.pvlad")[0] == 1
    assert trial.is_symlink()


def test_a_compressed_model_is_compressed_further(capsys, model_file, many_photographs, tmp_path):
    output = tmp_path / "smaller.pvlad"
    limit = model_file.stat().st_size / 1e6 / 2
    command = ("compress", model_file, "--calibration", many_photographs, *FEW)
    status, _, err = run(capsys, *command, "--megabytes", limit, "-o", output)
    assert status == 0, err
    assert output.stat().st_size <= 1e6 * limit
    assert read_model(output).origin == read_model(model_file).origin


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("decode", "{model}", "-o", "{model}"), "m.pvlad would replace what is read"),
        (("describe", "{model}", "{folder}/a.jpg", "-o", "{folder}/a.jpg"), "a.jpg would replace"),
        (("describe", "{model}", "{folder}/a.jpg", "-o", "{folder}/link.jpg"), "link.jpg would"),
        (("compress", "{base}", *TO, "{base}"), "m.safetensors would replace what is read (file"),
        (("compress", "{base}", *TO, "{folder}/more/d.jpg"), "(calibration {folder})"),
        ((*SEARCH, "--figure", "{folder}/c.png"), "c.png would replace what is read (database"),
        ((*SEARCH, "--figure", "{folder}/link.jpg"), "link.jpg would replace what is read ("),
        ((*SEARCH, "--figure", "{folder}/far/3.jpg"), "3.jpg would replace what is read (database"),
        ((*SEARCH, "--figure", "{elsewhere}/3.jpg"), "3.jpg would replace what is read (database"),
        (
            (*SEARCH, "--figure", "{folder}/n.png"),
            "n.png would become a part of what is read",
        ),
        ((*SEARCH, "--figure", "{folder}/far/n.png"), "n.png would become a part of what is read"),
        ((*SEARCH, "--figure", "{elsewhere}/n.png"), "n.png would become a part of what is read"),
        ((*SCORE, "-o", "{folder}/n.txt"), "(ground truth {folder}); write outside that folder"),
        (("decode", "{model}", "-o", "new.jpg"), "new.jpg is no .safetensors file by its name; ca"),
        (("index", "{model}", "--database", "{folder}", "-o", "c.map"), "c.map is no .pvmap"),
        ((*SCORE, "-o", "{folder}/notes.txt"), "notes.txt would replace what is read (ground"),
        ((*SCORE, "-o", "{folder}/d.npz"), "d.npz would replace what is read (descriptors"),
        (("describe", "{model}", "{folder}/a.jpg", "-o", "none/x.npz"), "there is no folder none"),
        (("describe", "{model}", "{folder}/a.jpg", "-o", "{folder}"), "is a folder; give the name"),
        (("compress", "{base}", *TO, "{folder}"), "is a folder; give the name of a file"),
        (("compress", "{base}", *TO, "/dev/null"), "/dev/null is no ordinary file"),
        (("decode", "{model}", "-o", "{folder}/closed/x"), "closed may not be written to"),
    ],
)
def test_an_output_is_checked_before_anything_is_read(
    capsys, model_file, photographs, tmp_path_factory, monkeypatch, words, message
):
    """No file is changed, and no model is read: it could not be."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "3.jpg").write_bytes((photographs / "a.jpg").read_bytes())
    (photographs / "far").symlink_to(elsewhere)
    (photographs / "link.jpg").symlink_to(photographs / "a.jpg")
    (photographs / "d.npz").write_bytes(b"rows")
    (photographs / "closed").mkdir()
    real = os.access
    monkeypatch.setattr(  # whoever runs the tests may write everywhere
        "os.access", lambda path, mode: path.name != "closed" and real(path, mode)
    )
    monkeypatch.setattr("pocketvlad.format.stored.open", pytest.fail, raising=False)
    names = {
        "folder": photographs,
        "photographs": photographs,
        "model": model_file,
        "base": model_file.with_suffix(".safetensors"),
        "elsewhere": elsewhere,
    }
    files = [*photographs.rglob("*.*"), elsewhere / "3.jpg"]
    before = {path: path.read_bytes() for path in files}
    status, out, err = run(capsys, *(word.format(**names) for word in words))
    assert status == 1
    assert message.format(**names) in err
    assert err.count("\n") == 1
    assert out == ""
    assert before == {path: path.read_bytes() for path in files}
    assert set(files) == {*photographs.rglob("*.*"), elsewhere / "3.jpg"}


def test_an_earlier_output_is_replaced(capsys, model_file, photographs):
    """A file beside the photographs that is none of them, and one that was written before."""
    words = ("describe", model_file, photographs / "a.jpg", "-o", photographs / "rows.npz")
    for _ in range(2):
        status, _, err = run(capsys, *words)
        assert status == 0, err


EARLIER = {
    "compress": ("base.safetensors", "--calibration", "holiday", *FEW[:-1], 1, "--megabytes", 1),
    "decode": ("small.pvlad",),
    "describe": ("small.pvlad", "a.jpg"),
    "evaluate": (
        *("--model", "small.pvlad"),
        *("--database-folder", "places/database", "--queries-folder", "places/queries"),
    ),
    "export": ("small.pvlad",),
    "index": ("small.pvlad", "--database", "holiday"),
    "search": ("small.pvlad", "a.jpg", "--database", "holiday"),
}


@pytest.mark.parametrize("verb", EARLIER)
def test_without_a_suffix_an_earlier_output_alone_is_replaced(capsys, few_files, verb):
    words = (verb, *EARLIER[verb], "--figure" if verb == "search" else "-o")
    for _ in range(2):
        status, _, err = run(capsys, *words, "out")
        assert status == 0, err
    for text in ("", "Copyright\n", '{"a": 1}'):
        Path("LICENSE").write_text(text)
        status, _, err = run(capsys, *words, "LICENSE")
        assert status == 1
        assert "LICENSE is there already and is no ." in err
        assert Path("LICENSE").read_text() == text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_writes(verb):
    """Whatever else is a path is read, so that an output can be held against it."""
    [own] = [
        action.choices[verb]
        for action in parser([verb])._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    written = {action.dest for action in own._actions if action.dest in ("output", "figure")}
    assert set(own.get_default("outputs")) == written


def piped(model_file, redirections):
    command = f"{sys.executable} -c '{MAIN}' inspect {model_file} {redirections}"
    return subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_a_reader_that_has_gone_ends_the_command_quietly(model_file):
    run = piped(model_file, "| true")
    assert run.stdout.splitlines()[-1] == "141"
    assert run.stderr == ""


@pytest.mark.parametrize("streams", ["2>&-", ">&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_error(model_file, streams):
    run = piped(model_file, streams)
    assert run.stdout.splitlines()[-1] == "0"
    assert run.stderr == ""


def test_wrong_usage_ends_with_two(capsys):
    for words in ([], ["nothing"], ["decode"], ["inspect", "a", "b"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2
        assert "usage: pocketvlad" in capsys.readouterr().err
