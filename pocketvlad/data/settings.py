"""Settings of images and of crops of them. Free of torch, for the check of the config."""

from dataclasses import asdict, dataclass

from pocketvlad.util.settings import setting

INTERPOLATIONS = ("bilinear", "bicubic", "lanczos")


@dataclass(frozen=True)
class Sizing:
    """How large an image is when the network sees it: part of the protocol of every figure.

    Images are only ever made smaller. With `decoder_scaling` the JPEG decoder itself halves an
    image as often as fits before it is resized, which costs a third of the time; query crops
    are always decoded in full.
    """

    image_size: int = setting(
        "the longest side; larger images are shrunk, smaller ones stay", unit="pixels", minimum=1
    )
    interpolation: str = setting("how images are resized", "bilinear", choices=INTERPOLATIONS)
    decoder_scaling: bool = setting(
        "whether the JPEG decoder may halve images before they are resized, which is faster", True
    )

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Augmentation:
    """What a training picture goes through: a random square crop, its colours moved."""

    image_size: int = setting("the side of the square crops", unit="pixels", minimum=1)
    crop: float = setting(
        "the least share of an image's shorter side in a crop; 1 is the whole side",
        0.7,
        above=0,
        maximum=1,
    )
    colour: float = setting(
        "how far brightness, contrast and the balance of the channels may move; 0 is not at all, "
        "0.3 is by up to 30 %",
        0.2,
        minimum=0,
        maximum=1,
    )
    perspective: float = setting(
        "how far each corner of a crop may move inwards, in shares of its side; 0 is not at all",
        0.0,
        minimum=0,
        below=0.5,
    )
    erasing: float = setting(
        "the largest share of a crop that a rectangle of its mean colour may hide; 0 is nothing",
        0.0,
        minimum=0,
        below=1,
    )


@dataclass(frozen=True, kw_only=True)
class CropSettings(Augmentation):
    """How many crops, and how they are cut and coloured."""

    crops: int = setting("crops per epoch", 128, minimum=1)
    batch: int = setting("crops at a time", 8, minimum=1)
