"""The file of weights that a config names, as the jobs of a study find it."""

from pathlib import Path

import yaml
from workflow_runs import OFFICIAL, ROOT

from pocketvlad.data.sources import declared_source, source_path, verify_source


def declared_weights(name: str, data_folder: Path = Path()) -> Path:
    """A file of that name in a folder as it is, or that of the official sources, verified.

    Raises:
        SystemExit: no source has the name.
    """
    if (path := data_folder / name).is_file():
        return path
    sources = yaml.safe_load((ROOT / OFFICIAL / "sources.yaml").read_text())["sources"]
    if name not in sources:
        raise SystemExit(f"{path} is missing, and {OFFICIAL}/sources.yaml has no {name}")
    source = declared_source(sources, name)
    path = source_path(source, data_folder)
    verify_source(source, path, data_folder)
    return path
