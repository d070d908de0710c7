"""The model that a verb is given."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pocketvlad.api.defaults import BACKEND, Options
from pocketvlad.cli.options import add_setting
from pocketvlad.format.error import FormatError

if TYPE_CHECKING:
    from pocketvlad.api.model import Model


def add_backend(parser: argparse.ArgumentParser) -> None:
    """An option of the verbs that describe images."""
    add_setting(parser, "--backend", Options, "backend")


def model_of(file: Path, device: str = "auto", backend: str = BACKEND) -> "Model":
    """The model in a file.

    Raises:
        FormatError: it is damaged, no model, or a city; names it.
        VerificationError, ImportError: the backend cannot be used; see `pocketvlad.load`.
    """
    import pocketvlad
    from pocketvlad.api.loading import is_city

    if is_city(file):
        what = "is a folder" if file.is_dir() else "is of a city"
        raise FormatError(f"{file} {what}; give a model's file (`search` and `serve` take cities)")
    return pocketvlad.load(file, device=device, backend=backend)
