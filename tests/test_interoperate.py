"""docs/interoperate.md: its commands and lines run, on files of the structure that others write."""

import re
import shlex
import shutil

import h5py
import numpy as np
import pytest
import torch
from few_files import ASKED, PLACES, place_name
from PIL import Image
from torchvision.transforms import v2
from workflow_runs import ROOT

from pocketvlad.cli.main import main
from pocketvlad.data.images import Preprocessing, load_image, to_batch
from pocketvlad.data.settings import Sizing

DOCUMENT = (ROOT / "docs" / "interoperate.md").read_text()
LINE = "R@1: 50.0, R@5: 75.0, R@10: 75.0, R@20: 75.0"


def boxes(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.M | re.S)


COMMANDS = [line for box in boxes("sh") for line in box.splitlines()]


@pytest.fixture
def files(few_files):
    """The folders and files that the page speaks of."""
    shutil.copytree("places", "images", ignore=shutil.ignore_patterns("*.npz"))
    (few_files / "logs").mkdir()
    (few_files / "outputs").mkdir()
    with h5py.File("outputs/global-feats-netvlad.h5", "w", libver="latest") as file:
        for side in ("database", "queries"):
            content = np.load(f"places/{side}.npz")
            order = np.argsort(content["names"])
            np.save(f"logs/{side}_descriptors.npy", content["descriptors"][order])
            for name, row in zip(content["names"], content["descriptors"], strict=True):
                group = file.create_group(f"{side}/{name}")
                group["image_size"] = np.array([160, 120])
                group["global_descriptor"] = row.astype(np.float16)
    [table] = boxes("csv")
    (few_files / "positions.csv").write_text(table)
    for name, number in (("database/tower_1", 0), ("database/tower_2", 1), ("queries/tower", 0)):
        path = few_files / "towers" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"holiday/{number}.jpg", path)
    return few_files


def test_every_command_runs_in_its_order(files, capsys):
    """Each prints the line; those of towers another. What is written is read by the next."""
    assert len(COMMANDS) >= 10
    for command in COMMANDS:
        program, verb, *words = shlex.split(command)
        assert program == "pocketvlad"
        status = main([verb, *words])
        out, err = capsys.readouterr()
        assert status == 0, f"{command}: {err}"
        if verb in ("describe", "index"):
            assert ("UTM zone 10N" in out) == ("positions.csv" in command)
            assert ("with positions" in out) == (verb == "index")
            continue
        if verb == "search":
            assert out.strip() in DOCUMENT
            continue
        expected = "R@1: 100.0, R@5: 100.0, R@10: 100.0, R@20: 100.0"
        assert ("UTM zone 10N" in out) == ("towers" in command)
        assert (expected if "towers" in command else LINE) in out.splitlines()
    assert LINE in DOCUMENT
    names = [place_name(number, at) for number, at in enumerate(PLACES)]
    with h5py.File("global-feats-pocketvlad.h5") as file:
        assert sorted(file["database"]) == sorted(names)
        rows = np.load("database_descriptors.npy")
        for name, row in zip(sorted(names), rows, strict=True):
            np.testing.assert_array_equal(file["database"][name]["global_descriptor"][()], row)
        assert len(file["queries"]) == len(ASKED) == len(np.load("queries_descriptors.npy"))


def test_the_lines_of_python_say_what_the_page_says(files, capsys):
    lines = "".join(boxes("python"))
    exec(lines, {})
    assert capsys.readouterr().out.split() == re.findall(r"  # ([\d.]+)$", lines, re.M)


@pytest.mark.parametrize(("height", "width"), [(60, 44), (200, 300)])
def test_normalising_first_differs_by_one_level_at_most(photograph, height, width):
    """Of torchvision's transforms, in the order in which VPR-methods-evaluation applies them."""
    path = photograph()
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    theirs = v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
            v2.Resize((height, width), antialias=True),
        ]
    )(Image.open(path).convert("RGB"))
    sizing = Sizing(max(height, width), "bilinear", False).squeezed((height, width))
    levels = [tuple(255 * each for each in three) for three in (mean, std)]
    ours = to_batch([load_image(path, sizing)], Preprocessing(*levels))[0]
    assert ours.shape == theirs.shape == (3, height, width)
    apart = (ours - theirs).abs() * torch.tensor(std).view(3, 1, 1) * 255
    assert 0 < apart.max() <= 1.01
    assert (ours - theirs).abs().max() <= 0.02
