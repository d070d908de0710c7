"""Data sets and sources as a config declares them, and the official ones, which come with us."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePath

import yaml

DATA_FOLDER_VARIABLE = "POCKETVLAD_DATA"
OFFICIAL_DATASETS = Path(__file__).parent / "official" / "datasets.yaml"


class DeclarationError(ValueError):
    """No data set is declared so; the message names those that are."""


def data_folder(config: Mapping) -> Path:
    """Where relative file urls and weights files start from."""
    return Path(os.environ.get(DATA_FOLDER_VARIABLE) or config.get("data_folder", "data"))


def source_names(dataset: Mapping, kind: str) -> list[str]:
    """The sources that a data set's `images` or `ground_truth` are; none for a path."""
    names = dataset.get(kind, [])
    return [] if isinstance(names, str) else names


def is_table(file: str) -> bool:
    """Whether a ground truth is one file, not an archive of lists."""
    return PurePath(file).suffix.lower() in (".pkl", ".csv")


def local_file(url_or_path: str, folder: Path) -> Path:
    """The path behind a `file:` url or a bare path; relative ones start from `folder`."""
    path = url_or_path.removeprefix("file://").removeprefix("file:")
    return folder / path  # an absolute path replaces the folder


def declared_dataset(name: str) -> dict[str, object]:
    """What `data/official/datasets.yaml` says of a data set, for use outside of the workflow.

    Raises:
        DeclarationError: no data set is called so.
    """
    declared = yaml.safe_load(OFFICIAL_DATASETS.read_text(encoding="utf-8"))["datasets"]
    if name not in declared:
        raise DeclarationError(
            f"no data set is called {name!r}; choose among {', '.join(declared)}"
        )
    return declared[name]
