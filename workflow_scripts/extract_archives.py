"""Check and unpack a data set's archives of one kind, images or ground truth."""

from pathlib import Path

from pocketvlad.archives import unpack_verified
from pocketvlad.job import logged

with logged(snakemake.log[0]):
    count = unpack_verified(
        [Path(path) for path in snakemake.input.archives],
        snakemake.params.checksums,
        snakemake.params.suffix,
        Path(snakemake.output[0]),
    )
    print(f"{count} files")
