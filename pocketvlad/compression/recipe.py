"""What made a compressed model: the interface of every kind of recipe. Free of torch.

The kinds are the modules of `pocketvlad.compression.recipes`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import ClassVar, Self


def path_part(pattern: str) -> str:
    """A field of a recipe.

    Args:
        pattern: a regular expression, without groups, of what paths have in the field's place.
    """
    return field(metadata={"pattern": pattern})


def seeds_of(config: Mapping, section: Mapping) -> list[int]:
    """The seeds that a section of a checked config has, or else the study's."""
    return list(section.get("seeds", config["seeds"]))


def own_or_shared(
    config: Mapping, model: str | None, key: str, section: Mapping
) -> list[Sequence[object]]:
    """What a checked config has under `key` for each of its models: its own, or the section's.

    >>> config = {"models": {"vgg16": {}, "lite0": {"grid": [7]}}, "grid": [1, 2]}
    >>> own_or_shared(config, "lite0", "grid", config), own_or_shared(config, None, "grid", config)
    ([[7]], [[1, 2], [7]])

    Args:
        model: the only model; None: all of them.
        section: that the models share; none of it where it has no such key.
    """
    models, shared = config.get("models", {}), section.get(key, [])
    chosen = models if model is None else [model]
    return [models[each].get(key, shared) for each in chosen] or [shared]


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """One way to compress a model. A kind's fields are its columns of the results table.

    NAME: of the kind, in tables and in headers of files.
    PATH: the part of a path that names the compressed model, with fields in braces.
    ORDER: columns that the table's lines of this kind are sorted by, and whether they rise.
    TABULATED: whether they are lines of the study's own table.
    """

    NAME: ClassVar[str]
    PATH: ClassVar[str]
    ORDER: ClassVar[Mapping[str, bool]]
    TABULATED: ClassVar[bool] = True

    @classmethod
    def patterns(cls) -> dict[str, str]:
        """For each field a regular expression of what paths have in its place."""
        return {each.name: each.metadata["pattern"] for each in fields(cls)}

    @classmethod
    def pattern(cls) -> str:
        """A regular expression, without groups, of the paths of this kind."""
        return cls.PATH.format(**{name: f"(?:{each})" for name, each in cls.patterns().items()})

    @classmethod
    def of_version(cls, version: str) -> Self | None:
        """The recipe that a path names; None if it is none of this kind."""
        groups = {name: f"(?P<{name}>{each})" for name, each in cls.patterns().items()}
        if not (found := re.fullmatch(cls.PATH.format(**groups), version)):
            return None
        return cls(**{each.name: each.type(found[each.name]) for each in fields(cls)})

    @classmethod
    @abstractmethod
    def of_config(cls, config: Mapping, model: str | None = None) -> dict[Self, list[int]]:
        """Those that a checked config asks for, each with the seeds of the trainings that it is
        applied to.

        Args:
            model: those of one model; of all unless told.
        """

    @property
    def version(self) -> str:
        """The part of a path that names the compressed model."""
        return self.PATH.format(**asdict(self))

    def columns(self) -> dict[str, object]:
        """The kind and its fields: what rows of scores and headers of files say of it."""
        return {"recipe": self.NAME, **asdict(self)}

    @property
    @abstractmethod
    def coding(self) -> str:
        """How weights are coded, in words: "kmeans, trained, L1 0.001"."""

    @property
    @abstractmethod
    def dial(self) -> str:
        """What says how small the model becomes, in words: "threshold 0.005"."""

    @property
    def fixed_bits(self) -> int | None:
        """Bits of every kept weight. None where there is no such number: the paper's way to count
        memory does not apply."""
        return None

    @property
    def rate(self) -> str:
        """`fixed_bits` in words: "5 bits"."""
        return "no fixed bits" if self.fixed_bits is None else f"{self.fixed_bits} bits"

    @property
    def label(self) -> str:
        """The recipe in words: "5 bits, kmeans, threshold 0.005"."""
        bits = [] if self.fixed_bits is None else [self.rate]
        return ", ".join([*bits, self.coding, self.dial])

    @property
    def pruning(self) -> str | None:
        """The part of a path that names the pruned model that comes first, if one does."""
        return None

    @abstractmethod
    def account(self, header: Mapping, zero_percent: float) -> str:
        """What was done to the base model, as a clause for the model card.

        Args:
            header: of the compressed file.
            zero_percent: weights that are zero.
        """

    @abstractmethod
    def unlabelled(self, header: Mapping) -> bool:
        """Whether all that was done took photographs without labels.

        Args:
            header: of the compressed file.
        """
