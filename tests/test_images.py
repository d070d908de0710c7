"""Pixels: sizes, crops, preprocessing, batches."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from pocketvlad.baselines.color_histogram import IDENTITY, color_histogram
from pocketvlad.data.augmentation import augmented_image
from pocketvlad.data.images import (
    ImageError,
    Preprocessing,
    clip_box,
    image_size,
    intact_size,
    load_image,
    to_batch,
)
from pocketvlad.data.settings import Augmentation, Sizing
from pocketvlad.retrieval.describe import batches_by_shape, describe
from pocketvlad.retrieval.picture import Picture

EXACT = Sizing(80, "bilinear", decoder_scaling=False)


def test_images_are_only_made_smaller_and_keep_their_aspect():
    assert Sizing(320).fitted(640, 480) == (320, 240)
    assert Sizing(320).fitted(480, 640) == (240, 320)
    assert Sizing(320).fitted(100, 50) == (100, 50)
    assert Sizing(100).fitted(1000, 1) == (100, 1)


SQUEEZE = EXACT.squeezed((60, 44))


@pytest.mark.parametrize("box", [None, (10, 20, 130, 80), (0, 0, 20, 150)])
def test_squeezed_every_image_has_one_height_and_width(photograph, box):
    """Larger and smaller ones; of the pixels of Pillow's own resize."""
    for number, (width, height) in enumerate([(200, 150), (150, 200), (30, 28)]):
        path = photograph(f"{number}.jpg", width, height, seed=number)
        region = box if box and number == 0 else (0, 0, width, height)
        with Image.open(path) as image:
            expected = image.resize((44, 60), Image.Resampling.BILINEAR, box=region)
        found = load_image(path, SQUEEZE, region if box else None)
        np.testing.assert_array_equal(found, expected)
        assert Picture(path, (width, height), region if box else None).shape(SQUEEZE) == (44, 60)


def test_a_squeeze_is_scaled_with_its_sizes():
    assert SQUEEZE.image_size == 60
    half = SQUEEZE.scaled(0.5)
    assert (half.squeeze, half.image_size, half.interpolation) == ((30, 22), 30, "bilinear")
    assert EXACT.scaled(0.5).image_size == 40
    # What was stored before there was a squeeze compares equal.
    assert "squeeze" not in EXACT.as_dict()
    assert SQUEEZE.as_dict()["squeeze"] == (60, 44)


def test_loading_is_pillows_own_resize(photograph):
    path = photograph()
    with Image.open(path) as image:
        expected = np.asarray(image.resize((80, 60), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(load_image(path, EXACT), expected)
    # The decoder's own halving changes pixels by little, the size not at all.
    scaled = load_image(path, Sizing(80, "bilinear", decoder_scaling=True))
    assert scaled.shape == expected.shape
    assert np.abs(scaled.astype(int) - expected).mean() < 3


def test_a_box_is_cropped_before_it_is_shrunk(photograph):
    path = photograph()
    with Image.open(path) as image:
        expected = image.crop((10, 20, 130, 80)).resize((80, 40), Image.Resampling.BILINEAR)
    found = load_image(path, EXACT, box=(10.4, 20.0, 129.2, 80.0))
    assert found.shape == (40, 80, 3)
    # Resizing a region may look one pixel beyond it; the inside is the same.
    assert np.abs(found[2:-2, 2:-2].astype(int) - np.asarray(expected)[2:-2, 2:-2]).max() <= 3


def test_boxes_are_cut_to_the_image_and_refused_outside():
    assert clip_box((-3.5, 2.2, 999.0, 9.0), 100, 50) == (0, 2, 100, 9)
    with pytest.raises(ImageError, match="outside the image of 100 x 50"):
        clip_box((120, 0, 130, 10), 100, 50)


def test_a_damaged_file_is_named(tmp_path, photograph):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photograph().read_bytes()[:300])
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        load_image(broken, EXACT)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ImageError, match=r"text\.jpg"):
        image_size(tmp_path / "text.jpg")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("scaling", [False, True])
def test_upright_is_what_people_see(photograph, orientation, scaling):
    """A photograph turned by its tag is read as one that was turned before it was saved."""
    path = photograph(width=400, height=240)
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(path) as image:
        image.save(path, exif=exif, quality=100, subsampling=0)
    with Image.open(path) as image:
        seen = ImageOps.exif_transpose(image)
        stored = image.size
    plain = path.with_name("plain.png")
    seen.save(plain, exif=Image.Exif())
    assert image_size(path, upright=True) == intact_size(path, upright=True) == seen.size
    assert image_size(path) == intact_size(path) == stored
    sizing = Sizing(80, "bilinear", decoder_scaling=scaling)
    for box in (None, (20, 30, 130, 90)):
        found = load_image(path, sizing, box, upright=True).astype(int)
        expected = load_image(plain, sizing, box)
        assert found.shape == expected.shape
        assert np.abs(found - expected).mean() < (3 if scaling else 0.1)
        crops = [
            augmented_image(
                each, Augmentation(80, 0.9, 0.0), "bilinear", np.random.default_rng(1), box, True
            ).astype(int)
            for each in (path, plain)
        ]
        assert np.abs(crops[0] - crops[1]).mean() < 3


def test_preprocessing_by_hand():
    pixels = np.array([[[10, 20, 30], [255, 0, 100]]], dtype=np.uint8)
    batch = to_batch([pixels], Preprocessing((10.0, 10.0, 10.0), (1.0, 2.0, 4.0)))
    expected = torch.tensor([[[[0.0, 245.0]], [[5.0, -5.0]], [[5.0, 22.5]]]])
    torch.testing.assert_close(batch, expected)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_descriptions_come_in_the_order_of_the_pictures(photograph):
    shapes = [(200, 150), (150, 200), (200, 150), (90, 90), (150, 200)]
    pictures = [
        Picture(photograph(f"{i}.jpg", *shape, seed=i), shape) for i, shape in enumerate(shapes)
    ]
    pictures.append(Picture(pictures[0].path, shapes[0], box=(0, 0, 100, 100)))
    groups = batches_by_shape(pictures, EXACT, batch_size=2)
    assert sorted(map(sorted, groups)) == [[0, 2], [1, 4], [3, 5]]
    rows = describe(lambda x: x.mean(dim=(2, 3)), pictures, EXACT, IDENTITY, batch_size=2)
    for picture, row in zip(pictures, rows, strict=True):
        expected = load_image(picture.path, EXACT, picture.box).mean(axis=(0, 1))
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="no pictures"):
        describe(lambda x: x, [], EXACT, IDENTITY)


def test_a_photograph_of_another_size_than_it_had_is_told(photograph):
    """It was written over after the batches were planned: a batch has one shape."""
    path = photograph("a.jpg", 64, 48)
    pictures = [Picture(path, (64, 48)), Picture(path, (48, 64))]
    with pytest.raises(ImageError, match=r"a\.jpg has been changed meanwhile"):
        describe(lambda x: x.mean(dim=(2, 3)), pictures, EXACT, IDENTITY)


def test_colour_histogram_by_hand():
    images = torch.tensor([[[[0.0, 255.0, 0.0, 0.0]], [[0.0, 31.0, 0.0, 0.0]], [[0.0] * 4]]])
    histogram = color_histogram(images)[0]
    assert histogram[0].item() == pytest.approx(0.75**0.5)
    assert histogram[7 * 64].item() == pytest.approx(0.25**0.5)
    assert histogram.norm().item() == pytest.approx(1)
