"""The checkpoint of a job: what it belongs to follows from all that the job's rule names."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pocketvlad.data.image_files import find_images
from pocketvlad.training.checkpoint import Checkpoint, fingerprint


class ResumingJob(Protocol):
    """A job as its script sees it. Its rule has the parameter `checkpoint`, a path."""

    input: Iterable[str]
    params: object
    wildcards: object


def _files(paths: Iterable[str]) -> Iterator[Path]:
    """The files, and of a folder every image: a city's index has names and sizes of them alone, and
    others may have taken their places."""
    for path in map(Path, paths):
        yield from find_images(path) if path.is_dir() else [path]


def job_checkpoint(job: ResumingJob, **instead: object) -> Checkpoint:
    """Where a job keeps its state. It belongs to the job's wildcards, to all of its parameters and
    to the contents of its inputs; a job of which any has changed begins anew.

    Among the parameters are the state of its code and what it computes on. So nothing is resumed
    that Snakemake would make again.

    Args:
        instead: what stands for the parameters of these names, where a job goes on although they
            have changed.
    """
    settings = {**dict(job.params.items()), **instead}
    known = [dict(job.wildcards.items()), settings]
    return Checkpoint(Path(job.params.checkpoint), fingerprint(known, _files(job.input)))
