"""Transparent pictures are on white, for Python and for the page."""

import numpy as np
import pytest
from browser import chromium
from page_agreement import cosines
from page_worker import page_worker
from PIL import Image
from test_packed_page import served
from test_page_browser import PAGE, opened  # noqa: F401

import pocketvlad
from pocketvlad.data.images import load_image
from pocketvlad.data.settings import Sizing

WHOLE = Sizing(1000, "bilinear")


def noise(mode, width=96, height=72):
    """A picture of coarse noise, its alpha too: from what is not seen to what hides all."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    small = np.random.default_rng(0).integers(0, 256, (6, 8, channels), dtype=np.uint8)
    large = small.repeat(height // 6, axis=0).repeat(width // 8, axis=1)
    large[: height // 2, : width // 4, -1] = 0
    large[: height // 2, width // 2 :, -1] = 255
    return Image.fromarray(large, mode)


def written(folder):
    """Pictures with transparency of all kinds, and what each is on white."""
    seen = noise("RGBA")
    grey = noise("LA")
    palette = noise("RGBA").convert("RGB").quantize(8)
    key = noise("RGBA").convert("RGB")
    place = key.getpixel((0, 0))
    seen.save(folder / "rgba.png")
    seen.save(folder / "rgba.webp", lossless=True, exact=True)
    grey.save(folder / "la.png")
    palette.save(folder / "one.png", transparency=3)
    alphas = np.array([0, 40, 255, 255, 90, 255, 200, 255], np.uint8)
    palette.save(folder / "some.png", transparency=alphas.tobytes())
    key.save(folder / "key.png", transparency=place)
    index = np.asarray(palette)
    colours = np.asarray(palette.convert("RGB"))
    opaque = np.asarray(key)
    return {
        "rgba.png": on_white(np.asarray(seen)[..., :3], np.asarray(seen)[..., 3]),
        "rgba.webp": on_white(np.asarray(seen)[..., :3], np.asarray(seen)[..., 3]),
        "la.png": on_white(np.asarray(grey)[..., [0, 0, 0]], np.asarray(grey)[..., 1]),
        "one.png": on_white(colours, np.where(index == 3, 0, 255)),
        "some.png": on_white(colours, alphas[index]),
        "key.png": on_white(opaque, np.where((opaque == place).all(axis=2), 0, 255)),
    }


def on_white(colours, alpha):
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


def test_python_sees_transparent_pictures_on_white(tmp_path):
    for name, expected in written(tmp_path).items():
        found = load_image(tmp_path / name, WHOLE)
        np.testing.assert_allclose(found, expected, atol=0.51, err_msg=name)


def test_a_grey_of_16_bits_that_is_transparent_is_on_white(tmp_path):
    greys = np.full((4, 5), 30000, np.uint16)
    greys[:2], greys[3] = 7, 65535
    Image.fromarray(greys).save(tmp_path / "grey.png", transparency=7)
    found = load_image(tmp_path / "grey.png", WHOLE)
    assert found[:, 0].tolist() == [[255] * 3, [255] * 3, [117] * 3, [255] * 3]


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "CMYK"])
def test_pictures_without_transparency_stay_what_they_are(tmp_path, mode):
    """To the grey value, also those with an alpha that hides nothing."""
    picture = noise("RGB").convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.save(path)
    np.testing.assert_array_equal(load_image(path, WHOLE), picture.convert("RGB"))


@pytest.mark.skipif(chromium() is None, reason="Chromium is not installed")
@pytest.mark.skipif(not PAGE.is_dir(), reason="the page is not built: make page")
def test_the_page_sees_transparent_pictures_as_python_does(opened, few_files):  # noqa: F811
    pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "old-town")
    paths = [few_files / name for name in written(few_files)]
    with (
        pocketvlad.load("old-town") as city,
        served(few_files / "old-town") as address,
        page_worker(opened, address) as worker,
    ):
        found = cosines(city, worker, paths)
    np.testing.assert_allclose(found, 1, atol=1e-4, err_msg=str(paths))
