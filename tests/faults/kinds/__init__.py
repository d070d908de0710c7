"""The kinds of faults, a file each.

A kind has a name; `lacking`, which says what it would need here, or None; and `inject`, which makes
the study begin, or go on, and disturbs a job of a rule, or several jobs from there on. That returns
in words what was done, fault by fault; nothing: no job of the rule was left to disturb. It raises
`NotSurvivedError` where something follows that must not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from random import Random

from faults.mounts import alone
from faults.study import NotSurvivedError, Study


@dataclass(frozen=True)
class Kind:
    name: str
    inject: Callable[[Study, str, Random], list[str]]
    mounts: bool = False
    """Whether it needs a disk of its own."""
    rules: tuple[str, ...] = ()
    """Those whose jobs it can disturb; all without."""
    faults: int = 1
    """About as many are injected at once."""
    times: int = 1
    """As often it is drawn as a kind of one."""
    every_rule: bool = False
    """Whether it has to meet each rule, and no other one in place of that which was drawn."""

    @property
    def is_bound(self) -> bool:
        """Whether the rule that was drawn for it is the one to disturb."""
        return self.every_rule or bool(self.rules)

    def lacking(self) -> str | None:
        """What this machine has not, and the kind needs."""
        return "no right to mount" if self.mounts and not alone() else None


def require_said(text: str, *parts: str) -> None:
    """That what was printed tells what happened, and what to do.

    Raises:
        NotSurvivedError: a part is missing.
    """
    for part in parts:
        if part not in text:
            raise NotSurvivedError(f"the message does not say {part!r}:\n{text[-3000:]}")


def failed(text: str) -> bool:
    """Whether a run says that a job has failed."""
    return "Error in rule" in text or "FAILED" in text


GOES_ON = "the same command goes on"
"""What a run that has failed says at its end."""


def all_kinds() -> list[Kind]:
    """Those of every file here, in the order of their names."""
    found = []
    for module in iter_modules(__path__):
        found += import_module(f"{__name__}.{module.name}").KINDS
    return sorted(found, key=lambda kind: kind.name)
