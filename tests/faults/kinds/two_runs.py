"""Two runs of one study at once in one folder: one of them works, the other one says so."""

import time
from random import Random

from faults.kinds import Kind, require_said
from faults.study import NotSurvivedError, Study


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
            if not winner.has_ended() and not any((study.folder / ".snakemake/locks").iterdir()):
                raise NotSurvivedError("the run that was refused took the other one's lock")
            winner.stop()
    return [f"two runs, {'the first' if loser is first else 'the second'} refused"]


KINDS = [Kind("two runs at once", _inject)]
