"""Decode a compressed model to float32 weights, as a safetensors file with the same header."""

import argparse
from pathlib import Path

OUTPUTS = ("output",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .safetensors file")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError where the file cannot be decoded."""
    from pocketvlad.format.compressed_file import read_compressed
    from pocketvlad.format.contents import write_contents

    contents = read_compressed(arguments.file)
    write_contents(arguments.output, contents)
    weights = sum(tensor.size for tensor in contents.tensors.values())
    print(f"{arguments.output}: {len(contents.tensors)} tensors, {weights:,} weights")
