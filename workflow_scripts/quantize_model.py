"""Quantize a pruned model and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compression.grid import Cell
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.study.job import logged

with logged(snakemake.log[0]):
    wildcards = snakemake.wildcards
    cell = Cell(
        wildcards.threshold, wildcards.l1, wildcards.quantizer, int(wildcards.bits), "fixed"
    )
    contents = read_contents(Path(snakemake.input.model))
    quantized = quantize_contents(contents, cell.quantizer, cell.bits)
    contents.header["compression"] = cell.as_dict()
    size = write_compressed(Path(snakemake.output[0]), contents, quantized, snakemake.params.small)
    print(f"{size:,} bytes")
