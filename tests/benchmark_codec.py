"""Speed and size of the file format on one core, beside other compressors of the same symbols.

python tests/benchmark_codec.py [--model FILE.pvlad] [--nncodec PYTHON]

Without a model: a layer of 16.8 million bell-shaped weights, at the thresholds and bit widths of
the grid. nncodec needs an environment of its own (`make nncodec`); it is left out without one. It
codes the same symbols without loss, as signed numbers of their levels.
"""

import argparse
import lzma
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tabulate import tabulate

from pocketvlad.baselines.rivals import process
from pocketvlad.baselines.rivals.layers_file import read_layers, write_layers
from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.layer_coding import decode_layer, encode_layer, side_information_bytes
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.symbol_model import coded_bits

NNCODEC = process.ROOT / process.NNCODEC
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


def signed_numbers(tensor: QuantizedTensor) -> np.ndarray:
    """The symbols as int32 in the order of their levels, zero at 0: what nncodec models best."""
    levels = tensor.codebook[1:]
    numbers = np.empty(len(levels), dtype=np.int32)
    numbers[np.argsort(levels, kind="stable")] = np.arange(len(levels)) - np.sum(levels < 0)
    numbers += numbers >= 0
    return np.concatenate([np.zeros(1, dtype=np.int32), numbers])[tensor.codes]


def nncodec_figures(python: Path, tensor: QuantizedTensor) -> dict[str, float]:
    """{"bytes", "encoding", "decoding"} of this layer's symbols, without loss, which is checked."""
    layers = {"layer": signed_numbers(tensor)}
    with tempfile.TemporaryDirectory() as folder:
        given, file, found = (Path(folder) / name for name in ("given.npz", "file", "found.npz"))
        write_layers(given, layers)
        # The step is of no account for whole numbers.
        settings = {"qp": 0, "dependent": False}
        encoding = process.run_step("encode", "nncodec", settings, given, file, python)
        decoding = process.run_step("decode", "nncodec", settings, file, found, python)
        np.testing.assert_array_equal(read_layers(found)[0]["layer"], layers["layer"])
        size = file.stat().st_size
    return {"bytes": size, "encoding": encoding["seconds"], "decoding": decoding["seconds"]}


def measured(name: str, tensor: QuantizedTensor, nncodec: Path | None) -> tuple:
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
    ideal = coded_bits(tensor) / 8 + side_information_bytes(tensor)
    theirs = ("", "", "")
    if nncodec:
        found = nncodec_figures(nncodec, tensor)
        theirs = (
            f"{found['bytes'] / len(payload):.3f}",
            f"{found['encoding'] / encoding:.1f}",
            f"{found['decoding'] / decoding:.1f}",
        )
    return (
        name,
        f"{weights:,}",
        f"{8 * len(payload) / weights:.3f}",
        f"{len(payload) / ideal:.4f}",
        f"{weights / encoding / 1e6:.0f}",
        f"{weights / decoding / 1e6:.0f}",
        f"{len(zlib.compress(symbols, 6)) / len(payload):.2f}",
        f"{xz / len(payload):.2f}",
        *theirs,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--nncodec", type=Path, default=NNCODEC, help="a Python that has nncodec")
    arguments = parser.parse_args()
    nncodec = arguments.nncodec if arguments.nncodec.exists() else None
    if nncodec is None:
        print(f"{arguments.nncodec} is missing (`make nncodec`): nncodec is left out")
    layers = file_layers(arguments.model) if arguments.model else grid_layers()
    measured("warm-up", quantize_tensor(np.ones((4, 4), np.float32), "uniform", 2), None)
    rows = [measured(*layer, nncodec) for layer in layers]
    headings = ("layer", "weights", "bits/weight", "of the ideal", "encode M/s", "decode M/s")
    others = ("zlib's size", "xz's size (2 MiB)", "nncodec's size", "its encoding", "its decoding")
    print(tabulate(rows, (*headings, *others), disable_numparse=True))
    print("Sizes and times of others are multiples of ours.")


if __name__ == "__main__":
    main()
