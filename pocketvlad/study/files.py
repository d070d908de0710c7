"""Which files a study starts from, and where they lie: archives, lists, folders, weights."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pocketvlad.data.declarations import data_folder, is_table, local_file, source_names
from pocketvlad.data.ground_truth import list_files
from pocketvlad.data.image_files import state
from pocketvlad.data.sections import IN_NAMES, QUERIES
from pocketvlad.data.sources import Source, declared_source, source_path
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.study.config import embedded_weights
from pocketvlad.study.roles import data_sets, is_listed


@dataclass(frozen=True)
class StudyFiles:
    """Those of one study.

    config: a checked one.  results: the folder that the study writes to.
    """

    config: Mapping
    results: str

    @cached_property
    def folder(self) -> Path:
        """What relative paths in the config start from."""
        return data_folder(self.config)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The declared sources by their names."""
        declared = self.config["sources"]
        return {name: declared_source(declared, name) for name in declared}

    def dataset(self, city: str) -> Mapping:
        """The declaration of the data set that plays a role."""
        return self.config["datasets"][data_sets(self.config)[city]]

    def declared(self, names: Iterable[str]) -> dict[str, dict[str, object]]:
        """What is known of sources, by the path of each; not their urls, since no job depends on
        these once the file is there."""
        return {
            str(source_path(source, self.folder)): {
                "name": source.name,
                "checksum": source.checksum,
                "size": source.size,
            }
            for source in (self.sources[name] for name in names)
        }

    def archive_names(self, city: str, kind: str) -> list[str]:
        """The sources that a city's archives are. kind: "images" or "ground_truth"."""
        return [name for name in source_names(self.dataset(city), kind) if not is_table(name)]

    def archives(self, city: str, kind: str) -> list[str]:
        """Where the archives of one kind of a city lie or will lie."""
        if "render" in self.dataset(city):
            file = {"images": "images.tar", "ground_truth": "ground_truth.tgz"}[kind]
            return [f"{self.results}/data/{city}/archives/{file}"]
        return list(self.declared(self.archive_names(city, kind)))

    def table_names(self, city: str) -> list[str]:
        """The source that a city's ground truth is, if it is one file; at most one."""
        return list(filter(is_table, source_names(self.dataset(city), "ground_truth")))

    def ground_truth(self, city: str) -> str | None:
        """The folder or file with a city's queries; None where positions alone are known."""
        if not is_listed(self.dataset(city)):
            return None
        declared = self.dataset(city).get("ground_truth")
        if isinstance(declared, str):
            return str(local_file(declared, self.folder))
        tables = self.declared(self.table_names(city))
        return next(iter(tables), f"{self.results}/data/{city}/ground_truth")

    def state_of_lists(self, city: str) -> object:
        """A fingerprint of a folder of official lists; None for any other ground truth."""
        if not isinstance(self.dataset(city).get("ground_truth"), str):
            return None
        folder = Path(self.ground_truth(city))
        return state(list_files(folder), folder) if folder.is_dir() else None

    def awaited_lists(self, city: str) -> list[str]:
        """What has to be there before a city can be indexed: its ground truth, unless that is a
        folder of lists, of which `state_of_lists` tells."""
        found = self.ground_truth(city)
        return [] if found is None or self.state_of_lists(city) else [found]

    def queries(self, city: str) -> str | None:
        """The folder of the images that are queries, where positions alone are known; None where
        each image is asked for all others, or lists say what is asked."""
        declared = self.dataset(city)
        if is_listed(declared):
            return None
        folder = self.images(city) / declared.get(QUERIES, QUERIES)
        return str(folder) if QUERIES in declared or folder.is_dir() else None

    def located(self, city: str) -> bool:
        """Whether it is known where a city's images were taken."""
        return bool({"positions", "render"} & self.dataset(city).keys())

    def positions(self, city: str) -> list[str]:
        """The table of a city's positions, if they are in one; at most one."""
        declared = self.dataset(city)
        if "render" in declared:
            return [f"{self.results}/data/{city}/archives/positions.csv"]
        if declared.get("positions", IN_NAMES) == IN_NAMES:
            return []
        return [str(local_file(declared["positions"], self.folder))]

    def images(self, city: str) -> Path:
        """The folder of a city's own images."""
        return local_file(self.dataset(city)["folder"], self.folder)

    def weights_source(self, model: str) -> list[str]:
        """The source that a model's weights file is, if it is one; at most one."""
        file = self.config["models"][model]["weights"].get("file")
        return [file] if file in self.sources else []

    def weights(self, model: str) -> list[str]:
        """The file that a model's weights start from, if it starts from one; at most one."""
        declared = self.config["models"][model]
        weights = declared["weights"]
        if SOURCES[weights["source"]].held:
            return [os.path.relpath(embedded_weights(*declared["backbone"].values()))]
        if source := self.weights_source(model):
            return list(self.declared(source))
        return [str(local_file(weights["file"], self.folder))] if "file" in weights else []
