"""Quantize a pruned model and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compressed_file import write_compressed
from pocketvlad.job import logged
from pocketvlad.model_file import read_model
from pocketvlad.quantize import quantize_network

with logged(snakemake.log[0]):
    wildcards = snakemake.wildcards
    model = read_model(Path(snakemake.input.model))
    quantized = quantize_network(model.network, wildcards.quantizer, int(wildcards.bits))
    size = write_compressed(
        Path(snakemake.output[0]),
        model,
        quantized,
        {
            "threshold": wildcards.threshold,
            "quantizer": wildcards.quantizer,
            "bits": int(wildcards.bits),
        },
    )
    print(f"{size:,} bytes")
