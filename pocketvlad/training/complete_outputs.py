"""Outputs of a job that is complete, kept until Snakemake has noted that it is.

If Snakemake is killed before, its next run removes the outputs and makes the job again. By then the
checkpoint is gone, and all epochs would be computed once more. So the outputs have second names
beside the checkpoint: hard links, which take no space. Free of torch.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from pocketvlad.util.whole_folder import replacing_folder

_SUFFIX = ".outputs"
_JOB = "job"


def keep_outputs(checkpoint: Path, outputs: Sequence[Path | str], job: str) -> None:
    """Give the outputs second names, as far as their disk has such.

    Args:
        checkpoint: the job's file.
        job: what tells it from every other job, its settings and its code among it.
    """
    with suppress(OSError), replacing_folder(_folder(checkpoint)) as unfinished:
        for number, output in enumerate(outputs):
            os.link(output, unfinished / str(number))
        (unfinished / _JOB).write_text(job, encoding="utf-8")


def restore_outputs(checkpoint: Path, outputs: Sequence[Path | str], job: str) -> bool:
    """Whether the outputs are there again, of a job that was complete."""
    folder = _folder(checkpoint)
    try:
        if (folder / _JOB).read_text(encoding="utf-8") != job:
            return False
        for number, output in enumerate(outputs):
            Path(output).unlink(missing_ok=True)
            os.link(folder / str(number), output)
    except OSError:
        return False
    print("the job was complete, but for Snakemake's note of it: its outputs are there again")
    return True


def forget_outputs(checkpoints: Iterable[Path | str]) -> None:
    """Remove the second names beside these checkpoints: their jobs are noted."""
    for checkpoint in checkpoints:
        with suppress(FileNotFoundError):
            shutil.rmtree(_folder(Path(checkpoint)))


def _folder(checkpoint: Path) -> Path:
    return checkpoint.absolute().with_name(checkpoint.name + _SUFFIX)
