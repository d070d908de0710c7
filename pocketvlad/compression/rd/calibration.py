"""A base model and everything but the distortion that rounding it depends on; rounded files of
it."""

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pocketvlad.compression.rd.account import ROUNDED
from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSettings, CropSource
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.networks.model import Model, to_contents
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
        return {"settings": asdict(self.settings), "crops": asdict(self.crops), "seed": self.seed}


def write_rounded(path: Path, calibration: Calibration, distortion: float) -> int:
    """Round the base model to a squared distance of its descriptors, and write it; whole or not
    at all. The distance is that of the components that are kept.

    Returns:
        the file's size in bytes.
    """
    base, crops = calibration.base, calibration.crops
    teacher = shortened(base.network, calibration.settings.length)
    model = replace(base, network=copy.deepcopy(teacher))
    quantized = round_network(
        model.network,
        teacher,
        calibration.source,
        crops,
        distortion,
        calibration.settings,
        calibration.seed,
    )
    objective = DistillationObjective(calibration.source, crops, teacher)
    distance = -objective.validate(model.network)
    contents = to_contents(model)
    contents.header["compression"] = {
        "recipe": ROUNDED,
        "distortion": distortion,
        "rounding": calibration.identity(),
        "distance": distance,
    }
    size = write_compressed(path, contents, quantized, calibration.small)
    print(f"{size:,} bytes; squared distance on crops of the training city {distance:.4f}")
    return size
