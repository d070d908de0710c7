"""An archive that is replaced while it is read by one that is cut off, in place or by its name."""

import os
import shutil
from random import Random

from faults.kinds import GOES_ON, Kind, failed, require_said
from faults.study import Study

_RULE = "extract_archives"


def _inject(study: Study, rule: str, rng: Random) -> str | None:
    folders = sorted(study.results.glob("data/*/archives"))
    archives = [path / name for path in folders for name in ("images.tar", "ground_truth.tgz")]
    archives = [path for path in archives if path.is_file()]
    if not archives:
        return None
    archive = rng.choice(archives)
    kept = study.folder / f"kept-{archive.name}"
    shutil.copyfile(archive, kept)
    content = kept.read_bytes()
    try:
        with study.run() as run:
            job = run.job_of(_RULE)
            if job is None:
                return None
            study.delay(job, _RULE, rng)
            cut = content[: rng.randrange(len(content))]
            if rng.random() < 0.5:
                archive.write_bytes(cut)
            else:
                new = archive.with_name(".new")
                new.write_bytes(cut)
                os.replace(new, archive)
            _, text = run.stop()
    finally:
        os.replace(kept, archive)
        os.utime(archive)
    if failed(text):
        require_said(text, archive.name, GOES_ON)
        return f"{archive.name} cut off to {len(cut)} bytes"
    return f"{archive.name} cut off to {len(cut)} bytes, not read any more"


KINDS = [Kind("archive replaced", _inject, rules=(_RULE,))]
