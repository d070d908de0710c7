"""Check and unpack a data set's archives of one kind, images or ground truth."""

from pathlib import Path

from pocketvlad.data.image_names import SUFFIXES
from pocketvlad.data.sources import verify_declared
from pocketvlad.data.unpack import unpack
from pocketvlad.study.job import logged
from pocketvlad.util.counted import counted
from pocketvlad.util.unchanged import unchanged

with logged(*snakemake.log), unchanged(snakemake.input):
    verify_declared(snakemake.params.declared)
    archives = [Path(path) for path in snakemake.input.archives]
    suffix = snakemake.params.suffix
    also = SUFFIXES if suffix in SUFFIXES else ()  # those who read images go by the contents
    count = unpack(archives, suffix, Path(snakemake.output[0]), also=also)
    print(counted(count, "file"))
