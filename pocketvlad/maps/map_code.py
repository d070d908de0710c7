"""Map codes as a config or a file declares them. Free of faiss: Snakemake reads these at start.

A code is declared by a file in `codes` (`util.typed`). The fields of its class are what a section
says beside `type`. Each code has a short text, too, for configs, paths and the command line:

    <kind>[-<components>][+<code to re-rank with>]      pq32, int8-128, bits, pq16-256+int8

`code_named` parses it, and `Code.short` makes it.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.util.settings import setting
from pocketvlad.util.typed import Kind, Typed

if TYPE_CHECKING:
    import numpy as np

    from pocketvlad.maps.coder import Coder, Parameters

EXACT = "float32"
"""The short text of the descriptors as they are."""

RERANKED = 100
"""Of the places that a code ranks first, so many are ranked again by the finer code; all answers of
a search are, if that is more."""


_NO_THIRD = "has a code to re-rank with itself; name one finer code"


@dataclass(frozen=True, kw_only=True)
class Code(Typed, ABC):
    """As which bytes a map keeps the descriptor of a place."""

    pattern: ClassVar[str]
    """A regular expression of its short text; a group is a whole number, a field of its name."""

    length: int | None = setting(
        "components that are left of a descriptor: the first of the training city's PCA; all "
        "unless told",
        None,
        minimum=1,
    )
    rerank: str | None = setting(
        f"a finer code, by which the first {RERANKED} are ranked again; a map holds both",
        None,
        form="the short text of a code, such as int8",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rerank is not None and "+" in self.rerank:  # before any number is followed
            raise ValueError(f"rerank {self.rerank[:40]!r} {_NO_THIRD}")
        self.finer  # noqa: B018 - raises where the text means none

    @property
    def finer(self) -> "Code | None":
        """The code that the first are ranked again by.

        Raises:
            ValueError: `rerank` names no code.
        """
        return None if self.rerank is None else code_named(self.rerank)

    @property
    def least_components(self) -> int:
        """Those that a descriptor must have."""
        return max(self.length or 1, self.finer.least_components if self.finer else 1)

    @property
    @abstractmethod
    def kind(self) -> str:
        """The short text without length and finer code; `pattern` fits it."""

    @property
    def short(self) -> str:
        """The short text, which `code_named` reads."""
        length = "" if self.length is None else f"-{self.length}"
        finer = "" if self.rerank is None else f"+{self.rerank}"
        return f"{self.kind}{length}{finer}"

    @abstractmethod
    def learn(self, rows: "np.ndarray", seed: int) -> "Coder":
        """What codes rows [N, L] float32, learnt from `rows` [M, L] of the training city.

        Raises:
            ValueError: too few rows, or too few components for so many bytes.
        """

    @abstractmethod
    def restore(self, parameters: "Parameters", length: int) -> "Coder":
        """What `learn` had made, from its parameters.

        Args:
            length: L, components that are coded.

        Raises:
            CodeError: they do not fit.
        """


CODES = Kind("map code", f"{__package__}.codes", Code)


def code_of(section: object) -> Code:
    """The code that a section of a config, or of a file's header, declares.

    >>> code_of({"type": "product-quantization", "bytes": 32, "length": 128}).short
    'pq32-128'

    Args:
        section: `rerank` may be a section itself, or a short text.

    Raises:
        ValueError: unknown type or key, a key is missing, or its value is out of range.
    """
    if isinstance(section, Mapping) and isinstance(finer := section.get("rerank"), Mapping):
        if finer.get("rerank") is not None:
            raise ValueError(f"rerank {str(finer.get('type'))[:40]!r} {_NO_THIRD}")
        section = {**section, "rerank": code_of(finer).short}
    return CODES.of(section)


def code_named(text: str) -> Code:
    """The code that a short text means.

    >>> code_named("pq32-128+int8").as_dict()
    {'type': 'product-quantization', 'length': 128, 'rerank': 'int8', 'bytes': 32}

    Raises:
        ValueError: it means none; the message says how one is written.
    """
    body, plus, rerank = str(text).partition("+")
    for name in CODES.types:
        pattern = CODES.declaration(name).pattern
        if found := re.fullmatch(rf"{pattern}(?:-(?P<length>[1-9]\d*))?", body):
            given = {k: int(v) for k, v in found.groupdict().items() if v is not None}
            try:
                return code_of({"type": name, **given, **({"rerank": rerank} if plus else {})})
            except ValueError as error:
                raise ValueError(f"map code {text!r}: {error}") from None
    raise ValueError(
        f"map code {text!r} is unknown; write float32, float16, int8, pq64 (or 32 or 16: bytes a "
        "place), bits or rotated-bits; then -128 for so many components, and +int8 to rank the "
        "first again by int8"
    )
