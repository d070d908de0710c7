"""Describe images by a model: an .npz file with `names` and `descriptors` (a row an image).

Its `provenance` is JSON: the model file's SHA-256, the preprocessing and the size of images.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="an image file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz file")
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError or ImageError, naming the file."""
    import numpy as np

    from pocketvlad.networks.model import read_model
    from pocketvlad.retrieval.describe import describe
    from pocketvlad.retrieval.photographs import model_sizing, photograph
    from pocketvlad.retrieval.provenance import provenance
    from pocketvlad.util.atomic import replacing

    model = read_model(arguments.file)
    sizing = model_sizing(model, arguments.image_size)
    pictures = [photograph(path, model, sizing) for path in arguments.images]
    rows = describe(model.network, pictures, sizing, model.preprocessing)
    with replacing(arguments.output) as unfinished, open(unfinished, "wb") as file:
        np.savez(
            file,
            names=np.array([str(path) for path in arguments.images]),
            descriptors=rows,
            provenance=provenance(arguments.file, model.preprocessing, sizing),
        )
    print(f"{arguments.output}: {len(rows)} descriptors of {rows.shape[1]} numbers")
