"""Budgets instead of knobs: the distortion that meets a target, found by few trials.

A trial is a whole model, rounded and measured, and takes minutes: so each next one is chosen from
all that came before.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pocketvlad.util.size import MEGABYTE

START = 0.1  # squared distance of the first trial
_LEAST, _MOST = 2.0**-9, 1.0  # distortions that are tried
_CLOSE = 0.25  # octaves of distortion: trials as close as this are not refined
_SIZE_TOLERANCE = -math.log2(0.97)  # a file of 97 % of the allowed size is near enough
_OCTAVES_A_SIZE = 3.3  # of distortion, where the size halves: a first guess, as measured on VGG16
_MAX_OCTAVES = 3.0  # at a time
_MARGIN = 0.15  # of the way between two trials: a guess nearer to either adds little


class BudgetError(ValueError):
    """No model that was tried meets the target; the message names the nearest."""


@dataclass(frozen=True)
class Trial:
    """What one distortion gave: the file's size, and the loss of self-retrieval in points."""

    distortion: float
    bytes: int
    drop: float


@dataclass(frozen=True)
class Target:
    """The largest drop or size that a model may have. kind: "drop", in percentage points, or
    "megabytes"."""

    kind: str
    limit: float

    @classmethod
    def of(cls, section: Mapping[str, float]) -> "Target":
        """The target that the config writes as {drop: 0.5} or {megabytes: 4}."""
        ((kind, limit),) = section.items()
        return cls(kind, float(limit))

    @property
    def name(self) -> str:
        """As part of a path: "drop-0.5", whatever the limit without an exponent."""
        return f"{self.kind}-{Decimal(repr(self.limit)).normalize():f}"

    def excess(self, trial: Trial) -> float:
        """By how much a trial misses the target, in points or in octaves of bytes; 0 or less if it
        meets it."""
        if self.kind == "drop":
            return trial.drop - self.limit
        return math.log2(trial.bytes / MEGABYTE / self.limit)

    @property
    def towards(self) -> int:
        """1 if more distortion moves a trial that meets the target towards its limit, else -1."""
        return 1 if self.kind == "drop" else -1


def _octave(trial: Trial) -> float:
    return math.log2(trial.distortion)


def _leap(target: Target, trial: Trial) -> float:
    """How many octaves to move from a trial when all trials are on one side of the limit."""
    if target.kind == "drop":
        return 1.0
    octaves = abs(target.excess(trial)) * _OCTAVES_A_SIZE
    return min(_MAX_OCTAVES, max(2 * _CLOSE, octaves))


def _distortion(octave: float) -> float:
    bounded = min(max(2.0**octave, _LEAST), _MOST)
    return float(f"{bounded:.3g}")


def next_distortion(target: Target, trials: Iterable[Trial]) -> float | None:
    """What to try next, or None where no further trial could be much better.

    While all trials meet the target, or all miss it, the next one moves towards the limit. Then it
    is where the line between the nearest two crosses the limit.
    """
    trials = list(trials)
    if not trials:
        return START
    sign = target.towards
    met = [trial for trial in trials if target.excess(trial) <= 0]
    if not met:
        nearest = min(trials, key=lambda trial: sign * _octave(trial))
        found = _distortion(_octave(nearest) - sign * _leap(target, nearest))
        return found if found != nearest.distortion else None
    inner = max(met, key=lambda trial: sign * _octave(trial))
    if target.kind == "megabytes" and target.excess(inner) >= -_SIZE_TOLERANCE:
        return None
    beyond = [trial for trial in trials if sign * (_octave(trial) - _octave(inner)) > 0]
    if not beyond:
        found = _distortion(_octave(inner) + sign * _leap(target, inner))
        return found if found != inner.distortion else None
    outer = min(beyond, key=lambda trial: sign * _octave(trial))
    gap = _octave(outer) - _octave(inner)
    if abs(gap) <= _CLOSE:
        return None
    aim = -_SIZE_TOLERANCE / 2 if target.kind == "megabytes" else 0.0
    low, high = target.excess(inner), target.excess(outer)
    share = min(max((aim - low) / (high - low), _MARGIN), 1 - _MARGIN)
    return _distortion(_octave(inner) + share * gap)


def best(target: Target, trials: Sequence[Trial]) -> Trial:
    """The smallest file within a drop, or the file of smallest distortion within a size.

    Raises:
        BudgetError: none meets the target.
    """
    met = [trial for trial in trials if target.excess(trial) <= 0]
    if not met:
        nearest = min(trials, key=target.excess)
        raise BudgetError(
            f"no model meets {target.kind} {target.limit:g}: of {len(trials)} the nearest has "
            f"{nearest.bytes / MEGABYTE:.2f} MB and a drop of {nearest.drop:.2f} points at "
            f"distortion {nearest.distortion:g}; allow more, or keep more components of the "
            "descriptor if some are left out (rd.length, --length)"
        )
    key = "bytes" if target.kind == "drop" else "distortion"
    return min(met, key=lambda trial: getattr(trial, key))
