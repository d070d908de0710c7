"""Compress a model to a drop or to a size, on photographs without labels."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from numbers import Integral
from os import PathLike
from pathlib import Path

from pocketvlad.api.defaults import CROPS, PROJECTION_CROPS, SEED, TRIALS, Options
from pocketvlad.api.model import Model, load_model
from pocketvlad.compression.rd.budget import Target, Trial, best
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.settings import (
    PATCHES_A_CROP,
    RoundingSettings,
    SearchSettings,
    TargetSection,
)
from pocketvlad.compression.rd.trials import Trials, require_no_trial
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.images import ImageError
from pocketvlad.data.settings import CropSettings, Sizing
from pocketvlad.retrieval.photographs import (
    at_size,
    model_sizing,
    photographs,
    telling,
    warn_left_out,
)
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.self_retrieval import held_out, self_retrieval
from pocketvlad.training.checkpoint import fingerprint
from pocketvlad.util.counted import counted
from pocketvlad.util.option_error import OptionError, require_option
from pocketvlad.util.progress import progress_over

_LEAST_PHOTOGRAPHS = 10


@dataclass(frozen=True, eq=False)
class Compressed(Model):
    """A model that `compress` made.

    Attributes:
        trial: its distortion, the bytes of its file, and the points of average precision that
            self-retrieval loses.
    """

    trial: Trial


def _rounding(
    crops: int, projection_crops: int, length: int | None, trellis: bool
) -> RoundingSettings:
    return RoundingSettings(
        crops=crops,
        patches=PATCHES_A_CROP * crops,
        projection_crops=projection_crops,
        length=length,
        trellis=trellis,
    )


def _usable(folder: Path, model: Model, sizing: Sizing) -> dict[str, Picture]:
    """Photographs by their paths within `folder`; those that say nothing are left out."""
    found = photographs(folder, model.stored, sizing)
    faults, usable = list(found.faults), {}
    for name in progress_over("photographs", "file")(list(found.pictures)):
        if fault := telling(found.pictures[name], sizing):
            faults.append(fault)
        else:
            usable[name] = found.pictures[name]
    warn_left_out(faults)
    if len(usable) < _LEAST_PHOTOGRAPHS:
        raise ImageError(
            f"{folder} holds {counted(len(usable), 'usable photograph')}; give "
            f"{_LEAST_PHOTOGRAPHS} or more, of what the model will be shown"
        )
    return usable


def _target(drop: float | None, megabytes: float | None) -> Target:
    if (drop is None) == (megabytes is None):
        raise ValueError("give a drop or megabytes, one of them")
    return Target("megabytes", megabytes) if drop is None else Target("drop", drop)


def _trials(
    model: Model, pictures: dict[str, Picture], sizing: Sizing, settings: RoundingSettings,
    seed: int, folder: Path,
) -> Trials:  # fmt: skip
    """Of the photographs one in five is held out and searched for; the others are rounded on."""
    base = model.stored
    held = held_out(list(pictures))
    others = sorted(pictures.keys() - held)
    crops = CropSettings(image_size=sizing.image_size)
    paths = {name: pictures[name].path for name in others}
    source = CropSource(paths, True, sizing.interpolation, base.preprocessing)
    calibration = Calibration(base, source, crops, settings, "float16", seed)
    compute = {"device": base.network.device.type, "precision": "float32"}
    known = [model.sha256, calibration.identity(), sizing.as_dict(), compute]
    return Trials(
        folder=folder,
        calibration=calibration,
        task=self_retrieval(
            [pictures[name] for name in held],
            [pictures[name] for name in others],
            base.network.min_side,
            seed,
        ),
        sizing=sizing,
        compute=compute,
        # In the order that says which are held: other names may hold others.
        computation=fingerprint(known, [pictures[name].path for name in (*held, *others)]),
    )


def compress(
    model: Model,
    photographs: str | PathLike,
    *,
    drop: float | None = None,
    megabytes: float | None = None,
    length: int | None = None,
    trellis: bool = False,
    image_size: int | None = None,
    crops: int = CROPS,
    projection_crops: int = PROJECTION_CROPS,
    seed: int = SEED,
    trials: int = TRIALS,
    work_folder: str | PathLike | None = None,
) -> Compressed:
    """Round a model's weights as coarsely as a drop or a size allows.

    Of the photographs four in five are rounded on. Of the others parts are searched for among all.
    What the compressed model loses there, against the model itself, is the drop. No labels are
    needed. Each trial is printed. Photographs that cannot be read are left out with a
    `PhotographWarning`.

    Args:
        model: best an uncompressed one. A compressed one is rounded from its decoded weights, and
            the drop is against it.
        photographs: a folder with 10 or more, of what the model will be shown.
        drop: percentage points of average precision that may be lost.
        megabytes: largest size of the file, 10^6 bytes. Give a drop or a size.
        length: components of the descriptor to keep, the first ones; None: all.
        trellis: whether convolutions are coded on a trellis, for a file some 5 % smaller
            (`docs/compression.md`). Decoding it takes longer.
        image_size: pixels of the longest side; None: as the model was evaluated. The file says it,
            so that maps, pages and graphs of the compressed model have it, too.
        crops: of photographs that the convolutions are rounded on.
        projection_crops: that the projection is rounded on.
        seed: the same seed makes the same file.
        trials: models to try at most, those that are kept among them.
        work_folder: keeps the trials, so that a killed search goes on where it was; None: a
            temporary folder.

    Returns:
        the smallest model within the drop, or the one of least distortion within the size. It can
        be used at once; `save` writes its file.

    Raises:
        OptionError: an option has an impossible value.
        ImageError: there are too few usable photographs; names the folder.
        TrialsError: the model's file is a trial in the work folder.
        BudgetError: no model that was tried meets the target; says what came nearest.

    >>> import pocketvlad
    >>> model = pocketvlad.load("base.safetensors")
    >>> small = pocketvlad.compress(
    ...     model, "holiday/", megabytes=0.03, crops=4, projection_crops=8, trials=3
    ... )  # doctest: +ELLIPSIS
    megabytes-0.03: trial 1 of 3 at most, distortion 0.1
    ...
    >>> small.save("small.pvlad")
    >>> small.size < 30_000 < model.size
    True
    """
    target = _target(drop, megabytes)
    target = replace(target, limit=float(require_option(TargetSection, target.kind, target.limit)))
    crops = require_option(RoundingSettings, "crops", crops)
    projection_crops = require_option(RoundingSettings, "projection_crops", projection_crops)
    trellis = require_option(RoundingSettings, "trellis", trellis)
    trials = require_option(SearchSettings, "trials", trials)
    seed = require_option(Options, "seed", seed)
    if length is not None and not (isinstance(length, Integral) and 2 <= length <= model.length):
        raise OptionError(
            "length",
            length,
            f"{model.name} makes descriptors of {model.length} components; give 2 to "
            f"{model.length}",
        )
    length = None if length is None else int(length)  # of numpy's, too: files say it in JSON
    if work_folder is not None and isinstance(model.content, Path):
        require_no_trial(model.content, Path(work_folder))
    sizing = model_sizing(model.stored, image_size)
    model = replace(model, stored=at_size(model.stored, sizing))
    usable = _usable(Path(photographs), model, sizing)
    with ExitStack() as stack:
        if work_folder is None:
            work_folder = stack.enter_context(tempfile.TemporaryDirectory())
        rounding = _rounding(crops, projection_crops, length, trellis)
        tried = _trials(model, usable, sizing, rounding, seed, Path(work_folder))
        found = best(target, tried.search([target], trials))
        made = load_model(tried.file(found.distortion), model.stored.network.device.type)
        content = made.content.read_bytes()
    return Compressed(
        made.stored, f"{model.name}, compressed", made.sha256, content, made.by, found
    )
