"""Time and memory of `pocketvlad evaluate` on descriptors of Oxford's size before whitening.

python tests/benchmark_evaluate.py [--images 5063] [--length 32768] [--metric cosine]

Writes random float32 descriptors and a ground truth of 55 queries into a temporary folder (660 MB),
runs the command on one core, prints seconds and peak memory, and fails beyond a minute or 4 GB. The
images stand in the file in an order of their own. Not collected by pytest.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from pocketvlad.util.disk_space import require_space

MAX_SECONDS, MAX_BYTES = 60.0, 4_000_000_000
LANDMARKS, QUERIES, VIEWS = 11, 5, 40
COMMAND = "import sys; from pocketvlad.cli.main import main; sys.exit(main())"
ROOT = Path(__file__).resolve().parent.parent


def write_ground_truth(folder: Path, names: list[str]) -> None:
    """Official lists: each landmark's images are consecutive; the first of them are queries."""
    folder.mkdir()
    for mark in range(LANDMARKS):
        own = names[mark * VIEWS : (mark + 1) * VIEWS]
        lists = {"good": own[:20], "ok": own[20:30], "junk": own[30:]}
        for k in range(QUERIES):
            (folder / f"m{mark}_{k}_query.txt").write_text(f"{own[k]} 0 0 9 9")
            for kind, listed in lists.items():
                (folder / f"m{mark}_{k}_{kind}.txt").write_text("\n".join(listed))


def write_descriptors(path: Path, names: list[str], length: int) -> None:
    """Unit-length noise, the images of a landmark drawn towards one direction; a row at a time."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(LANDMARKS, length)).astype(np.float32)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        order = generator.permutation(len(names))
        with archive.open("names.npy", "w") as file:
            np.lib.format.write_array(file, np.array([f"{names[n]}.jpg" for n in order]))
        with archive.open("descriptors.npy", "w", force_zip64=True) as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": (len(names), length)}
            np.lib.format.write_array_header_2_0(file, header)
            for number in order:
                row = generator.normal(size=length).astype(np.float32)
                if number < LANDMARKS * VIEWS:
                    row += 0.1 * centres[number // VIEWS]
                file.write((row / np.linalg.norm(row)).tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5063)
    parser.add_argument("--length", type=int, default=32768)
    parser.add_argument("--metric", choices=["cosine", "l1", "l2"], default="cosine")
    options = parser.parse_args()
    names = [f"image_{number:06d}" for number in range(options.images)]
    with tempfile.TemporaryDirectory() as folder:
        lists, file = Path(folder) / "lists", Path(folder) / "descriptors.npz"
        require_space(Path(folder), 4 * options.images * options.length, "the descriptors")
        write_ground_truth(lists, names)
        write_descriptors(file, names, options.length)
        size = file.stat().st_size
        words = ["evaluate", "--ground-truth", lists, "--descriptors", file]
        words += ["--metric", options.metric]
        one_core = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        start = time.perf_counter()
        result = subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, words)],
            cwd=ROOT,
            env={**os.environ, **one_core},
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
    if result.returncode:
        sys.exit(result.stderr)
    # In kilobytes; on macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    score = float(re.search(r"^all .* (\S+)$", result.stdout, re.M)[1])
    print(
        f"{options.images:,} x {options.length:,} float32 ({size / 1e6:,.0f} MB), "
        f"{LANDMARKS * QUERIES} queries, {options.metric}, one core\n"
        f"time    {seconds:8.1f} s   (at most {MAX_SECONDS:.0f})\n"
        f"memory  {peak / 1e9:8.2f} GB  (at most {MAX_BYTES / 1e9:.0f})\n"
        f"mAP     {score:8.2f} %"
    )
    if seconds > MAX_SECONDS or peak > MAX_BYTES:
        sys.exit("over the limit")


if __name__ == "__main__":
    main()
