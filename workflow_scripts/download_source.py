"""Fetch one file, from the first of its urls that has it."""

from pathlib import Path

from pocketvlad.data.download import download
from pocketvlad.data.sources import declared_source
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    # From the config, not from a parameter: a new mirror must not fetch again what is there.
    source = declared_source(snakemake.config["sources"], snakemake.wildcards.file)
    download(source, Path(snakemake.output[0]))
