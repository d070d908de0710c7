"""Fetch one archive, from the first of its urls that has it."""

from pathlib import Path

from pocketvlad.archives import download
from pocketvlad.job import logged

with logged(snakemake.log[0]):
    archive = snakemake.params.archive
    download(archive["urls"], Path(snakemake.output[0]), archive.get("checksum"))
