"""The page resizes as `load_image` does, to the grey value."""

import json

import numpy as np
import pytest
from page_reader import needs_node, run_node
from PIL import Image
from workflow_runs import ROOT

from pocketvlad.data.images import load_image
from pocketvlad.data.settings import INTERPOLATIONS, Sizing

pytestmark = needs_node

# Width, height, image_size: shrunk much and little, odd, tall, flat, one pixel, as they are.
SIZES = [
    (640, 481, 320),
    (333, 517, 320),
    (321, 200, 320),
    (1023, 3, 64),
    (2, 700, 99),
    (1, 1, 5),
    (50, 40, 320),
    (320, 240, 320),
    (641, 427, 113),
    (500, 375, 250),
]
BOXES = [
    (3, 5, 50, 61),
    (0, 0, 400, 300),
    (10.2, 20.7, 399.5, 47),
    (100, 0, 160, 300),
    (7, 9, 8, 10),
]


def resized(folder, pictures):
    """What the page makes of `pictures`, (pixels [H, W, C] uint8, sizing, box or None) each."""
    about = [
        {
            **dict(zip(("height", "width", "channels"), pixels.shape, strict=True)),
            "sizing": sizing.as_dict(),
            "box": box,
        }
        for pixels, sizing, box in pictures
    ]
    (folder / "pictures.json").write_text(json.dumps(about))
    (folder / "pictures.bin").write_bytes(b"".join(pixels.tobytes() for pixels, _, _ in pictures))
    run = run_node(ROOT / "page" / "tests" / "resize_files.js", folder)
    assert run.returncode == 0, run.stderr
    data, begin, found = (folder / "resized.bin").read_bytes(), 0, []
    for width, height in json.loads((folder / "resized.json").read_text()):
        end = begin + 3 * width * height
        found.append(np.frombuffer(data[begin:end], np.uint8).reshape(height, width, 3))
        begin = end
    assert begin == len(data)
    return found


def picture(generator, width, height):
    """Noise in one half, where resizing shows, and a smooth rise in the other."""
    pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2] = np.linspace(0, 255, height).astype(np.uint8)[:, None, None]
    return pixels


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_pictures_are_resized_to_the_same_grey_values(tmp_path, interpolation):
    generator = np.random.default_rng(0)
    pictures = [
        (picture(generator, width, height), Sizing(size, interpolation), None)
        for width, height, size in SIZES
    ]
    photograph = picture(generator, 400, 300)
    pictures += [(photograph, Sizing(48, interpolation), box) for box in BOXES]
    squeezed = Sizing(320, interpolation).squeezed((96, 75))
    pictures += [(photograph, squeezed, None), (photograph, squeezed, BOXES[0])]
    # Where only one side changes, one of the passes is left out.
    pictures += [
        (photograph, Sizing(9, interpolation).squeezed(to), None) for to in [(300, 99), (99, 400)]
    ]
    expected = []
    for pixels, sizing, box in pictures:
        Image.fromarray(pixels).save(tmp_path / "a.png")
        expected.append(load_image(tmp_path / "a.png", sizing, box))
    # A browser has four channels, and its pictures are read in parts.
    of_browsers = [
        (np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]), *rest)
        for pixels, *rest in pictures
    ]
    found = resized(tmp_path, pictures + of_browsers)
    for mine, theirs, (_, *how) in zip(found, 2 * expected, 2 * pictures, strict=True):
        np.testing.assert_array_equal(mine, theirs, str(how))
