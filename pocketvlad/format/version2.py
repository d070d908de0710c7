"""Files of version 2, which identify tensors by name: a backbone, `netvlad`, `whitening`.

This is the only place that knows those names. It converts a file to today's form.
"""

from collections.abc import Mapping
from typing import TypeVar

from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Label, Part, Role

VERSION = 2
_ROLES = {
    "backbone": (Part.BACKBONE, Role.CONVOLUTION),
    "netvlad": (Part.POOLING, Role.CLUSTER),
    "whitening": (Part.PROJECTION, Role.LINEAR),
}
Tensor = TypeVar("Tensor")


def identity(name: str) -> tuple[str, Label]:
    """(today's name, label) of a tensor by its old name.

    Raises:
        FormatError: no network of version 2 has such a tensor.
    """
    first, _, rest = name.partition(".")
    if first not in _ROLES or not rest:
        raise FormatError(f"tensor {name[:80]!r} belongs to no network of version {VERSION}")
    part, role = _ROLES[first]
    return f"{part}.{rest}", Label(part, Role.BIAS if rest.endswith("bias") else role)


def architecture(old: object) -> dict[str, dict[str, object]]:
    """Today's form of the header's `architecture`.

    Raises:
        FormatError: it is not of the old form.
    """
    match old:
        case {
            "backbone": str(backbone),
            "width": width,
            "clusters": clusters,
            "descriptor": length,
            **rest,
        } if not rest:
            return {
                "backbone": {"type": backbone, "width": width},
                "pooling": {"type": "netvlad", "clusters": clusters},
                "projection": {"type": "pca-whitening", "length": length},
            }
    raise FormatError(f"architecture {str(old)[:200]} is not one of version {VERSION}")


def header(old: Mapping[str, object]) -> dict[str, object]:
    """Today's form of a header.

    Raises:
        FormatError: its architecture is not of the old form.
    """
    return {**old, "architecture": architecture(old.get("architecture"))}


def upgraded(
    tensors: Mapping[str, Tensor], old_header: Mapping[str, object]
) -> tuple[dict[str, Tensor], dict[str, Label], dict[str, object]]:
    """(tensors, labels, header) with today's names.

    Raises:
        FormatError: a tensor or the architecture is none of version 2.
    """
    names = {old: identity(old) for old in tensors}
    return (
        {names[old][0]: tensor for old, tensor in tensors.items()},
        dict(names.values()),
        header(old_header),
    )
