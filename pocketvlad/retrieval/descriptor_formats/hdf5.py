"""HDF5 as hloc (the Hierarchical Localization toolbox) has it: a group an image, called by its path
in the images' folder, with a data set `global_descriptor` of D numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocketvlad.retrieval.descriptor_formats import Content, ContentError, text_names
from pocketvlad.util.shown import shown

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".h5", ".hdf5")
NEEDS = ("h5py", "hdf5")
HAS_NAMES = True
DATASET = "global_descriptor"
REMEDY = f"it must hold a group an image with a data set `{DATASET}` of D numbers, as hloc writes"

_PROVENANCE = "provenance"  # an attribute of the file, which hloc does not look at
_LONGEST = 1 << 20  # numbers of a descriptor; a damaged file may claim any


def _row(name: str, dataset: object, length: int | None) -> np.ndarray:
    """The numbers of one data set, of which there are `length` where that is known."""
    if dataset.is_virtual or dataset.external:
        raise ContentError(f"{name}: its numbers lie in another file")
    shape, kind = dataset.shape, dataset.dtype
    if shape is None or len(shape) != 1 or not 0 < shape[0] <= _LONGEST or kind.kind != "f":
        raise ContentError(f"{name}: `{DATASET}` is {kind} {shape}")
    if dataset.chunks is not None and dataset.chunks[0] > _LONGEST:  # one is read as a whole
        raise ContentError(f"{name}: numbers in chunks of {dataset.chunks[0]}")
    if length is not None and shape[0] != length:
        raise ContentError(f"{name}: {shape[0]} numbers, others have {length}")
    return dataset[()]


def _text(file: "h5py.File", name: str) -> str | None:
    """An attribute that is one short text; None where there is none."""
    import h5py

    if name not in file.attrs:
        return None
    about = file.attrs.get_id(name)
    single = about.shape == () and h5py.check_string_dtype(about.dtype) is not None
    found = file.attrs[name] if single and about.get_storage_size() <= _LONGEST else None
    return found if isinstance(found, str) else None


def read(path: Path) -> Content:
    """Raises ContentError, or whatever HDF5 stumbles on. Links to other files are not followed."""
    from pocketvlad.retrieval.hdf5_survival import require_survived

    require_survived(path)
    return read_here(path)


def read_here(path: Path) -> Content:
    """See `read`. A file that was made up may crash this process."""
    import h5py

    found: dict[str, object] = {}

    def visit(name: str, thing: object) -> None:
        group, _, last = name.rpartition("/")
        if last == DATASET and group and isinstance(thing, h5py.Dataset):
            found[group] = thing

    with h5py.File(path, "r") as file:
        file.visititems(visit)
        rows: list[np.ndarray] = []
        for name in (names := sorted(found)):
            rows.append(_row(name, found[name], len(rows[0]) if rows else None))
        made = _text(file, _PROVENANCE)
    if not rows:
        raise ContentError(f"there is no `{DATASET}` in it")
    return Content(text_names(names), np.stack(rows), made)


def called(name: str) -> str:
    """The group of an image. Raises ContentError where the name cannot be that of a group."""
    group = name.replace("\\", "/").strip("/")
    if not {"", ".", ".."}.isdisjoint(group.split("/")) or shown(group) != group:
        raise ContentError(f"{shown(name)} cannot be a name in it; name the folder of the image")
    return group


def write(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    """No two of `names` are called alike."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs[_PROVENANCE] = made
        for name, row in zip(names, rows, strict=True):
            file.create_group(called(name)).create_dataset(DATASET, data=row)
