"""Somebody's own photographs: files in a folder, of whatever names, turned as they were held."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocketvlad.data.box import Box, box_text, reaches_outside
from pocketvlad.data.image_listing import images_in
from pocketvlad.data.images import ImageError, clipped, image_size, load_image
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.named_images import warn_passed_over
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.retrieval.picture import Picture, too_small
from pocketvlad.util.option_error import OptionError, require_option

if TYPE_CHECKING:
    from pocketvlad.networks.model import Model

_FLAT = 2  # levels of 256, which JPEG may make of one colour


@dataclass(frozen=True)
class Photographs:
    """A folder's.

    files: all images in it, by their paths within it, with `/` between folders.  pictures: those
    that the model can describe.  faults: what is wrong with the others.
    """

    files: dict[str, Path]
    pictures: dict[str, Picture]
    faults: list[str]


def photograph(path: Path, min_side: int, sizing: Sizing, box: Box | None = None) -> Picture:
    """The file, or the part of it within `box`, as something that a network can describe.

    Args:
        min_side: pixels that an image of the network must have on either side.

    Raises:
        ImageError: it is no image, the box does not lie in it, or it is too small or too narrow
            for the network; names the file.
    """
    picture = Picture(path, image_size(path, upright=True), box, upright=True)
    if box is not None:
        clipped(path, box, picture.size)
        if reaches_outside(box, *picture.size):
            width, height = picture.size
            warnings.warn(
                f"{path}: the box {box_text(box)} reaches outside of the image of {width} x "
                f"{height} pixels; what lies within counts",
                PhotographWarning,
                stacklevel=3,
            )
    if fault := too_small(picture, sizing, min_side):
        raise ImageError(f"{fault}: take a larger or less narrow part, or a larger image size")
    return picture


def photographs(folder: Path, model: "Model", sizing: Sizing) -> Photographs:
    """The photographs in `folder` and the folders in it. What the walk passes over is warned of.

    Raises:
        ImageError: see `images_in`.
    """
    found = images_in(folder)
    warn_passed_over(found)
    files = {path.relative_to(folder).as_posix(): path for path in found.images}
    pictures, faults, min_side = {}, [], model.network.min_side
    for name, path in files.items():
        try:
            pictures[name] = photograph(path, min_side, sizing)
        except ImageError as error:
            faults.append(str(error))
    return Photographs(files, pictures, faults)


def decodable(picture: Picture, sizing: Sizing) -> str | None:
    """None, or what is wrong with a file that cannot be decoded to its end."""
    try:
        load_image(picture.path, sizing, picture.box, picture.upright)
    except ImageError as error:
        return str(error)
    return None


def telling(picture: Picture, sizing: Sizing) -> str | None:
    """None, or why nothing can be learnt from a file: see `decodable`, or it shows nothing."""
    try:
        pixels = load_image(picture.path, sizing, picture.box, picture.upright)
    except ImageError as error:
        return str(error)
    if np.ptp(pixels, axis=(0, 1)).max() <= _FLAT:
        return f"{picture.path} is of one colour all over"
    return None


def warn_left_out(faults: Iterable[str]) -> None:
    """Warn of photographs that are not used, with what is wrong with each."""
    for fault in faults:
        warnings.warn(f"left out: {fault}", PhotographWarning, stacklevel=3)


def _evaluated_sizing(protocol: object) -> Sizing | None:
    """How large images were when a model was evaluated; None where its file does not say."""
    match protocol:
        case {
            "image_size": int(size),
            "interpolation": str(interpolation),
            "decoder_scaling": bool(scaling),
        }:
            sizing = Sizing(size, interpolation, scaling)
            match protocol.get("squeeze"):
                case None:
                    pass
                case [int(height), int(width)]:
                    sizing = sizing.squeezed((height, width))
                case _:
                    return None
            return None if sizing.fault else sizing
    return None


def model_sizing(
    model: "Model", image_size: int | None = None, squeeze: tuple[int, int] | None = None
) -> Sizing:
    """How large images are for this model: as it was evaluated, unless something else is given.

    Args:
        image_size: pixels of the longest side, the aspect kept.
        squeeze: height and width of every image.

    Raises:
        OptionError: one of them is no size of images, both are given, or none and the model's file
            has no usable protocol.
    """
    sizing = _evaluated_sizing(model.origin.get("protocol"))
    if squeeze is not None:
        squeeze = require_option(Sizing, "squeeze", squeeze)
        if image_size is not None:
            raise OptionError(
                "image_size", image_size, f"squeeze {squeeze} has the size already; give one"
            )
        return (sizing or Sizing(max(squeeze), "bilinear")).squeezed(squeeze)
    if image_size is not None:
        image_size = require_option(Sizing, "image_size", image_size)
        kept = sizing or Sizing(image_size, "bilinear")
        return replace(kept, image_size=image_size, squeeze=None)
    if sizing is None:
        raise OptionError(
            "image_size",
            None,
            "the model's file does not say how large images are; give the longest side in pixels",
        )
    return sizing


def at_size(model: "Model", sizing: Sizing) -> "Model":
    """The same, whose file says that images are so large: what is made of it keeps that."""
    known = model.origin.get("protocol")
    if _evaluated_sizing(known) == sizing:
        return model
    protocol = {**known} if isinstance(known, Mapping) else {}
    protocol.pop("squeeze", None)
    return replace(model, origin={**model.origin, "protocol": {**protocol, **sizing.as_dict()}})
