"""How long one photograph takes, and how much memory: a model file in a fresh process, one thread.

python -m pocketvlad.retrieval.speed

It prints a line when it is ready, and waits for a task: JSON on its standard input, see `measured`.
Its last line is a JSON object. `speed_process` starts it.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch

from pocketvlad.data.dataset import read_dataset
from pocketvlad.networks.model import read_model
from pocketvlad.networks.network import kept_length
from pocketvlad.retrieval.evaluation import query_pictures, sizing_of
from pocketvlad.retrieval.scales import describe_at_scales
from pocketvlad.scoring.ranking import dissimilarities, rank
from pocketvlad.util.memory import peak_memory_mb

REPEATS = 20
WARM_UP = 3
DECODINGS = 3  # that are timed: of a large model each takes seconds


def median_ms(
    function: Callable[[], object], repeats: int = REPEATS, warm_up: int = WARM_UP
) -> float:
    """Milliseconds of a call, the median of `repeats` after `warm_up` that do not count."""
    times = []
    for _ in range(warm_up + repeats):
        begin = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - begin))
    return median(times[warm_up:])


def search_ms(places: int, length: int) -> float:
    """To compare one descriptor with all places and to rank them.

    How long that takes depends on the numbers of places and components alone, so that the
    descriptors are drawn.
    """
    rows = np.random.default_rng(0).standard_normal((places, length), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    query = rows[:1].copy()
    return median_ms(lambda: rank(dissimilarities(query, rows)[0]))


def measured(task: Mapping[str, object]) -> dict[str, object]:
    """Times and memory of one model file; see results/README.md for the keys.

    Must be the first work of a process, whose peak memory is measured.

    Args:
        task: model, the file; dataset and images, of the city tested on, whose first query is
            described whole; protocol, the config's section; extraction, whether descriptions are
            timed, too.
    """
    torch.set_num_threads(1)
    start = peak_memory_mb()
    file = Path(task["model"])
    model = read_model(file)
    dataset, protocol = read_dataset(Path(task["dataset"])), task["protocol"]
    [picture, *_] = query_pictures(dataset, Path(task["images"]), crop=False)
    sizing = sizing_of(protocol)

    def describe() -> np.ndarray:
        return describe_at_scales(
            model.network,
            [picture],
            sizing,
            protocol["scales"],
            model.preprocessing,
            1,
            model.network.min_side,
        )

    describe()
    peak, length = peak_memory_mb(), kept_length(model.network)
    width, height = picture.shape(sizing)
    return {
        "start_memory_mb": start,
        "peak_memory_mb": peak,
        # The first decoding, above, was the warm-up.
        "decode_ms": median_ms(lambda: read_model(file), DECODINGS, warm_up=0),
        "extract_ms": median_ms(describe) if task["extraction"] else None,
        "search_ms": search_ms(len(dataset.images), length),
        "places": len(dataset.images),
        "length": length,
        "width": width,
        "height": height,
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    print("ready", flush=True)
    print(json.dumps(measured(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
