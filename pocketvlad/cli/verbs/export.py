"""Write a model as an ONNX file, and verify it against torch.

The graph takes pixels (uint8, RGB, images x height x width x 3, any size) and gives descriptors of
unit length. What is to be subtracted from pixels is a part of it. A file whose descriptors differ
from torch's by more than 0.0001 is not left.
"""

import argparse
from pathlib import Path

from pocketvlad.cli.options import add_setting
from pocketvlad.portable.settings import ExportSettings

OUTPUTS = {"output": (".onnx",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .onnx file")
    add_setting(parser, "--weights", ExportSettings, "weights")
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError, naming the file, or VerificationError."""
    import pocketvlad
    from pocketvlad.cli.models import model_of
    from pocketvlad.util.size import MEGABYTE

    made = pocketvlad.export(
        model_of(arguments.file, device="cpu"),
        arguments.output,
        weights=arguments.weights,
        image_size=arguments.image_size,
    )
    sizes = ", ".join(f"{height} x {width}" for height, width in made.sizes)
    print(
        f"{arguments.output}: {made.size / MEGABYTE:.3f} MB, weights {arguments.weights}; verified "
        f"at {sizes} pixels: differs from torch by at most {made.error:.1g}"
    )
    if made.change > 2 * made.error:
        print(f"rounded weights: differs from the model by at most {made.change:.1g}")
