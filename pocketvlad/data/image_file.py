"""An image file as a camera, a phone or a program wrote it: its size and its pixels.

Pillow and the codecs below it raise whatever they stumble on. Here it becomes an `ImageError`.
"""

from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from pocketvlad.data.codecs import HEAD, codec_missed, reads_heif
from pocketvlad.util.foreign import foreign

_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "DIB", "AVIF", "HEIF", "GIF", "PPM")
"""By contents, whatever a file is called. Not all that Pillow knows: some call other programs."""
_ORIENTATION, _BITS, _PHOTOMETRIC = 0x0112, 258, 262  # tags
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the value of the EXIF tag; any other, 1 or nonsense, is an upright picture."""
_WIDE = {"I": "32-bit", "F": "floating-point"}
_SIDEWAYS = 5  # the first of the values by which the sides are exchanged


class ImageError(ValueError):
    """An image file cannot be decoded, or a box does not lie in it."""


@cache
def _formats() -> list[str]:
    reads_heif()
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _require_ordinary(path: Path) -> None:
    """A pipe would be waited for, a folder cannot be read."""
    with foreign(ImageError, f"{path} is not a readable image"):
        there, ordinary = path.exists(), path.is_file()
    if not ordinary:
        raise ImageError(f"{path} is {'no ordinary file' if there else 'missing'}")


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(_ORIENTATION)
    return value if type(value) is int and value in _TURNS else 1


def _most(image: Image.Image) -> int | None:
    """The value that is white, of pixels of more than 8 bits; None where nobody says."""
    if image.mode.startswith("I;16"):
        bits = getattr(image, "tag_v2", {}).get(_BITS, (16,))
        return (1 << bits[0]) - 1 if 8 < bits[0] <= 16 else None
    # Pillow brings these two to 16 bits.
    return 65535 if image.mode == "I" and image.format in ("PNG", "PPM") else None


def _in_eight_bits(image: Image.Image, most: int) -> Image.Image:
    shown = ((np.arange(most + 1) * 255 + most // 2) // most).astype(np.uint8)
    values = np.asarray(image)
    levels = shown[np.clip(values, 0, most)]
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # white is zero; Pillow turns 8 bits
        levels = 255 - levels
    if isinstance(clear := image.info.get("transparency"), int):  # of a PNG: on white
        levels[values == clear] = 255
    return Image.fromarray(levels)


def _on_white(image: Image.Image) -> Image.Image:
    """In RGB. Under transparent pixels a file has colours that nobody sees; the page lays pictures
    on white, too (page/src/page/picture.js)."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    white = Image.new("RGB", seen.size, "white")
    white.paste(seen, mask=seen)
    return white


class ImageFile:
    """An open image file; use it in a `with` block.

    Args:
        upright: whether size and pixels are of the picture as the camera was held. (A TIFF is so
            always, since Pillow turns it.)

    Raises:
        ImageError: it is no image, or none that can be shown in 8 bits; names the file. So do all
            methods.
    """

    def __init__(self, path: Path, upright: bool = False) -> None:
        self.path = path
        _require_ordinary(path)
        with foreign(ImageError, f"{path} is not a readable image"):
            with open(path, "rb") as file:
                missed = codec_missed(file.read(HEAD))
            if missed is None:
                self._image = Image.open(path, formats=_formats())
        if missed:
            raise ImageError(f"{path} cannot be decoded: {missed}")
        try:
            self._read_header(upright)
        except ImageError:
            self._image.close()
            raise

    def _read_header(self, upright: bool) -> None:
        image = self._image
        turned_by_pillow = image.format == "TIFF"
        orientation = 1
        with foreign(ImageError, f"{self.path}: its EXIF cannot be read"):
            if upright or turned_by_pillow:
                orientation = _orientation(image)
            width, height = image.size
            if turned_by_pillow:
                width, height = image.tag_v2[256], image.tag_v2[257]
        self._sideways = orientation >= _SIDEWAYS
        self._turn = None if turned_by_pillow else _TURNS.get(orientation)
        self.size = (height, width) if self._sideways else (width, height)
        if min(self.size) < 1:
            raise ImageError(f"{self.path} has {width} x {height} pixels")
        with foreign(ImageError, f"{self.path}: its tags cannot be read"):
            self._most = _most(image)
        if self._most is None and image.mode[0] in "IF":
            raise ImageError(
                f"{self.path} has {_WIDE[image.mode[0]]} pixels, of which nobody says what is "
                "white; save it with 8 bits"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._image.close()

    def draft(self, width: int, height: int) -> None:
        """Let a JPEG's decoder halve the picture as often as it stays that large at least."""
        size = (height, width) if self._sideways else (width, height)
        with foreign(ImageError, f"{self.path} is damaged"):
            self._image.draft("RGB", size)

    def load(self) -> None:
        """Decode the file to its end."""
        with foreign(ImageError, f"{self.path} is damaged"):
            self._image.load()

    def pixels(self) -> Image.Image:
        """The picture in RGB, transparent ones on white; of several in one file the first."""
        with foreign(ImageError, f"{self.path} is damaged"):
            image = self._image
            image.load()
            if self._most is not None:
                image = _in_eight_bits(image, self._most)
            picture = _on_white(image)
            return picture if self._turn is None else picture.transpose(self._turn)
