"""What a rival that is fitted to photographs has: the base model, and the crops of `rd`."""

import json
from pathlib import Path

from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.sections import settled, study_calibration
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model
from pocketvlad.training.sections import study_city
from pocketvlad.util.seeds import derive_seed


def read_calibration(path: Path) -> Calibration:
    """That of `rd`: `drawn_crops` gives the crops that `rd` rounds on.

    Args:
        path: JSON. `model`, `dataset` and `images` are the paths of the base model, of the training
            city's index and of its images, `settings` that of the model's settings.json where these
            were chosen; all else is as the rule `round_model` has it.

    Raises:
        FormatError: the base model is damaged.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    base = read_model(Path(given["model"]))
    run_on(base.network, **given["compute"])
    city = study_city(
        given["dataset"],
        given["images"],
        base.preprocessing,
        protocol=given["protocol"],
        validation=given["validation"],
        split_seed=given["split_seed"],
    )
    return study_calibration(
        base,
        city.crop_source,
        rounding=settled(given["rounding"], given["settings"]),
        recovery=given["recovery"],
        training=given["training"],
        small=given["small"],
        seed=derive_seed(given["seed"]),
    )
