"""Product quantization (Jegou et al., IEEE PAMI 2011)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.maps.map_code import Code
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    import numpy as np

    from pocketvlad.maps.coder import Coder, Parameters


@dataclass(frozen=True, kw_only=True)
class ProductQuantization(Code):
    """A descriptor in parts, each the nearest of 256 or 16 centres; after a random rotation.

    The rotation spreads the descriptor over all parts, which have as many centres each.
    """

    pattern: ClassVar[str] = r"pq(?P<bytes>[1-9]\d*)(?:x(?P<bits>[48]))?"

    bytes: int = setting("of a place", unit="bytes", minimum=1, maximum=4096)
    bits: int | None = setting(
        "of a part: 8 (256 centres) or 4 (16 centres, and twice as many parts). Unless told, 8 "
        "where the training city has 39 photographs a centre or more (faiss asks for as many), "
        "that is 9,984, or where the descriptor is too short for so many parts; else 4",
        None,
        form="4 or 8",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bits not in (None, 4, 8):
            raise ValueError(f"bits {self.bits!r} does not fit; write 4 or 8")
        if self.length is not None and self._parts > self.length:
            raise ValueError(
                f"{self.bytes} bytes have {self._parts} parts, more than the {self.length} "
                "components that are left; write fewer bytes or more components"
            )

    @property
    def _parts(self) -> int:
        """The least number of parts."""
        return self.bytes * 8 // (self.bits or 8)

    @property
    def least_components(self) -> int:
        return max(super().least_components, self._parts)

    @property
    def kind(self) -> str:
        return f"pq{self.bytes}" + ("" if self.bits is None else f"x{self.bits}")

    def learn(self, rows: "np.ndarray", seed: int) -> "Coder":
        from pocketvlad.maps.parts import PartCoder

        return PartCoder.learnt(rows, self.bytes, self.bits, seed)

    def restore(self, parameters: "Parameters", length: int) -> "Coder":
        from pocketvlad.maps.parts import PartCoder

        return PartCoder.restored(parameters, length, self.bytes, self.bits)
