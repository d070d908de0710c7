"""Descriptor extraction against the bare backbone, of one model or of several: same images, batch
and precision, one run.

    python tests/benchmark_describe.py [CONFIG:MODEL ...] [--images 64] [--size 320] [--batch 16]

    python tests/benchmark_describe.py config/subset.yaml:vgg16 config/phone.yaml:lite0 --size 224

Prints images per second of processor time of the backbone's forward pass alone and of the whole way
from JPEG files to descriptors, the ratio of the two, and how many times as fast as the first model
each backbone is: medians over rounds in which the models take turns. Weights are random; they do
not change the time. Not collected by pytest.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from tabulate import tabulate

from pocketvlad.data.images import Preprocessing, Sizing
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.retrieval.describe import decoded_batches, describe
from pocketvlad.retrieval.picture import Picture

USUAL = "config/subset.yaml:vgg16"
PREPROCESSING = Preprocessing((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))


def write_photographs(folder: Path, count: int) -> list[Picture]:
    """JPEG files of 640 x 480 pixels with detail at every scale, as photographs have it."""
    generator = np.random.default_rng(0)
    pictures = []
    for number in range(count):
        layers = []
        for side in (4, 16, 64, 256):
            noise = generator.normal(0, 40, (side * 3 // 4, side, 3)).clip(-127, 127) + 127
            layer = Image.fromarray(noise.astype(np.uint8)).resize((640, 480), Image.BICUBIC)
            layers.append(np.asarray(layer, dtype=np.float32))
        path = folder / f"{number}.jpg"
        Image.fromarray(np.mean(layers, axis=0).astype(np.uint8)).save(path, quality=90)
        pictures.append(Picture(path, (640, 480)))
    return pictures


@dataclass
class Measured:
    """A model, and its images per second in each round."""

    name: str
    network: RetrievalNetwork
    bare: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, name: str) -> "Measured":
        """Of "CONFIG:MODEL"."""
        path, _, model = name.rpartition(":")
        try:
            section = yaml.safe_load(Path(path).read_text(encoding="utf-8"))["models"][model]
        except (OSError, KeyError, TypeError) as error:
            raise argparse.ArgumentTypeError(f"{name} is no CONFIG:MODEL: {error!r}") from None
        network = RetrievalNetwork(Architecture.of(section)).eval()
        initialise_randomly(network.backbone, 0)
        return cls(name, network.to(memory_format=torch.channels_last))


def spread(values: Sequence[float], others: Sequence[float]) -> str:
    """How many times `others` the values are, round by round: the median, least and most."""
    ratios = [value / other for value, other in zip(values, others, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Measured.of, help=f"[{USUAL}]")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    models = options.models or [Measured.of(USUAL)]
    sizing = Sizing(options.size, "bilinear")
    with tempfile.TemporaryDirectory() as folder:
        pictures = write_photographs(Path(folder), options.images)
        ready = list(decoded_batches(pictures, sizing, PREPROCESSING, options.batch))
        for _ in range(options.rounds + 1):
            for each in models:
                start = time.process_time()
                with torch.inference_mode():
                    for _, batch in ready:
                        each.network.backbone(batch)
                middle = time.process_time()
                describe(each.network, pictures, sizing, PREPROCESSING, options.batch)
                each.bare.append(options.images / (middle - start))
                each.whole.append(options.images / (time.process_time() - middle))
    print(
        f"{options.size} px, batch {options.batch}, float32, {torch.get_num_threads()} thread(s); "
        "images per second of processor time"
    )
    lines = []
    for each in models:
        bare, whole = each.bare[1:], each.whole[1:]  # the first round warms up
        first = models[0].bare[1:]
        lines.append([each.name, *map(statistics.median, (bare, whole))])
        lines[-1] += [spread(whole, bare), spread(bare, first)]
    head = ["model", "bare backbone", "description", "of the bare", "of the first"]
    print(tabulate(lines, head, floatfmt=".2f"))


if __name__ == "__main__":
    main()
