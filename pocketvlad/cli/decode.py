"""Decode a compressed model to float32 weights, as a safetensors file with the same header."""

import argparse
from pathlib import Path

OUTPUTS = ("output",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .safetensors file")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError where the file cannot be decoded."""
    import pocketvlad
    from pocketvlad.format.tensor_file import write_tensors

    tensors, header = pocketvlad.decode(arguments.file)
    write_tensors(arguments.output, tensors, header)
    weights = sum(tensor.size for tensor in tensors.values())
    print(f"{arguments.output}: {len(tensors)} tensors, {weights:,} weights")
