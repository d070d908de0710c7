"""Rounded by rate and distortion: weights are zeroed and coded at once (docs/compression.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Self

from pocketvlad.compression.rd.account import ROUNDED, rounding_account
from pocketvlad.compression.recipe import Recipe, own_or_shared, path_part, seeds_of
from pocketvlad.compression.settings import DECIMAL


@dataclass(frozen=True, kw_only=True)
class Rounded(Recipe):
    """distortion: the squared distance of descriptors that rounding may cause, as the config
    writes it."""

    NAME: ClassVar[str] = ROUNDED
    PATH: ClassVar[str] = "rd/{distortion}"
    ORDER: ClassVar[Mapping[str, bool]] = {"distortion": True}

    distortion: str = path_part(DECIMAL)

    @classmethod
    def of_config(cls, config: Mapping, model: str | None = None) -> dict[Self, list[int]]:
        """The distortions of the section `rd`, or those of the model's own."""
        section = config.get("rd", {})
        found = chain.from_iterable(own_or_shared(config, model, "distortions", section))
        once = section.get("first_seed", ())
        return {
            cls(distortion=each): config["seeds"][:1] if each in once else seeds_of(config, section)
            for each in found
        }

    @property
    def coding(self) -> str:
        return "rd"

    @property
    def dial(self) -> str:
        return f"distortion {self.distortion}"

    def account(self, header: Mapping, zero_percent: float) -> str:
        return rounding_account(self.dial, header, zero_percent)

    def unlabelled(self, header: Mapping) -> bool:
        return True
