"""How a study rounds, from the sections of its config."""

from collections.abc import Mapping
from pathlib import Path

from pocketvlad.compression.objectives import compression_crops
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.choices import chosen_length
from pocketvlad.compression.rd.settings import CHOOSE, RoundingSettings, TuningSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.networks.model import Model
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.settings import read_settings


def settled(rounding: Mapping[str, object], choices: Path | str | None) -> Mapping[str, object]:
    """The section `rd` with the model's own length in place of `choose`.

    Args:
        choices: the model's settings.json; needed where the section says `choose`.
    """
    if rounding.get("length") != CHOOSE:
        return rounding
    return {**rounding, "length": chosen_length(choices)}


def study_calibration(
    base: Model,
    source: CropSource,
    *,
    rounding: Mapping[str, object],
    recovery: Mapping[str, object],
    training: Mapping[str, object],
    small: str,
    seed: int,
) -> Calibration:
    """
    Args:
        base: the base model, its network where it computes.
        source: of the photographs that are rounded on.
        rounding: the section `rd` as `settled` gives it, without what chooses and searches.
        recovery: the keys `CROP_KEYS` of the section; the crops' side is that of `rounding`.
        training: the section, which says how crops are cut.
        small: "float16" or "float32", for tensors that are not rounded.
    """
    settings = dict(rounding)
    crops = compression_crops(
        {**recovery, "image_size": settings.pop("image_size")}, TrainingSettings(**training)
    )
    tuning = settings.pop("tuning", None)
    if tuning is not None:
        settings["tuning"] = read_settings(TuningSettings, tuning)
    return Calibration(base, source, crops, RoundingSettings(**settings), small, seed)
