"""Quantize a pruned model and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compressed_file import write_compressed
from pocketvlad.job import logged
from pocketvlad.quantize import quantize_tensors
from pocketvlad.tensor_file import read_tensors

with logged(snakemake.log[0]):
    wildcards = snakemake.wildcards
    identity = {
        "threshold": wildcards.threshold,
        "quantizer": wildcards.quantizer,
        "bits": int(wildcards.bits),
    }
    tensors, header = read_tensors(Path(snakemake.input.model))
    quantized = quantize_tensors(tensors, identity["quantizer"], identity["bits"])
    output = Path(snakemake.output[0])
    size = write_compressed(output, tensors, quantized, {**header, "compression": identity})
    print(f"{size:,} bytes")
