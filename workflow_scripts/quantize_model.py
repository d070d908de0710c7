"""Quantize a pruned model and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compression.grid import Cell
from pocketvlad.compression.quantize import quantize_tensors
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.tensor_file import read_tensors
from pocketvlad.study.job import logged

with logged(snakemake.log[0]):
    wildcards = snakemake.wildcards
    cell = Cell(
        wildcards.threshold, wildcards.l1, wildcards.quantizer, int(wildcards.bits), "fixed"
    )
    tensors, header = read_tensors(Path(snakemake.input.model))
    quantized = quantize_tensors(tensors, cell.quantizer, cell.bits)
    header["compression"] = cell.as_dict()
    output = Path(snakemake.output[0])
    size = write_compressed(output, tensors, quantized, header, snakemake.params.small)
    print(f"{size:,} bytes")
