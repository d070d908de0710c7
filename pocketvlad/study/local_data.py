"""The files of a study that lie on this machine, and what it needs from elsewhere."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pocketvlad.data.declarations import (
    DATA_FOLDER_VARIABLE,
    data_folder,
    local_file,
    source_names,
)
from pocketvlad.data.sections import IN_NAMES, QUERIES
from pocketvlad.data.sources import DOWNLOADS, declared_source, source_path
from pocketvlad.study.faults import ConfigError
from pocketvlad.study.roles import data_sets


def wanted_sources(config: Mapping) -> list[str]:
    """The entries of `sources` that the study's data sets and models need."""
    wanted = [
        name
        for city in data_sets(config).values()
        for kind in ("images", "ground_truth")
        for name in source_names(config["datasets"][city], kind)
    ]
    wanted += [model["weights"].get("file") for model in config["models"].values()]
    return [name for name in dict.fromkeys(wanted) if name in config["sources"]]


def unfit_path(path: Path) -> str | None:
    """None, or why Snakemake cannot take a path."""
    if "{" in str(path) or "}" in str(path):
        return (
            f"{path} has braces, which Snakemake takes for wildcards; rename the folder, or name a "
            "link to it"
        )
    return None


def _unfit_sources(config: Mapping, start: Path, remedy: str) -> Iterator[str]:
    for name in wanted_sources(config):
        source = declared_source(config["sources"], name)
        path = source_path(source, start)
        if fault := unfit_path(path):
            yield f"sources.{name}: {fault}"
        elif path.parent != DOWNLOADS and not path.is_file():
            install = f"pip install {source.packages[0]}" if source.packages else "put it there"
            yield f"sources.{name}: {path} is missing; {install}, or {remedy}"


def _unfit_data_set(key: str, dataset: Mapping, start: Path, remedy: str) -> Iterator[str]:
    for name in ("folder", "ground_truth", "positions"):
        named = dataset.get(name)
        if isinstance(named, str) and (fault := unfit_path(local_file(named, start))):
            yield f"{key}.{name}: {fault}"
    if "folder" in dataset and not (path := local_file(dataset["folder"], start)).is_dir():
        fault = "is not a folder" if path.exists() else "is missing"
        yield f"{key}.folder: {path} {fault}; {remedy}"
    elif QUERIES in dataset and not (asked := path / dataset[QUERIES]).is_dir():
        yield (
            f"{key}.queries: {asked} is no folder; correct it, or remove it to ask each image for "
            "all others"
        )
    for name in ("ground_truth", "positions"):
        file = dataset.get(name)
        if not isinstance(file, str) or (name == "positions" and file == IN_NAMES):
            continue
        if not (path := local_file(file, start)).exists():
            yield f"{key}.{name}: {path} is missing; {remedy}"


def _unfit_weights(config: Mapping, start: Path, remedy: str) -> Iterator[str]:
    for name, model in config["models"].items():
        file = model["weights"].get("file")
        if file is None or file in config["sources"]:
            continue
        key, path = f"models.{name}.weights.file", local_file(file, start)
        if fault := unfit_path(path):
            yield f"{key}: {fault}"
        elif not path.is_file():
            known = ", ".join(config["sources"])
            yield f"{key}: {path} is missing, and {file!r} is none of sources ({known}); {remedy}"


def require_local_data(config: Mapping) -> None:
    """Look whether what the study needs from this machine is there: folders, local ground truths,
    archives and weights.

    Raises:
        ConfigError: with one line for each that is not, or that Snakemake cannot take.
    """
    start = data_folder(config)
    if fault := unfit_path(start):
        raise ConfigError([f"data_folder: {fault}"])
    remedy = f"correct it, `data_folder` ({start}) or {DATA_FOLDER_VARIABLE}"
    faults = [*_unfit_sources(config, start, remedy), *_unfit_weights(config, start, remedy)]
    for name in data_sets(config).values():
        dataset = config["datasets"][name]
        faults += _unfit_data_set(f"datasets.{name}", dataset, start, remedy)
    if faults:
        raise ConfigError(faults, "data are missing")


def used_settings(config: Mapping) -> dict[str, object]:
    """`config` without the data sets and sources that the study does not use.

    Args:
        config: a checked one.
    """
    datasets = {name: config["datasets"][name] for name in data_sets(config).values()}
    sources = {name: config["sources"][name] for name in wanted_sources(config)}
    rest = {key: value for key, value in config.items() if key not in ("datasets", "sources")}
    return {**rest, "datasets": datasets, "sources": sources}
