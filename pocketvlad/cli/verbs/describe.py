"""Describe images by a model: a file with a row an image.

An image of a folder is called by its path in it, any other as it is typed. The suffix says the
format: .npz (`names`, `descriptors`, and as `provenance` in JSON the model file's SHA-256, the
preprocessing and the size of images), .h5 (HDF5 as hloc has it) or .npy (an array alone, its rows
in the order of the folder's paths, sorted).
"""

import argparse
from pathlib import Path

from pocketvlad.cli.models import add_backend
from pocketvlad.cli.options import add_squeeze
from pocketvlad.util.counted import counted

OUTPUTS = {"output": (".npz", ".h5", ".hdf5", ".npy")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGE", help="an image file, or a folder of them"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="an .npz, .h5 or .npy file"
    )
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")
    add_squeeze(parser)
    add_backend(parser)


def run(arguments: argparse.Namespace) -> None:
    """Raises DescriptorError, FormatError or ImageError, naming the file."""
    from pocketvlad.cli.models import model_of
    from pocketvlad.retrieval.descriptor_file import require_format

    require_format(arguments.output)
    size = {"image_size": arguments.image_size, "squeeze": arguments.squeeze}
    model = model_of(arguments.file, backend=arguments.backend)
    rows = model.write_descriptors(arguments.images, arguments.output, **size)
    numbers = counted(rows.shape[1], "number")
    print(f"{arguments.output}: {counted(len(rows), 'descriptor')} of {numbers}")
