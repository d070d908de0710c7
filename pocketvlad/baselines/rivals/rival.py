"""A rival: a coder, and what it is given. Free of torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rival:
    """name: the part of a path.  label: in words.  coder: a module of `coders`.  source: the
    version of the model that it is given.  settings: of the coder's `encode`.  of_cell: whether
    the source is a cell, whose symbols are coded without loss: its scores are the cell's.  fitted:
    whether the coder has a `fit`, to the crops that `rd` rounds on; its source is the base model.
    """

    name: str
    label: str
    coder: str
    source: str
    settings: dict[str, object] = field(default_factory=dict)
    of_cell: bool = False
    fitted: bool = False


@dataclass(frozen=True)
class Made:
    """What a study makes. cells: the versions of its compressed models.  pruned: by threshold the
    versions of its models that were pruned without an L1 penalty."""

    cells: Sequence[str]
    pruned: Mapping[str, str]


def asked(key: str, names: Sequence[str], made: Iterable[str], fault: str) -> Sequence[str]:
    """`names`, of the section `rivals` under `key`, checked: no model is made for a rival.

    Raises:
        ValueError: a name is not among what the study has `made`.
    """
    known = dict.fromkeys(made)
    faults = [
        f"rivals.{key}: {name!r}: {fault}; choose among {', '.join(known) or 'none'}"
        for name in names
        if name not in known
    ]
    if faults:
        raise ValueError("\n  ".join(faults))
    return names


def asked_cells(section: Mapping, made: Made) -> Sequence[str]:
    """The compressed models that `rivals.cells` names.

    Raises:
        ValueError: the study makes no such model.
    """
    return asked("cells", section.get("cells", []), made.cells, "the study has no such cell")


def flat(version: str) -> str:
    """A version as a part of a file's name."""
    return version.replace("/", "-")
