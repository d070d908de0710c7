"""Describe images by a model: an .npz file with `names` and `descriptors` (a row an image).

Its `provenance` is JSON: the model file's SHA-256, the preprocessing and the size of images.
"""

import argparse
from pathlib import Path

OUTPUTS = {"output": (".npz",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="an image file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz file")
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError or ImageError, naming the file."""
    import pocketvlad
    from pocketvlad.retrieval.descriptor_file import write_descriptors
    from pocketvlad.util.disk_space import require_space

    model = pocketvlad.load(arguments.file)
    images = model.usable(arguments.images, image_size=arguments.image_size)
    output, bytes_a_row = arguments.output, 4 * model.length
    require_space(output.parent, bytes_a_row * len(images), f"writing {output}")
    rows = model.describe(images, image_size=arguments.image_size)
    names = [str(path) for path in images]
    write_descriptors(output, names, rows, model.provenance(arguments.image_size))
    print(f"{output}: {len(rows)} descriptors of {rows.shape[1]} numbers")
