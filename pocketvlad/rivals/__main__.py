"""One step of one coder in a process of its own, so that its memory can be told.

python -m pocketvlad.rivals encode CODER SETTINGS LAYERS.npz FILE
python -m pocketvlad.rivals decode CODER {} FILE TENSORS.npz

Prints as its last line a JSON object: seconds, without reading and writing files, and
peak_memory_mb, in 10^6 bytes, of the whole process.
"""

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from pocketvlad.quantized_tensor import QuantizedTensor
from pocketvlad.rivals.layers_file import read_layers, write_layers


def peak_memory_mb() -> float:
    """The most resident memory that this process has had, in 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says includes the process that this one was forked from.
        [line] = [each for each in status.read_text().splitlines() if each.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def small_model(layers: dict) -> dict[str, np.ndarray | QuantizedTensor]:
    """A model of one weight or two of the kind of `layers`: compilation must not be timed."""
    if any(isinstance(layer, QuantizedTensor) for layer in layers.values()):
        codes = np.arange(2, dtype=np.uint8).reshape(1, 2)
        return {"whitening.weight": QuantizedTensor(codes, np.arange(2, dtype=np.float32))}
    some = next(iter(layers.values()))
    return {"whitening.weight": np.ones((1, 2), dtype=some.dtype)}


def main() -> None:
    step, name, settings, source, target = sys.argv[1:]
    coder = import_module(f"pocketvlad.rivals.{name}")
    settings = json.loads(settings)
    if step == "encode":
        layers = read_layers(Path(source))
        coder.encode(small_model(layers), **settings)
        begin = time.perf_counter()
        data = coder.encode(layers, **settings)
    else:
        data = Path(source).read_bytes()
        begin = time.perf_counter()
        tensors = coder.decode(data)
    measured = {"seconds": time.perf_counter() - begin, "peak_memory_mb": peak_memory_mb()}
    if step == "encode":
        Path(target).write_bytes(data)
    else:
        write_layers(Path(target), tensors)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
