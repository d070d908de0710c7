"""Models from files, and cities from folders. Takes no torch for the latter."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pocketvlad.api.arguments import require_device
from pocketvlad.api.defaults import BACKEND, Options
from pocketvlad.format.city_manifest import MANIFEST
from pocketvlad.util.option_error import require_option

if TYPE_CHECKING:
    from pocketvlad.api.city import City
    from pocketvlad.api.model import Model


def is_city(file: Path) -> bool:
    """Whether `load` takes a path for a city: a folder, or the manifest in one."""
    return file.is_dir() or file.name == MANIFEST


def city_folder(file: Path) -> Path:
    """The folder of a city that is named by its manifest, or by the folder."""
    return file.parent if file.name == MANIFEST and not file.is_dir() else file


def load(file: str | PathLike, *, device: str = "auto", backend: str = BACKEND) -> "Model | City":
    """Load a model, compressed (`.pvlad`) or not (`.safetensors`), or a city.

    Args:
        file: a file; or a folder with a city, or the `city.json` in it. A city is computed by
            onnxruntime, without torch.
        device: of a model in a file: "cpu", "cuda", or "auto": a GPU where there is one.
        backend: of a model in a file, what computes descriptors: "torch", or "onnxruntime" on the
            CPU. They are the same within 1e-5.

    Returns:
        a `Model`; of a folder a `City`.

    Raises:
        FormatError: the file is damaged or is no model, or the folder is no city; names it and the
            fault.
        OSError: it cannot be read.
        OptionError: device or backend is none of these.
        DeviceError: "cuda" without a GPU.
        VerificationError: onnxruntime's descriptors differ from torch's by more than that.
        ImportError: torch, onnx or onnxruntime is missing; says what to install.

    >>> import pocketvlad
    >>> model = pocketvlad.load("small.pvlad")
    >>> model.length
    8
    >>> city = pocketvlad.load("city/")
    >>> city.length, city.map.places
    (8, 12)
    """
    require_option(Options, "backend", backend)
    require_device(device)
    path = Path(file)
    if is_city(path):
        from pocketvlad.api.city import open_city

        return open_city(city_folder(path))
    try:
        from pocketvlad.api.model import load_model
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error}: models in files need it; pip install 'pocketvlad[torch]', or search a "
            "city's folder, which does without",
            name=error.name,
        ) from None
    return load_model(file, device, backend)
