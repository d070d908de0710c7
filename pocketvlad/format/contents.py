"""What a model file holds, compressed or not; and uncompressed files, written and read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.format.tensor_file import read_tensors, write_tensors
from pocketvlad.format.version2 import upgraded

_LABELS = "labels"
_OURS = (
    "give a .pvlad file, or a .safetensors file that a study or `decode` has written; a study "
    "takes weights of other programs (docs/method.md, Initial weights)"
)


@dataclass(frozen=True)
class Contents:
    """tensors: float32, by name.  labels: of each tensor.  header: everything else that is needed
    to rebuild the network and to use it."""

    tensors: dict[str, np.ndarray]
    labels: dict[str, Label]
    header: dict[str, object]


def _labels(raw: object, names: set[str]) -> dict[str, Label]:
    try:
        labels = {name: Label(Part(part), Role(role)) for name, part, role in raw}
    except (TypeError, ValueError) as error:
        raise FormatError(f"the labels of its header are malformed: {error}") from None
    if labels.keys() != names:
        odd = sorted(labels.keys() ^ names, key=str)
        raise FormatError(f"tensor {odd[0]!r} is in the file or in its list of labels, not in both")
    return labels


def write_contents(path: Path, contents: Contents) -> None:
    """Write an uncompressed model as safetensors; whole or not at all."""
    labels = [[name, label.part, label.role] for name, label in contents.labels.items()]
    write_tensors(path, contents.tensors, {**contents.header, _LABELS: labels})


def read_contents(path: Path) -> Contents:
    """The uncompressed model in `path`; an older one is converted to today's form.

    Raises:
        FormatError: not one of ours; names the file.
    """
    tensors, header = read_tensors(path, _OURS)
    try:
        if _LABELS not in header:
            return Contents(*upgraded(tensors, header))
        labels = _labels(header.pop(_LABELS), tensors.keys())
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    # A safetensors file is sorted by name; the labels are in the network's order.
    return Contents({name: tensors[name] for name in labels}, labels, header)
