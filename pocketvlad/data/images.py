"""From an image file to the tensor that a network takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pocketvlad.data.box import Box, box_text, unfit_box
from pocketvlad.data.image_file import ImageError, ImageFile
from pocketvlad.data.settings import INTERPOLATIONS, Sizing

if TYPE_CHECKING:
    from torch import Tensor

RESAMPLINGS = {name: Image.Resampling[name.upper()] for name in INTERPOLATIONS}

_MOST = 1e6  # of a mean or a deviation; pixels end at 255


@dataclass(frozen=True)
class Preprocessing:
    """What pixels become: (RGB in 0-255 minus `mean`) / `std`, a figure a channel.

    It belongs to the weights: a network trained with one is wrong with another.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: object) -> "Preprocessing":
        """What `as_dict` made, after a journey through JSON.

        Raises:
            ValueError: missing, or not the finite figures of three channels.
        """
        match raw:
            case {"mean": list(mean), "std": list(std)} if len(mean) == len(std) == 3:
                numbers = all(type(x) in (int, float) and abs(x) < _MOST for x in (*mean, *std))
                if numbers and min(std) > 0:
                    return cls(tuple(map(float, mean)), tuple(map(float, std)))
        raise ValueError(
            f"preprocessing {str(raw)[:200]} is not that of three channels, a mean and a "
            "deviation each"
        )


# Where no statistics are known: pixels from -2 to 2.
CENTRED = Preprocessing(mean=(127.5, 127.5, 127.5), std=(63.75, 63.75, 63.75))


def clip_box(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """`box` rounded outwards to whole pixels and cut to the image.

    Raises:
        ImageError: it is no box, or nothing of it lies in the image.
    """
    if fault := unfit_box(box):
        raise ImageError(fault)
    x1, y1 = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    x2, y2 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if x2 <= x1 or y2 <= y1:
        raise ImageError(
            f"the box {box_text(box)} lies outside the image of {width} x {height} pixels"
        )
    return x1, y1, x2, y2


def clipped(path: Path, box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """`clip_box` of a file; the error names it."""
    try:
        return clip_box(box, *size)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None


def image_size(path: Path, upright: bool = False) -> tuple[int, int]:
    """(width, height) from the file's header alone; `upright`: as the camera was held.

    Raises:
        ImageError: the file has no header of an image; the message names it.
    """
    with ImageFile(path, upright) as image:
        return image.size


def intact_size(path: Path, upright: bool = False) -> tuple[int, int]:
    """(width, height), after the file has been decoded to its end; `upright`: see `image_size`.

    Raises:
        ImageError: it cannot be; the message names the file.
    """
    with ImageFile(path, upright) as image:
        image.draft(1, 1)  # an eighth of the pixels: the decoder must read the whole file for them
        image.load()
        return image.size


def load_image(
    path: Path, sizing: Sizing, box: Box | None = None, upright: bool = False
) -> np.ndarray:
    """Decode, crop to `box` if there is one, shrink or squeeze.

    Args:
        upright: turn the picture as its camera says it was held, before the box is cut. Ground
            truth refers to the pixels as they are stored; people refer to what they see.

    Returns:
        [H, W, 3] uint8, RGB, of the size that `sizing.fitted` gives.

    Raises:
        ImageError: the file is damaged or the box does not lie in it; the message names the file.
    """
    resample = RESAMPLINGS[sizing.interpolation]
    with ImageFile(path, upright) as image:
        if box is not None:
            region = clipped(path, box, image.size)
            target = sizing.fitted(region[2] - region[0], region[3] - region[1])
            return np.asarray(image.pixels().resize(target, resample, box=region))
        target = sizing.fitted(*image.size)
        if sizing.decoder_scaling:
            image.draft(*target)
        picture = image.pixels()
        return np.asarray(picture if picture.size == target else picture.resize(target, resample))


def to_batch(pictures: Sequence[np.ndarray], preprocessing: Preprocessing) -> "Tensor":
    """Same-sized uint8 pictures [H, W, 3] -> preprocessed [N, 3, H, W] float32, channels last."""
    import torch  # all else here is done without

    count, height, width = len(pictures), *pictures[0].shape[:2]
    # A row of pixels at a time, which is three times as fast as three numbers of a pixel.
    rows = torch.from_numpy(np.stack(pictures)).view(count * height, width * 3).float()
    rows.sub_(torch.tensor(preprocessing.mean).repeat(width))
    rows.div_(torch.tensor(preprocessing.std).repeat(width))
    # Stacked pixels are channels-last in memory already; permuting the axes moves no data.
    return rows.view(count, height, width, 3).permute(0, 3, 1, 2)
