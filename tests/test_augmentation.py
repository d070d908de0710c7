"""Crops in perspective and with a part hidden, against arithmetic."""

import numpy as np
import pytest
from PIL import Image

from pocketvlad.data.augmentation import augmented_image
from pocketvlad.data.perspective import corners_moved_in, perspective
from pocketvlad.data.settings import Augmentation

MOVES = np.array([(0.1, 0.2), (0.3, 0.0), (0.0, 0.25), (0.15, 0.05)])
SOURCE = 60 * np.array([(0.1, 0.2), (0.7, 0.0), (1.0, 0.75), (0.15, 0.95)])
"""Where the corners of a picture of 60 pixels then lie."""


def mapped(coefficients, x, y):
    a, b, c, d, e, f, g, h = coefficients
    w = g * x + h * y + 1
    return np.array([(a * x + b * y + c) / w, (d * x + e * y + f) / w])


def test_corners_go_where_they_are_sent_and_lines_stay_straight():
    found = perspective(SOURCE, 60)
    corners = [mapped(found, x, y) for x, y in ((0, 0), (60, 0), (60, 60), (0, 60))]
    np.testing.assert_allclose(corners, SOURCE, atol=1e-9)
    one, two, three = (mapped(found, x, 0.5 * x + 7) for x in (3, 20, 51))
    cross = (two - one)[0] * (three - one)[1] - (two - one)[1] * (three - one)[0]
    assert cross == pytest.approx(0, abs=1e-9)


def test_pixels_come_from_there():
    """Red tells a pixel's x, green its y: three levels a pixel."""
    y, x = np.mgrid[:60, :60]
    picture = Image.fromarray(np.stack([3 * x, 3 * y, 0 * x], axis=2).astype(np.uint8))
    moved = np.asarray(corners_moved_in(picture, MOVES)).astype(float)
    coefficients = perspective(SOURCE, 60)
    for column, row in [(5, 5), (40, 8), (30, 30), (50, 52), (7, 49)]:
        expected = 3 * (mapped(coefficients, column + 0.5, row + 0.5) - 0.5)
        np.testing.assert_allclose(moved[row, column, :2], expected, atol=1.5)
    # Nothing comes from outside of the picture.
    inner = np.asarray(corners_moved_in(Image.new("RGB", (60, 60), (200, 200, 200)), MOVES))
    assert (inner == 200).all()


def crop(path, seed, **settings):
    augmentation = Augmentation(64, 0.6, 0.3, **settings)
    return augmented_image(path, augmentation, "bilinear", np.random.default_rng(seed)).astype(int)


def test_crop_and_colours_are_drawn_as_without_them(photograph):
    path = photograph()
    for seed in range(5):
        usual = crop(path, seed)
        assert np.abs(crop(path, seed, perspective=1e-6) - usual).max() <= 3  # rounded twice
        np.testing.assert_array_equal(crop(path, seed, erasing=1e-9), usual)
        seen = crop(path, seed, perspective=0.3)
        assert np.abs(seen - usual).mean() > 2
        np.testing.assert_array_equal(seen, crop(path, seed, perspective=0.3))


def test_a_rectangle_of_the_mean_colour_is_hidden(photograph):
    path, shares, corners = photograph(), [], set()
    for seed in range(30):
        usual, hidden = crop(path, seed), crop(path, seed, erasing=0.4)
        changed = (usual != hidden).any(axis=2)
        if not changed.any():
            continue
        rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert len(np.unique(hidden[box].reshape(-1, 3), axis=0)) == 1
        np.testing.assert_allclose(hidden[box][0, 0], usual.mean(axis=(0, 1)), atol=1)
        shares.append(changed[box].size / changed.size)
        corners.add((rows[0], columns[0]))
    assert len(corners) > 15
    assert 0.25 < max(shares) < 0.45
    assert min(shares) < 0.1
