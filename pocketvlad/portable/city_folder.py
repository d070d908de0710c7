"""A folder that holds a city: a model as a graph, the map of its photographs, and a manifest.

Free of torch and onnx. docs/phone-export.md describes the manifest for other programs. Keys that
are not known here are left to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from pocketvlad.format.city_manifest import FORMAT, MANIFEST
from pocketvlad.format.error import FormatError
from pocketvlad.portable.metadata import package_version
from pocketvlad.util.json_file import read_json, write_json

_REMEDY = "pack the city again"
_LONGEST = 255  # bytes of a file's name


@dataclass(frozen=True, kw_only=True)
class CityFolder:
    """The files of a city, each a plain name in its folder.

    graph: the ONNX graph.  map: of the photographs.  model: the file of weights.  weights: the list
    of a graph that has none inside; None where it has.  title: what people call the city.
    threshold: the least similarity that tells a place; None: not known.
    """

    graph: str = "graph.onnx"
    map: str = "map.pvmap"
    model: str = "model.pvlad"
    weights: str | None = "graph.weights.json"
    title: str = ""
    threshold: float | None = None

    @property
    def files(self) -> dict[str, str]:
        """By what they are."""
        named = {each: getattr(self, each) for each in ("graph", "weights", "model", "map")}
        return {what: name for what, name in named.items() if name is not None}


def write_city_folder(
    folder: Path, city: CityFolder, more: Mapping[str, object] | None = None
) -> None:
    """Write the manifest of files that lie in `folder`.

    Args:
        more: what else the manifest is to say, for other programs.

    Raises:
        FormatError: one of the files is missing or has no plain name.
    """
    _require_files(folder, city)
    content = {
        "format": FORMAT,
        "pocketvlad": package_version(),
        "title": city.title,
        "threshold": city.threshold,
        "files": {
            what: {"name": name, "bytes": (folder / name).stat().st_size}
            for what, name in city.files.items()
        },
        **(more or {}),
    }
    write_json(folder / MANIFEST, content)


def read_city_folder(folder: Path) -> CityFolder:
    """What the manifest of a folder says.

    Raises:
        FormatError: there is none, it is malformed, or a file is missing or cut short; names the
            file and what to do.
    """
    path = folder / MANIFEST
    content = read_json(path)
    if content is None:
        raise FormatError(f"{path} is missing or no manifest: {folder} is no city; {_REMEDY}")
    if content.get("format") != FORMAT:
        raise FormatError(
            f"{path}: format {str(content.get('format'))[:20]} is unknown; this program reads "
            f"{FORMAT}: {_REMEDY}, or install the version that wrote it"
        )
    match content:
        case {
            "title": str(title),
            "threshold": threshold,
            "files": {
                "graph": {"name": str(graph)},
                "model": {"name": str(model)},
                "map": {"name": str(map_name)},
                **others,
            } as entries,
        } if _is_text(title) and _is_similarity(threshold):
            weights = others.get("weights", {"name": None}) or {"name": None}
            city = CityFolder(
                graph=graph,
                map=map_name,
                model=model,
                weights=weights.get("name") if isinstance(weights, Mapping) else "",
                title=title,
                threshold=threshold,
            )
        case _:
            raise FormatError(f"{path}: title, threshold or files are malformed; {_REMEDY}")
    _require_files(folder, city)
    for what, name in city.files.items():
        size = entries[what].get("bytes")
        found = (folder / name).stat().st_size
        if size != found:
            raise FormatError(
                f"{folder / name} has {found} bytes, {MANIFEST} says {size}: another file, or cut "
                f"short; {_REMEDY}"
            )
    return city


def _is_text(text: str) -> bool:
    """JSON has escapes of halves of characters, which no text may hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _is_similarity(threshold: object) -> bool:
    """Whether it may be the least similarity of a place."""
    return threshold is None or (type(threshold) in (int, float) and abs(threshold) <= 1)


def _is_plain(name: object) -> bool:
    """Whether it is the name of a file in a folder, on any system."""
    return (
        isinstance(name, str)
        and 0 < len(name.encode("utf-8", "surrogatepass")) <= _LONGEST
        and PurePath(name).name == name
        and not set(name) & {"\\", ":", "\0"}
    )


def _require_files(folder: Path, city: CityFolder) -> None:
    for what, name in city.files.items():
        if not _is_plain(name):
            raise FormatError(
                f"{folder / MANIFEST}: {what} {str(name)[:80]!r} is no plain name of a file; "
                f"{_REMEDY}"
            )
        if not (folder / name).is_file():
            raise FormatError(f"{folder / name} is missing ({what}); {_REMEDY}")
