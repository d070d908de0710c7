"""Quantize a pruned model and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compression.quantize import quantize_tensors
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.tensor_file import read_tensors
from pocketvlad.study.job import logged

with logged(snakemake.log[0]):
    recipe = snakemake.params.recipe
    tensors, header = read_tensors(Path(snakemake.input.model))
    quantized = quantize_tensors(tensors, recipe["quantizer"], recipe["bits"])
    header["compression"] = recipe
    output = Path(snakemake.output[0])
    size = write_compressed(output, tensors, quantized, header, snakemake.params.small)
    print(f"{size:,} bytes")
