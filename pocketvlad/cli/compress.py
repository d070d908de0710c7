"""Compress a model to a drop or to a size, on photographs of your own.

Of the photographs four in five are rounded on; of the others parts are searched among all, and
what the compressed model loses there, against the model itself, is the drop. They need no
labels. A killed search goes on where it was.
"""

import argparse
import shutil
import sys
from pathlib import Path


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
    parser.add_argument("--crops", type=int, default=256, help="to round convolutions on [256]")
    parser.add_argument(
        "--whitening-crops", type=int, default=600, help="to round the whitening on [600]"
    )
    parser.add_argument(
        "--length", type=int, help="components of the descriptor to keep, the first ones [all]"
    )
    parser.add_argument("--trials", type=int, default=6, help="models to try at most [6]")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same file [1]")


_LEAST_PHOTOGRAPHS = 10


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError or ImageError, naming the file, or BudgetError."""
    from pocketvlad.compression.rd.budget import Target
    from pocketvlad.compression.rd.calibration import Calibration
    from pocketvlad.compression.rd.quantize import RoundingSettings
    from pocketvlad.compression.rd.trials import Trials
    from pocketvlad.data.city_crops import CropSettings, CropSource
    from pocketvlad.data.images import ImageError
    from pocketvlad.networks.backbones import LEAST_SIDE
    from pocketvlad.networks.device import run_on
    from pocketvlad.networks.model_file import read_model
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
    components = base.network.architecture.descriptor
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
    compute = {"device": "auto", "precision": "float32"}
    run_on(base.network, **compute)
    held = held_out(list(pictures))
    others = sorted(pictures.keys() - held)
    paths = {name: pictures[name].path for name in others}
    crops = CropSettings(crops=128, batch=8, image_size=sizing.image_size, crop=0.7, colour=0.2)
    settings = RoundingSettings(
        crops=arguments.crops,
        patches=125 * arguments.crops,
        damping=0.01,
        whitening_crops=arguments.whitening_crops,
        ridge=1.0,
        pooled=0.7,
        netvlad_bits=6,
        price=4.0,
        sweeps=5,
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
            LEAST_SIDE[base.network.architecture.backbone],
            arguments.seed,
        ),
        sizing=sizing,
        compute=compute,
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
