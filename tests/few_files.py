"""A tiny model, pictures, lists and descriptors: the files that examples in docs speak of."""

import shutil

import numpy as np
import torch
from networks import random_network
from PIL import Image

import pocketvlad
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.data.images import Preprocessing
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.networks.model import Model, write_model
from pocketvlad.portable.city_folder import CityFolder, write_city_folder

PROTOCOL = {
    "image_size": 96,
    "interpolation": "bilinear",
    "decoder_scaling": False,
    "query_crop": True,
    "box_growth": 0,
    "scales": [1],
}
NAMES = ["gate_000001", "hall_000001", "hall_000002", "hall_000003", "other_000001"]
# The query is hall_000001: from it 2, then other, then 3, then gate.
ROWS = np.array([[0.1, 5.0], [4.0, 0.0], [4.0, 0.1], [3.0, 2.0], [4.0, 1.0]])


def write_photographs(folder, count):
    """Pictures of coloured noise, each of its own three colours: parts are like their wholes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        generator = np.random.default_rng(number)
        colours = generator.integers(0, 256, (3, 3), dtype=np.uint8)
        small = colours[generator.integers(0, 3, (12, 16))]
        Image.fromarray(small).resize((160, 120)).save(folder / f"{number}.jpg", quality=95)


def write_noise(path):
    """A picture that is like none of these."""
    noise = np.random.default_rng(5).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def write_lists(folder):
    """The ground truth of one query, as the official lists."""
    folder.mkdir()
    (folder / "hall_1_query.txt").write_text("hall_000001 0 0 9 9")
    (folder / "hall_1_good.txt").write_text("hall_000001\nhall_000002\n")
    (folder / "hall_1_ok.txt").write_text("hall_000003")
    (folder / "hall_1_junk.txt").write_text("")


def write_models(folder, backbone="alexnet", width=0.1):
    """base.safetensors, of random weights, and small.pvlad, the same quantized."""
    network = random_network(backbone, width, 4, 8)
    with torch.no_grad():  # centred, as a PCA would do: else all images are alike to it
        noise = torch.rand(16, 3, 6, 8, generator=torch.Generator().manual_seed(0)) * 4 - 2
        mean = network.pooled(torch.nn.functional.interpolate(noise, (72, 96))).mean(dim=0)
        network.projection.bias.copy_(-network.projection.weight @ mean)
    preprocessing = Preprocessing((127.5,) * 3, (63.75,) * 3)
    base = folder / "base.safetensors"
    write_model(base, Model(network, preprocessing, {"protocol": PROTOCOL}))
    contents = read_contents(base)
    quantized = quantize_contents(contents, "kmeans", 5)
    write_compressed(folder / "small.pvlad", contents, quantized)


PLACES = [(0, 0), (500, 0), (900, 0), (300, 400), (310, 400), (300, 410)]  # metres
ASKED = [(0, 20), (510, 0), (290, 390), (9000, 0)]  # the first right answer: 1st, 1st, 4th, none
SHOWN = [0, 1, 2, 0]  # the picture of the database that each query is


def place_name(number, metres):
    """A file's name as the data sets of visual place recognition have it."""
    east, north = 548000 + metres[0], 4180000 + metres[1]
    return f"@{east:.1f}@{north:.1f}@10@S@37.77@-122.45@@@@@@@@{number}@.jpg"


def write_places(folder):
    """A database and queries whose names have positions, and descriptors of both."""
    rows = np.eye(6, dtype=np.float32) + 0.1
    pictures = folder / "all"
    write_photographs(pictures, 6)
    for side, places, shown in (("database", PLACES, range(6)), ("queries", ASKED, SHOWN)):
        (folder / side).mkdir()
        names = [place_name(number, metres) for number, metres in enumerate(places)]
        for name, picture in zip(names, shown, strict=True):
            shutil.copy(pictures / f"{picture}.jpg", folder / side / name)
        np.savez(folder / f"{side}.npz", names=names, descriptors=rows[list(shown)])
    shutil.rmtree(pictures)


def write_city(folder):
    """What `search` of a city takes: a graph without weights, the model, the map."""
    city = folder / "city"
    city.mkdir()
    model = pocketvlad.load(folder / "small.pvlad")
    pocketvlad.export(model, city / "graph.onnx", weights="outside")
    model.save(city / "model.pvlad")
    shutil.copy(folder / "holiday.pvmap", city / "map.pvmap")
    write_city_folder(city, CityFolder(title="Holiday"))


def write_few_files(folder):
    """Everything that the examples of README and docstrings read, under the names there."""
    write_models(folder)
    write_photographs(folder / "holiday", 12)
    for letter, number in (("a", 0), ("b", 1)):
        shutil.copy(folder / "holiday" / f"{number}.jpg", folder / f"{letter}.jpg")
    pocketvlad.index(
        pocketvlad.load(folder / "small.pvlad"), folder / "holiday", folder / "holiday.pvmap"
    )
    write_city(folder)
    write_lists(folder / "ground_truth")
    np.savez(folder / "descriptors.npz", names=NAMES, descriptors=ROWS)
    write_places(folder / "places")
