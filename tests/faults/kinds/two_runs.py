"""Two runs of one study at once in one folder: one of them works, the other one says so."""

import time
from contextlib import suppress
from random import Random

from faults.kinds import Kind, require_said
from faults.study import NotSurvivedError, Study

_PATIENCE = 20.0  # seconds for a run to end that has removed its lock


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    with study.run() as first:
        if rng.random() < 0.5:  # both at the same moment, or one in the midst of the other
            job = first.job_of(rule)
            if job is None:
                return []
            study.delay(job, rule, rng)
        with study.run() as second:
            runs = [first, second]
            while all(not run.has_ended() for run in runs):
                time.sleep(0.1)
            loser, winner = runs if first.has_ended() else reversed(runs)
            status, text = loser.wait()
            if "Nothing to be done" in text or status == 0:
                return []
            require_said(text, "cannot be locked", str(study.folder), "--unlock")
            winner.job_of(rule)
            # The other run must not have taken this one's lock with it.
            end = time.monotonic() + _PATIENCE
            while not winner.has_ended() and not _is_locked(study):
                if time.monotonic() > end:  # else it was about to end, and had removed its lock
                    raise NotSurvivedError("the run that was refused took the other one's lock")
                time.sleep(0.1)
            winner.stop()
    return [f"two runs, {'the first' if loser is first else 'the second'} refused"]


def _is_locked(study: Study) -> bool:
    with suppress(FileNotFoundError):
        return any((study.folder / ".snakemake" / "locks").iterdir())
    return False


KINDS = [Kind("two runs at once", _inject)]
