"""Compress a model to a drop or to a size, on photographs of your own.

Of the photographs four in five are rounded on; of the others parts are searched among all, and
what the compressed model loses there, against the model itself, is the drop. They need no
labels. A killed search goes on where it was.
"""

import argparse
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from pocketvlad.cli.options import add_setting
from pocketvlad.compression.rd.settings import (
    PATCHES_A_CROP,
    RoundingSettings,
    SearchSettings,
)
from pocketvlad.networks.settings import RunSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .safetensors model")
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
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")
    add_setting(parser, "--crops", RoundingSettings, "crops")
    add_setting(parser, "--whitening-crops", RoundingSettings, "whitening_crops")
    add_setting(parser, "--length", RoundingSettings, "length")
    add_setting(parser, "--trials", SearchSettings, "trials")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same file [1]")


_LEAST_PHOTOGRAPHS = 10


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError or ImageError, naming the file, or BudgetError."""
    from pocketvlad.compression.rd.budget import Target
    from pocketvlad.compression.rd.calibration import Calibration
    from pocketvlad.compression.rd.trials import Trials
    from pocketvlad.data.city_crops import CropSource
    from pocketvlad.data.images import ImageError
    from pocketvlad.data.settings import CropSettings
    from pocketvlad.networks.device import run_on
    from pocketvlad.networks.model import read_model
    from pocketvlad.retrieval.photographs import decodable, model_sizing, photographs
    from pocketvlad.retrieval.self_retrieval import held_out, self_retrieval
    from pocketvlad.training.checkpoint import fingerprint
    from pocketvlad.util.progress import progress_over
    from pocketvlad.util.size import MEGABYTE

    kind = "drop" if arguments.drop is not None else "megabytes"
    target = Target(kind, getattr(arguments, kind))
    for name in (kind, "crops", "whitening_crops", "trials"):
        if getattr(arguments, name) <= 0:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} {getattr(arguments, name)}: give more than 0")
    base = read_model(arguments.file)
    components = base.network.architecture.length
    if arguments.length is not None and not 2 <= arguments.length <= components:
        raise ValueError(
            f"--length {arguments.length}: {arguments.file} makes descriptors of {components} "
            f"components; give 2 to {components}"
        )
    sizing = model_sizing(base, arguments.image_size)
    found, faults = photographs(arguments.calibration, base, sizing)
    pictures = {}
    for name in progress_over("photographs", "file")(list(found)):
        if fault := decodable(found[name], sizing):
            faults.append(fault)
        else:
            pictures[name] = found[name]
    for fault in faults:
        print(f"left out: {fault}", file=sys.stderr)
    if len(pictures) < _LEAST_PHOTOGRAPHS:
        raise ImageError(
            f"{arguments.calibration} holds {len(pictures)} usable photographs; give "
            f"{_LEAST_PHOTOGRAPHS} or more, of what the model will be shown"
        )
    compute = asdict(RunSettings())
    run_on(base.network, **compute)
    held = held_out(list(pictures))
    others = sorted(pictures.keys() - held)
    paths = {name: pictures[name].path for name in others}
    crops = CropSettings(image_size=sizing.image_size)
    settings = RoundingSettings(
        crops=arguments.crops,
        patches=PATCHES_A_CROP * arguments.crops,
        whitening_crops=arguments.whitening_crops,
        length=arguments.length,
    )
    source = CropSource(paths, True, sizing.interpolation, base.preprocessing)
    calibration = Calibration(base, source, crops, settings, "float16", arguments.seed)
    known = [calibration.identity(), sizing.as_dict(), compute]
    trials = Trials(
        folder=arguments.output.with_name(arguments.output.name + ".trials"),
        calibration=calibration,
        task=self_retrieval(
            [pictures[name] for name in held],
            [pictures[name] for name in others],
            base.network.least_side,
            arguments.seed,
        ),
        sizing=sizing,
        compute=compute,
        cell={"quantizer": "rd"},
        computation=fingerprint(known, [arguments.file, *(p.path for p in pictures.values())]),
    )
    best = trials.search(target, arguments.trials)
    trials.file(best.distortion).replace(arguments.output)
    shutil.rmtree(trials.folder)
    print(
        f"{arguments.output}: {best.bytes / MEGABYTE:.2f} MB, of "
        f"{arguments.file.stat().st_size / MEGABYTE:.2f}; self-retrieval loses "
        f"{best.drop:.2f} points"
    )
