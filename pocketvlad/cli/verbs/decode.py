"""Decode a compressed model to float32 weights, as a safetensors file with the same header."""

import argparse
from pathlib import Path

from pocketvlad.util.counted import counted

OUTPUTS = {"output": (".safetensors",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .safetensors file")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError where the file cannot be decoded."""
    from pocketvlad.format.compressed_file import open_compressed, read_compressed
    from pocketvlad.format.contents import write_contents
    from pocketvlad.util.disk_space import require_space
    from pocketvlad.util.size import float32_bytes

    with open_compressed(arguments.file) as model:
        needed = float32_bytes(sum(layer.weights for layer in model.layers))
    require_space(arguments.output.parent, needed, f"writing {arguments.output}")
    contents = read_compressed(arguments.file)
    write_contents(arguments.output, contents)
    weights = sum(tensor.size for tensor in contents.tensors.values())
    print(f"{arguments.output}: {counted(len(contents.tensors), 'tensor')}, {weights:,} weights")
