"""Speed and size of the file format on one core, beside general compressors of the same symbols.

python tests/benchmark_codec.py [--model FILE.pvlad]

Without a model: a layer of 16.8 million bell-shaped weights, at the thresholds and bit widths of
the grid.
"""

import argparse
import lzma
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tabulate import tabulate

from pocketvlad.compressed_file import open_compressed
from pocketvlad.layer_coding import decode_layer, encode_layer, side_information_bytes
from pocketvlad.quantize import quantize_tensor
from pocketvlad.quantized_tensor import QuantizedTensor

ROWS, COLUMNS = 512, 32768
XZ_BYTES = 1 << 21  # of each layer: xz is slow
CUTOFFS = {"0.001": 0.33, "0.005": 0.65, "0.01": 1.04, "0.05": 1.47}


def grid_layers() -> Iterator[tuple[str, QuantizedTensor]]:
    """One layer in every cell of the grid."""
    weight = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    for threshold, cutoff in CUTOFFS.items():
        pruned = np.where(np.abs(weight) < cutoff, np.float32(0), weight)
        for quantizer in ("uniform", "kmeans"):
            for bits in (8, 5):
                name = f"{threshold} {quantizer} {bits}"
                yield name, quantize_tensor(pruned, quantizer, bits)


def file_layers(path: Path) -> Iterator[tuple[str, QuantizedTensor]]:
    with open_compressed(path) as model:
        for layer, held in model:
            if isinstance(held, QuantizedTensor):
                yield layer.name, held


def measured(name: str, tensor: QuantizedTensor) -> tuple:
    weights = tensor.codes.size
    begin = time.perf_counter()
    payload = encode_layer(tensor)
    encoding = time.perf_counter() - begin
    begin = time.perf_counter()
    decoded = decode_layer(payload, tensor.codes.shape).dequantize()
    decoding = time.perf_counter() - begin
    np.testing.assert_array_equal(decoded, tensor.dequantize())
    symbols = tensor.codes.tobytes()
    part = symbols[:XZ_BYTES]
    xz = len(lzma.compress(part, preset=6)) * len(symbols) / len(part)
    ideal = tensor.entropy_bits() / 8 + side_information_bytes(tensor)
    return (
        name,
        f"{weights:,}",
        f"{8 * len(payload) / weights:.3f}",
        f"{len(payload) / ideal:.4f}",
        f"{weights / encoding / 1e6:.0f}",
        f"{weights / decoding / 1e6:.0f}",
        f"{len(zlib.compress(symbols, 6)) / len(payload):.2f}",
        f"{xz / len(payload):.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    layers = file_layers(arguments.model) if arguments.model else grid_layers()
    measured("warm-up", quantize_tensor(np.ones((4, 4), np.float32), "uniform", 2))
    rows = [measured(*layer) for layer in layers]
    headings = ("layer", "weights", "bits/weight", "of the ideal", "encode M/s", "decode M/s")
    print(tabulate(rows, (*headings, "zlib's size", "xz's size (2 MiB)"), disable_numparse=True))


if __name__ == "__main__":
    main()
