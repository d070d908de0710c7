"""Rounded to what a search found for a target: a drop, or a size (`snakemake budgets`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pocketvlad.compression.rd.account import rounding_account
from pocketvlad.compression.rd.budget import Target
from pocketvlad.compression.recipe import Recipe, path_part


@dataclass(frozen=True, kw_only=True)
class Searched(Recipe):
    """target: the name of one, "drop-0.5" or "megabytes-4" (see `rd.budget`)."""

    NAME: ClassVar[str] = "searched"
    PATH: ClassVar[str] = "rd/{target}"
    ORDER: ClassVar[Mapping[str, bool]] = {"target": True}
    # They have a table of their own.
    TABULATED: ClassVar[bool] = False

    target: str = path_part(r"(?:drop|megabytes)-[\d.]+")

    @classmethod
    def of_config(cls, config: Mapping, model: str | None = None) -> dict[Self, list[int]]:
        """The targets of the section `rd`: a search rounds several models, so that it is done with
        the study's first seed alone."""
        found = config.get("rd", {}).get("targets", [])
        return {cls(target=Target.of(each).name): config["seeds"][:1] for each in found}

    @property
    def coding(self) -> str:
        return "rd"

    @property
    def dial(self) -> str:
        return self.target.replace("-", " ")

    def account(self, header: Mapping, zero_percent: float) -> str:
        return rounding_account(self.dial, header, zero_percent)

    def unlabelled(self, header: Mapping) -> bool:
        return True
