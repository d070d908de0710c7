"""Compress a model to a drop or to a size, on photographs of your own.

Of the photographs four in five are rounded on; of the others parts are searched among all, and
what the compressed model loses there, against the model itself, is the drop. They need no
labels. A killed search goes on where it was.
"""

import argparse
from pathlib import Path

from pocketvlad.api.defaults import SEED
from pocketvlad.cli.options import add_setting
from pocketvlad.compression.rd.settings import RoundingSettings, SearchSettings

OUTPUTS = {"output": (".pvlad",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a model, best an uncompressed one (.safetensors)")
    parser.add_argument(
        "--calibration", type=Path, required=True, metavar="FOLDER", help="photographs, 10 or more"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--drop",
        type=float,
        help="percentage points of average precision that self-retrieval loses",
    )
    target.add_argument("--megabytes", type=float, help="largest size of the file, 10^6 bytes")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .pvlad file")
    parser.add_argument(
        "--image-size", type=int, help="longest side in pixels; the file keeps it [the model's]"
    )
    add_setting(parser, "--crops", RoundingSettings, "crops")
    add_setting(parser, "--projection-crops", RoundingSettings, "projection_crops")
    add_setting(parser, "--length", RoundingSettings, "length")
    add_setting(parser, "--trellis", RoundingSettings, "trellis")
    add_setting(parser, "--trials", SearchSettings, "trials")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed, the same file [%(default)s]"
    )


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError, ImageError or TrialsError, naming the file, or BudgetError."""
    import pocketvlad
    from pocketvlad.cli.models import model_of
    from pocketvlad.compression.rd.trials import remove_trials
    from pocketvlad.util.allocator import keep_small_blocks
    from pocketvlad.util.size import MEGABYTE

    keep_small_blocks()
    output = arguments.output
    work_folder = output.with_name(output.name + ".trials")
    model = model_of(arguments.file)
    small = pocketvlad.compress(
        model,
        arguments.calibration,
        drop=arguments.drop,
        megabytes=arguments.megabytes,
        length=arguments.length,
        trellis=arguments.trellis,
        image_size=arguments.image_size,
        crops=arguments.crops,
        projection_crops=arguments.projection_crops,
        seed=arguments.seed,
        trials=arguments.trials,
        work_folder=work_folder,
    )
    small.save(output)
    remove_trials(work_folder)
    print(
        f"{output}: {small.size / MEGABYTE:.2f} MB, of {model.size / MEGABYTE:.2f}; "
        f"self-retrieval loses {small.trial.drop:.2f} points"
    )
