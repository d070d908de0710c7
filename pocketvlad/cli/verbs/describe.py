"""Describe images by a model: an .npz file with `names` and `descriptors` (a row an image).

Its `provenance` is JSON: the model file's SHA-256, the preprocessing and the size of images.
"""

import argparse
from pathlib import Path

OUTPUTS = ("output",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="an image file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz file")
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError or ImageError, naming the file."""
    import pocketvlad
    from pocketvlad.retrieval.descriptor_file import write_descriptors

    model = pocketvlad.load(arguments.file)
    rows = model.describe(arguments.images, image_size=arguments.image_size)
    names = [str(path) for path in arguments.images]
    write_descriptors(arguments.output, names, rows, model.provenance(arguments.image_size))
    print(f"{arguments.output}: {len(rows)} descriptors of {rows.shape[1]} numbers")
