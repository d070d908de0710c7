"""A model as an ONNX file, for programs that run without torch."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from pocketvlad.api.model import Model
from pocketvlad.portable.settings import ExportSettings
from pocketvlad.retrieval.photographs import model_sizing
from pocketvlad.util.option_error import require_option
from pocketvlad.util.settings import default_of

WEIGHTS = default_of(ExportSettings, "weights")


@dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Attributes:
        size: bytes of the file.
        error: the largest difference of a component of a descriptor from torch, with the weights
            that the file has.
        change: the same from the model as it is: what rounding its weights has made of it.
        sizes: (height, width) of the images that were compared.
    """

    size: int
    error: float
    change: float
    sizes: list[tuple[int, int]]


def export(
    model: Model,
    file: str | PathLike,
    *,
    weights: str = WEIGHTS,
    image_size: int | None = None,
) -> Exported:
    """Write a model as an ONNX graph, and verify it by onnxruntime at three sizes of images.

    The graph takes `pixels`, uint8 [N, H, W, 3] of any height and width, and gives `descriptors`,
    float32 [N, D] of unit length. Mean and deviation are a part of it. Its metadata say so, and how
    large images are to be. See docs/phone-export.md.

    Args:
        file: the `.onnx` file; whole and verified, or not written at all.
        weights: "float32"; "float16" or "int8", with a scale an output; or "outside": the graph
            then has none, and a list beside it (`.weights.json`) says which tensor each of them is.
        image_size: pixels of the longest side, for the metadata; None: as the model was evaluated.

    Raises:
        VerificationError: the graph's descriptors differ from torch's by more than 1e-4.
        ExportError: the file would be larger than ONNX files may be, or another file, or the list
            of another graph, would give way to its list.
        OptionError: an option has an impossible value.
        ImportError: onnx or onnxruntime is missing; says what to install.
        OSError: the file cannot be written.

    >>> import pocketvlad
    >>> made = pocketvlad.export(pocketvlad.load("small.pvlad"), "small.onnx")
    >>> made.error < 1e-5, made.sizes
    (True, [(72, 96), (96, 64), (49, 35)])
    """
    require_option(ExportSettings, "weights", weights)
    sizing = model_sizing(model.stored, image_size)
    try:
        import onnx  # noqa: F401 - whether it is there
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ImportError(f"{error}: pip install 'pocketvlad[export]'") from None
    from pocketvlad.portable.model_file import write_graph

    written = write_graph(Path(file), model.stored, model.sha256, sizing, weights)
    seen = written.verified
    return Exported(written.size, seen.error, seen.change, seen.sizes)
