"""Check and unpack a data set's archives of one kind, images or ground truth."""

from pathlib import Path

from pocketvlad.job import logged
from pocketvlad.sources import verify_declared
from pocketvlad.unpack import unpack

with logged(snakemake.log[0]):
    verify_declared(snakemake.params.declared)
    archives = [Path(path) for path in snakemake.input.archives]
    count = unpack(archives, snakemake.params.suffix, Path(snakemake.output[0]))
    print(f"{count} files")
