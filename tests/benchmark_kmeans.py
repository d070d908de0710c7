"""Time and quality of one-dimensional k-means on as many weights as VGG16's whitening has.

python tests/benchmark_kmeans.py [--weights 134217728] [--centres 255]

scikit-learn gets a sample, since the whole would take it hours; its centres are scored on all
weights, like ours, and its time is scaled up in proportion.
"""

import argparse
import resource
import time

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from pocketvlad.compression.kmeans1d import kmeans1d

SAMPLE = 400_000
CHUNK = 1 << 22


def inertia(values: np.ndarray, centres: np.ndarray) -> float:
    """Sum of squared distances to the nearest centre, in double precision, part by part."""
    centres = np.sort(centres.astype(np.float64))
    between = (centres[1:] + centres[:-1]) / 2
    total = 0.0
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK].astype(np.float64)
        total += float(np.square(part - centres[np.searchsorted(between, part)]).sum())
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=int, default=1 << 27)
    parser.add_argument("--centres", type=int, default=255)
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    # Bell-shaped with heavy tails, like the weights of a trained layer.
    values = generator.laplace(size=arguments.weights).astype(np.float32)
    with threadpool_limits(limits=1):
        begin = time.perf_counter()
        ours = kmeans1d(values, arguments.centres)
        our_time = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        sample = generator.choice(values, SAMPLE)[:, np.newaxis]
        begin = time.perf_counter()
        theirs = KMeans(arguments.centres, n_init=1, random_state=0).fit(sample)
        their_time = (time.perf_counter() - begin) * len(values) / SAMPLE
    our_inertia = inertia(values, ours)
    their_inertia = inertia(values, theirs.cluster_centers_.ravel())
    print(f"{len(values):,} weights, {arguments.centres} centres, one core")
    print(f"ours          {our_time:10.1f} s  inertia {our_inertia:.6g}  peak {peak:.2f} GB")
    print(f"scikit-learn  {their_time:10.1f} s  inertia {their_inertia:.6g}  (scaled up)")
    print(
        f"ratio of times {their_time / our_time:.0f}, of inertias {our_inertia / their_inertia:.5f}"
    )


if __name__ == "__main__":
    main()
