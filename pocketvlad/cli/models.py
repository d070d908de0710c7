"""The model that a verb is given."""

from pathlib import Path
from typing import TYPE_CHECKING

from pocketvlad.format.error import FormatError

if TYPE_CHECKING:
    from pocketvlad.api.model import Model


def model_of(file: Path, device: str = "auto") -> "Model":
    """The model in a file.

    Raises:
        FormatError: it is damaged, no model, or a folder; names it.
    """
    import pocketvlad

    if file.is_dir():
        raise FormatError(f"{file} is a folder; give a model's file (`search` alone takes a city)")
    return pocketvlad.load(file, device=device)
