"""What a graph says of itself: what it takes, what it gives, and what it was made from.

Free of torch and onnx. ONNX keeps it as texts by name, which onnxruntime hands out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import LARGEST_SIDE, Sizing

PIXELS, DESCRIPTORS = "pixels", "descriptors"
"""The graph's input and output."""

_INPUT = (
    "uint8 [images, height, width, 3]: R, G and B from 0 to 255, turned as the camera was held and "
    "resized. The graph itself takes the mean off and divides by the deviation: give pixels as "
    "they are"
)
_OUTPUT = "float32 [images, {length}] of unit length: the product of two is their cosine"


def package_version() -> str:
    """Of this package; "unknown" where it is not installed, only on the path."""
    try:
        return version("pocketvlad")
    except PackageNotFoundError:
        return "unknown"


_LONGEST = 1 << 20  # numbers of a descriptor


def _within(name: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise ValueError(f"{name} {number} is not within 1 to {most}")
    return number


def _checked(sizing: Sizing) -> Sizing:
    """Raises ValueError where a value is none that a config could give."""
    if sizing.fault:
        raise ValueError(sizing.fault)
    return sizing


@dataclass(frozen=True)
class GraphMetadata:
    """What a graph was made from.

    model_sha256: of the model's file.  preprocessing: a part of the graph.  sizing: how large
    images are to be.  min_side: pixels that an image must have on either side.  length: of a
    descriptor.  weights: one of `settings.FORMS`.
    """

    model_sha256: str
    preprocessing: Preprocessing
    sizing: Sizing
    min_side: int
    length: int
    weights: str

    def as_texts(self) -> dict[str, str]:
        """As ONNX keeps it: also in words, for people who look into the file."""
        return {
            "pocketvlad": package_version(),
            "model_sha256": self.model_sha256,
            "input": _INPUT,
            "output": _OUTPUT.format(length=self.length),
            "resize": self._resize,
            "sizing": json.dumps(self.sizing.as_dict()),
            "preprocessing": json.dumps(self.preprocessing.as_dict()),
            "min_side": str(self.min_side),
            "length": str(self.length),
            "weights": self.weights,
        }

    @classmethod
    def of_texts(cls, texts: Mapping[str, str]) -> "GraphMetadata":
        """The inverse of `as_texts`.

        Raises:
            ValueError: the graph is none of ours.
        """
        try:
            sizing = json.loads(texts["sizing"])
            if "squeeze" in sizing:
                sizing["squeeze"] = tuple(sizing["squeeze"])
            return cls(
                texts["model_sha256"],
                Preprocessing.from_dict(json.loads(texts["preprocessing"])),
                _checked(Sizing(**sizing)),
                _within("min_side", int(texts["min_side"]), LARGEST_SIDE),
                _within("length", int(texts["length"]), _LONGEST),
                texts["weights"],
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(
                f"its metadata is not that of an exported model ({type(error).__name__}: {error})"
            ) from None

    @property
    def _resize(self) -> str:
        how = f"{self.sizing.interpolation}, widened where an image shrinks, as Pillow does"
        if self.sizing.squeeze is not None:
            return f"to {self.sizing.words}, the aspect not kept; {how}"
        return f"to {self.sizing.words}, the aspect kept, never enlarged; {how}"
