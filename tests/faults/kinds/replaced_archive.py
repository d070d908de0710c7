"""An archive that is replaced while it is read by one that is cut off, in place or by its name."""

import os
import shutil
import signal
import time
from contextlib import suppress
from random import Random

from faults.kinds import GOES_ON, Kind, failed, require_said
from faults.processes import Process, jobs_in
from faults.study import Study

_RULE = "extract_archives"


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    folders = sorted(study.results.glob("data/*/archives"))
    archives = [path / name for path in folders for name in ("images.tar", "ground_truth.tgz")]
    archives = [path for path in archives if path.is_file()]
    if not archives:
        return []
    archive = rng.choice(archives)
    kept = study.folder / f"kept-{archive.name}"
    shutil.copyfile(archive, kept)
    content = kept.read_bytes()
    try:
        with study.run() as run:
            if run.job_of(_RULE) is None:
                return []
            # Soon: the reduced study's archives are read in a moment, which is made to last.
            time.sleep(0.1 * rng.random())
            jobs = jobs_in(study.folder, _RULE, run.began)
            _send(jobs, signal.SIGSTOP)
            cut = content[: rng.randrange(len(content))]
            if rng.random() < 0.5:
                archive.write_bytes(cut)
            else:
                new = archive.with_name(".new")
                new.write_bytes(cut)
                os.replace(new, archive)
            _send(jobs, signal.SIGCONT)
            _, text = run.stop()
    finally:
        os.replace(kept, archive)
        os.utime(archive)
    if failed(text):
        require_said(text, archive.name, GOES_ON)
        return [f"{archive.name} cut off to {len(cut)} bytes"]
    return [f"{archive.name} cut off to {len(cut)} bytes, not read any more"]


def _send(processes: list[Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.number, number)


KINDS = [Kind("archive replaced", _inject, rules=(_RULE,))]
