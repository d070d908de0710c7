"""Settings of images and of crops of them. Free of torch, for the check of the config."""

from dataclasses import asdict, dataclass, replace

from pocketvlad.util.settings import Value, declared, setting

INTERPOLATIONS = ("bilinear", "bicubic", "lanczos")
LARGEST_SIDE = 1 << 14
"""Pixels on a side that images are brought to."""


@dataclass(frozen=True)
class Sizing:
    """How large an image is when the network sees it: part of the protocol of every figure.

    Images are only ever made smaller, and keep their aspect; but with `squeeze` each gets one
    height and width. With `decoder_scaling` the JPEG decoder itself halves an
    image as often as fits before it is resized, which costs a third of the time; query crops
    are always decoded in full.
    """

    image_size: int = setting(
        "the longest side; larger images are shrunk, smaller ones stay",
        unit="pixels",
        minimum=1,
        maximum=LARGEST_SIDE,
    )
    interpolation: str = setting("how images are resized", "bilinear", choices=INTERPOLATIONS)
    decoder_scaling: bool = setting(
        "whether the JPEG decoder may halve images before they are resized, which is faster", True
    )

    squeeze: tuple[int, int] | None = setting(
        "what every image is squeezed or stretched to, whatever its aspect, as other programs do; "
        "its larger side is image_size. Aspects are kept unless told",
        None,
        form=f"height and width in pixels, [480, 640], each {LARGEST_SIDE} at most",
        shortest=2,
        longest=2,
        items=Value(minimum=1, maximum=LARGEST_SIDE),
    )

    @property
    def fault(self) -> str | None:
        """None, or which value is none that a config could give: a file may have any."""
        for each in declared(Sizing):
            value = getattr(self, each.name)
            if not (each.fits(value) or (value is None and each.default is None)):
                return f"{each.name} {str(value)[:40]} does not fit; {each.words}"
        return None

    def as_dict(self) -> dict[str, object]:
        """`squeeze` only where there is one: files from before there was any say the same."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def squeezed(self, squeeze: tuple[int, int]) -> "Sizing":
        """The same to this height and width."""
        return replace(self, image_size=max(squeeze), squeeze=squeeze)

    def scaled(self, factor: float) -> "Sizing":
        """The same, of so many times the pixels on each side; one at least."""

        def times(pixels: int) -> int:
            return max(1, round(factor * pixels))

        if self.squeeze is None:
            return replace(self, image_size=times(self.image_size))
        height, width = self.squeeze
        return self.squeezed((times(height), times(width)))

    def fitted(self, width: float, height: float) -> tuple[int, int]:
        """(width, height) of an image of these sides when the network sees it.

        >>> Sizing(320).fitted(640, 480), Sizing(320).squeezed((320, 240)).fitted(640, 480)
        ((320, 240), (240, 320))
        """
        if self.squeeze is not None:
            return self.squeeze[1], self.squeeze[0]
        factor = min(1.0, self.image_size / max(width, height))
        return max(1, round(width * factor)), max(1, round(height * factor))

    @property
    def words(self) -> str:
        """Of a message: "320 on the longest side"."""
        if self.squeeze is None:
            return f"{self.image_size} on the longest side"
        return f"a height and width of {self.squeeze[0]} x {self.squeeze[1]}"


@dataclass(frozen=True)
class Augmentation:
    """What a training picture goes through: a random square crop, its colours moved."""

    image_size: int = setting(
        "the side of the square crops", unit="pixels", minimum=1, maximum=LARGEST_SIDE
    )
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
