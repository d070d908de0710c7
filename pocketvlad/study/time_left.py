"""How long a run will still take, from how long its jobs have taken so far.

Jobs of one rule differ: pruning a large network takes twenty times as long as pruning a small one,
and drawing a city has nothing to do with either. So each job counts with a guess, which the study's
config gives (`requests.usual_seconds`), corrected by what jobs like it have taken: those of the
same rule and model if there are any, else those of the rule, else all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

Kind = tuple[str, str]
"""The rule of a job, and its model; "" for a job that has none."""


@dataclass(frozen=True)
class PlannedJob:
    """seconds: a guess.  threads: cores that it occupies."""

    kind: Kind
    seconds: float
    threads: int = 1


class TimeLeft:
    """Of a run. Times are seconds by any one clock.

    Args:
        jobs: all that are to run.
    """

    def __init__(self, jobs: Iterable[PlannedJob] = ()) -> None:
        planned = list(jobs)
        self._jobs = {job.kind: job for job in planned}
        self._planned = Counter(job.kind for job in planned)
        self._left = self._planned.copy()
        self._running: dict[int, tuple[Kind, float]] = {}
        self._took: defaultdict[Kind, list[float]] = defaultdict(list)
        self._first: float | None = None

    def begin(self, number: int, kind: Kind, at: float) -> None:
        if self._first is None:
            self._first = at
        if kind in self._jobs:
            self._running[number] = kind, at

    def end(self, number: int, at: float) -> None:
        """A job has done what it was to do."""
        if number in self._running:
            kind, begun = self._running.pop(number)
            self._took[kind].append(at - begun)
            self._left[kind] -= 1

    def fail(self, number: int) -> None:
        """A job has failed: it runs no more, and says nothing of how long its like take."""
        self._running.pop(number, None)

    def _guess(self, counts: Counter[Kind]) -> float:
        """Of so many jobs together, in seconds of a core."""
        jobs = ((self._jobs[kind], count) for kind, count in counts.items())
        return sum(count * job.seconds * job.threads for job, count in jobs)

    def _known(self) -> bool:
        """Whether what half of the work will take is more than a guess."""
        rules = {rule for rule, _ in self._took}
        known = Counter({each: n for each, n in self._planned.items() if each[0] in rules})
        return 2 * self._guess(known) > self._guess(self._planned)

    def _ratio(self, kinds: Iterable[Kind]) -> float | None:
        """What ended jobs of these kinds have taken, in guesses."""
        found = [(self._took[kind], self._jobs[kind].seconds) for kind in kinds]
        guessed = sum(len(took) * seconds for took, seconds in found)
        return sum(sum(took) for took, _ in found) / guessed if guessed else None

    def _seconds(self, kind: Kind) -> float:
        """Of a job of this kind."""
        if took := self._took.get(kind):
            return fmean(took)
        ended = list(self._took)
        ratio = self._ratio(each for each in ended if each[0] == kind[0]) or self._ratio(ended)
        return self._jobs[kind].seconds * (ratio or 1)

    def seconds(self, now: float) -> float | None:
        """Until the end of the run; None until enough jobs have ended."""
        if self._first is None or not self._known():
            return None
        threads = {kind: job.threads for kind, job in self._jobs.items()}
        ahead = sum(n * threads[kind] * self._seconds(kind) for kind, n in self._left.items() if n)
        done = sum(threads[kind] * sum(took) for kind, took in self._took.items())
        for kind, begun in self._running.values():
            done += threads[kind] * (now - begun)
            ahead -= threads[kind] * min(now - begun, self._seconds(kind))
        at_once = done / max(now - self._first, 1e-3)
        return ahead / max(1.0, at_once)
