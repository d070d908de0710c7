"""A base model and everything but the distortion that rounding it depends on; rounded files of
it."""

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pocketvlad.compression.rd.account import ROUNDED
from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.tuned_rounding import round_and_tune
from pocketvlad.data.city_crops import CropSettings, CropSource
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.distillation import DistillationObjective


@dataclass(frozen=True)
class Calibration:
    """base: its network where it computes.  crops: how they are cut, and of how many the distance
    is measured on half; how many are rounded on, `settings` say.  small: the form of tensors that
    are not rounded, "float16" or "float32"."""

    base: Model
    source: CropSource
    crops: CropSettings
    settings: RoundingSettings
    small: str
    seed: int

    def identity(self) -> dict[str, object]:
        """What a file's header says of it."""
        return {"settings": self.settings.as_dict(), "crops": asdict(self.crops), "seed": self.seed}


def write_rounded(
    path: Path, calibration: Calibration, distortion: float, checkpoint: Checkpoint | None = None
) -> int:
    """Round the base model to a squared distance of its descriptors, and write it; whole or not
    at all. The distance is that of the components that are kept.

    Args:
        checkpoint: of the tuning, if the settings have one; the caller deletes it once the file is
            noted.

    Returns:
        the file's size in bytes.
    """
    base, crops, settings = calibration.base, calibration.crops, calibration.settings
    teacher = shortened(base.network, settings.length)
    model = replace(base, network=copy.deepcopy(teacher))
    given = model.network, teacher, calibration.source, crops, distortion, settings
    done: dict[str, str] = {}
    if settings.tuning is None:
        quantized = round_network(*given, calibration.seed)
    else:
        quantized, done["kept"] = round_and_tune(*given, calibration.seed, checkpoint)
    objective = DistillationObjective(calibration.source, crops, teacher)
    distance = -objective.validate(model.network)
    contents = to_contents(model)
    contents.header["compression"] = {
        "recipe": ROUNDED,
        "distortion": distortion,
        "rounding": calibration.identity(),
        "distance": distance,
        **done,
    }
    size = write_compressed(path, contents, quantized, calibration.small)
    print(
        f"{size:,} bytes; its descriptors differ from the base model's by a squared distance of "
        f"{distance:.4f}, the mean of other crops of the photographs that it was rounded on"
    )
    return size
