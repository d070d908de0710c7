"""Descriptor extraction against the bare backbone: same images, batch and precision, one run.

    python tests/benchmark_describe.py [--backbone vgg16] [--images 64] [--size 320] [--batch 16]

Prints images a second of the backbone's forward pass alone, of the whole way from JPEG files to
descriptors, and the ratio of the two, medians over alternating rounds. Not collected by pytest.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from networks import architecture
from PIL import Image

from pocketvlad.data.images import Preprocessing, Sizing
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.retrieval.describe import decoded_batches, describe
from pocketvlad.retrieval.picture import Picture

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="vgg16", choices=["alexnet", "vgg16"])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--descriptor", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    declared = architecture(options.backbone, 1.0, 64, options.descriptor)
    network = RetrievalNetwork(declared).eval()
    initialise_randomly(network.backbone, 0)
    network.to(memory_format=torch.channels_last)
    sizing = Sizing(options.size, "bilinear")
    with tempfile.TemporaryDirectory() as folder:
        pictures = write_photographs(Path(folder), options.images)
        ready = list(decoded_batches(pictures, sizing, PREPROCESSING, options.batch))
        bare, whole = [], []
        for _ in range(options.rounds + 1):  # the first round warms up
            start = time.perf_counter()
            with torch.inference_mode():
                for _, batch in ready:
                    network.backbone(batch)
            middle = time.perf_counter()
            describe(network, pictures, sizing, PREPROCESSING, options.batch)
            bare.append(options.images / (middle - start))
            whole.append(options.images / (time.perf_counter() - middle))
    ratios = [b / a for a, b in zip(bare[1:], whole[1:], strict=True)]
    print(
        f"{options.backbone}, {options.size} px, batch {options.batch}, float32, "
        f"{torch.get_num_threads()} threads\n"
        f"bare backbone   {statistics.median(bare[1:]):7.2f} images/s\n"
        f"description     {statistics.median(whole[1:]):7.2f} images/s\n"
        f"ratio           {statistics.median(ratios):7.2f}  "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
