"""The page where a device gives less memory than is wanted: it says so, and goes on."""

import numpy as np
import pytest
from few_files import PROTOCOL
from networks import random_network
from PIL import Image
from test_packed_page import served
from test_page_browser import ask, opened, visit  # noqa: F401
from test_page_browser import pytestmark as needed

import pocketvlad
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.data.images import Preprocessing
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.networks.model import Model, write_model

pytestmark = needed

LARGE = (1600, 1200)  # the first maps of the network take 46 MB


def with_memory(condition, replacement="descriptor"):
    """What stands before the worker: memory for WebAssembly is refused where this is true of its
    `descriptor`, and else is that of `replacement`."""
    return f"""{{
      const {{ Memory }} = WebAssembly;
      WebAssembly.Memory = function (descriptor) {{
        if ({condition}) throw new RangeError("WebAssembly.Memory(): could not allocate memory");
        return new Memory({replacement});
      }};
    }}"""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city of one photograph, whose model sees all pixels of large ones."""
    folder = tmp_path_factory.mktemp("memory")
    (folder / "photographs").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    for name, size in (("photographs/small.png", (160, 120)), ("large.png", LARGE)):
        Image.fromarray(noise).resize(size).save(folder / name)
    made = {"protocol": PROTOCOL | {"image_size": max(LARGE)}}
    model = Model(random_network("vgg16", 0.1), Preprocessing((127.5,) * 3, (64.0,) * 3), made)
    write_model(folder / "base.safetensors", model)
    contents = read_contents(folder / "base.safetensors")
    quantized = quantize_contents(contents, "uniform", 8)
    write_compressed(folder / "small.pvlad", contents, quantized)
    loaded = pocketvlad.load(folder / "small.pvlad")
    pocketvlad.pack(loaded, folder / "photographs", folder / "city")
    return folder / "city"


@pytest.fixture
def limit(city):
    """A function that puts a line before the page's worker."""
    path = city / "worker.js"
    text = path.read_text()
    yield lambda line: path.write_text(line + text)
    path.write_text(text)


def test_less_room_to_grow_than_the_runtime_asks_for_is_enough(opened, city, limit):  # noqa: F811
    limit(with_memory("descriptor.maximum > 4096"))
    with served(city) as address, visit(opened, address) as page:
        ask(page, city.parent / "photographs" / "small.png")
        assert page.inner_text("#place") == "small"


def test_a_device_that_gives_none_is_told(opened, city, limit):  # noqa: F811
    limit(with_memory("descriptor.maximum > 0"))
    with served(city) as address, visit(opened, address) as page:
        said = page.inner_text("#error")
        assert "not enough memory" in said
        assert "Close other pages" in said
        assert page.is_hidden("#ask")


def test_a_picture_that_memory_is_too_small_for_is_told_and_the_next_is_answered(
    opened,  # noqa: F811
    city,
    limit,
):
    limit(with_memory("false", "{ ...descriptor, maximum: 2 * descriptor.initial }"))  # 32 MB
    with served(city) as address, visit(opened, address) as page:
        ask(page, city.parent / "large.png")
        said = page.inner_text("#error")
        assert "not enough memory" in said
        assert "smaller picture" in said
        ask(page, city.parent / "photographs" / "small.png")
        assert page.is_hidden("#error")
        assert page.inner_text("#place") == "small"
