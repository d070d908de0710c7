"""Quantize a pruned model and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    recipe = snakemake.params.recipe
    contents = read_contents(Path(snakemake.input.model))
    quantized = quantize_contents(contents, recipe["quantizer"], recipe["bits"])
    contents.header["compression"] = recipe
    size = write_compressed(Path(snakemake.output[0]), contents, quantized, snakemake.params.small)
    print(f"{size:,} bytes")
