"""Pruned, fine-tuned, and its survivors quantized: the paper's recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import ClassVar, Self

from pocketvlad.compression.quantizer_names import QUANTIZERS
from pocketvlad.compression.recipe import Recipe, own_or_shared, path_part, seeds_of
from pocketvlad.compression.settings import CODEBOOKS, DECIMAL, GridBlock
from pocketvlad.util.settings import completed

_UNITS = {
    "relative": "standard deviations of its layer",
    "relative-row": "standard deviations of its row",
}


@dataclass(frozen=True, kw_only=True)
class PrunedQuantized(Recipe):
    """Texts as the config writes them.

    quantizer, bits: of the survivors.  codebook: "fixed", as the quantizer made it, or "trained".
    l1, threshold: of pruning and its fine-tuning.
    """

    NAME: ClassVar[str] = "pruned"
    PATH: ClassVar[str] = "{threshold}/l1-{l1}/{quantizer}-{bits}-{codebook}"
    # Wide before narrow, and each quantizer's thresholds together.
    ORDER: ClassVar[Mapping[str, bool]] = {
        "bits": False,
        "quantizer": False,
        "codebook": True,
        "l1": True,
        "threshold": True,
    }

    quantizer: str = path_part("|".join(QUANTIZERS))
    bits: int = path_part("[1-8]")
    codebook: str = path_part("|".join(CODEBOOKS))
    l1: str = path_part(f"0|{DECIMAL}")
    threshold: str = path_part(DECIMAL)

    @classmethod
    def of_config(cls, config: Mapping, model: str | None = None) -> dict[Self, list[int]]:
        """Every combination in each block of the section `grid`, the study's or the model's own.
        One that several blocks have is made with the seeds of all of them."""
        blocks = chain.from_iterable(own_or_shared(config, model, "grid", config))
        keys = ("thresholds", "l1", "quantizers", "bits", "codebooks")
        names = ("threshold", "l1", "quantizer", "bits", "codebook")
        found: dict[Self, list[int]] = {}
        for block in blocks:
            # The check of a config asks before its defaults are filled in.
            full = completed(GridBlock, block)
            for values in product(*(full[key] for key in keys)):
                seeds = found.setdefault(cls(**dict(zip(names, values, strict=True))), [])
                seeds += [seed for seed in seeds_of(config, block) if seed not in seeds]
        return found

    @property
    def pruning(self) -> str:
        return f"{self.threshold}/l1-{self.l1}"

    @property
    def fixed_bits(self) -> int:
        return self.bits

    @property
    def coding(self) -> str:
        parts = [self.quantizer]
        if self.codebook == "trained":
            parts.append("trained")
        if self.l1 != "0":
            parts.append(f"L1 {self.l1}")
        return ", ".join(parts)

    @property
    def dial(self) -> str:
        return f"threshold {self.threshold}"

    def account(self, header: Mapping, zero_percent: float) -> str:
        pruning = header["origin"]["pruning"]
        unit = _UNITS.get(pruning["threshold_mode"])
        cutoff = f"{pruning['cutoff']} {unit}" if unit else pruning["threshold"]
        return (
            f"pruning of {zero_percent:.1f} % of the weights ({self.dial}: below {cutoff}; "
            f"{pruning['rounds']} rounds, L1 penalty {pruning['l1']}), then {self.quantizer} "
            f"quantization to {self.bits} bits with a {self.codebook} codebook, then entropy coding"
        )

    def unlabelled(self, header: Mapping) -> bool:
        return header["origin"]["pruning"]["recovery"]["objective"] == "distillation"
