"""One step of one coder in a process of its own, so that its memory can be measured.

python -m pocketvlad.baselines.rivals encode CODER SETTINGS LAYERS.npz FILE
python -m pocketvlad.baselines.rivals fit CODER SETTINGS CALIBRATION.json FILE
python -m pocketvlad.baselines.rivals decode CODER SETTINGS FILE TENSORS.npz

SETTINGS are JSON, those of the coder's `encode`, or of its `fit`, where it has one.
CALIBRATION.json says of what model, and to what photographs (`fitting`).
Prints as its last line a JSON object: seconds, without reading and writing files (photographs are
read while a coder fits, and count), and peak_memory_mb, in 10^6 bytes, of the whole process.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from pocketvlad.baselines.rivals.layers_file import read_layers, write_layers
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role
from pocketvlad.util.atomic import replacing
from pocketvlad.util.memory import peak_memory_mb


def warm_up(coder: ModuleType, settings: dict[str, object]) -> None:
    """Code a model of two weights, so that neither imports nor compilation are timed."""
    weight: np.ndarray | QuantizedTensor = np.ones((1, 2), dtype=np.float32)
    if getattr(coder, "OF_SYMBOLS", False):
        codes = np.arange(2, dtype=np.uint8).reshape(1, 2)
        weight = QuantizedTensor(codes, np.arange(2, dtype=np.float32))
    if hasattr(coder, "fit"):
        settings = {}  # of `fit`
    coder.decode(coder.encode({"weight": weight}, {"weight": Role.LINEAR}, **settings))


def main() -> None:
    step, name, settings, source, target = sys.argv[1:]
    coder = import_module(f"pocketvlad.baselines.rivals.coders.{name}")
    settings = json.loads(settings)
    warm_up(coder, settings)
    if step == "encode":
        layers, roles = read_layers(Path(source))
        begin = time.perf_counter()
        data = coder.encode(layers, roles, **settings)
    elif step == "fit":
        # By its name, as coders are: it imports what most of them do not depend on.
        fitting = import_module("pocketvlad.baselines.rivals.fitting")
        calibration = fitting.read_calibration(Path(source))
        begin = time.perf_counter()
        data = coder.encode(*coder.fit(calibration, **settings))
    else:
        data = Path(source).read_bytes()
        begin = time.perf_counter()
        tensors = coder.decode(data)
    measured = {"seconds": time.perf_counter() - begin, "peak_memory_mb": peak_memory_mb()}
    if step == "decode":
        write_layers(Path(target), tensors)
    else:
        with replacing(Path(target)) as unfinished:
            unfinished.write_bytes(data)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
