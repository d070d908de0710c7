"""k-means of many numbers: Lloyd's iteration on a fine histogram.

The weights of a layer are binned once, one pass over memory; each iteration then costs a few
look-ups in prefix sums, whatever the number of weights. The start is the Panter-Dite point density
(the cube root of the density), which is optimal for many centres, so that Lloyd has little to do.
"""

import numpy as np

BINS = 1 << 16
_CHUNK = 1 << 22  # numbers binned at a time: bounds the memory beside the input
_MOST_ITERATIONS = 500


def histogram(values: np.ndarray, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """(counts, sums) a bin of equal width between the least and the greatest value.

    Args:
        values: [N] float32, finite, N at least 1.

    Returns:
        two [bins] float64 arrays.
    """
    low, high = float(values.min()), float(values.max())
    counts, sums = np.zeros(bins), np.zeros(bins)
    scale = bins / (high - low) if high > low else 0.0
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK].astype(np.float64)
        index = np.minimum(((chunk - low) * scale).astype(np.int64), bins - 1)
        counts += np.bincount(index, minlength=bins)
        sums += np.bincount(index, weights=chunk, minlength=bins)
    return counts, sums


def kmeans1d(values: np.ndarray, clusters: int) -> np.ndarray:
    """Centres of `values` that (locally) minimise the squared distance to the nearest centre.

    Args:
        values: [N] float32, finite.
        clusters: K, at least 1.

    Returns:
        at most K centres, float32, strictly rising; fewer where there are fewer distinct values.

    Raises:
        ValueError: no values, values that are not finite, or K below 1.
    """
    if clusters < 1:
        raise ValueError(f"{clusters} clusters; at least one is needed")
    if not values.size or not np.isfinite(values).all():
        raise ValueError(f"{values.size} values, all of which must be finite, cannot be clustered")
    counts, sums = histogram(values)
    filled = counts > 0
    counts, points = counts[filled], sums[filled] / counts[filled]
    mass = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * points)])

    density = np.cumsum(np.cbrt(counts))
    share = (np.arange(clusters) + 0.5) / clusters
    centres = np.unique(points[np.searchsorted(density, share * density[-1])])
    for _ in range(_MOST_ITERATIONS):
        edges = np.searchsorted(points, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], edges, [len(points)]])
        weight = np.diff(mass[edges])
        moved = (np.diff(moment[edges]) / np.maximum(weight, 1))[weight > 0]
        if len(moved) == len(centres) and np.array_equal(moved, centres):
            break
        centres = moved
    return np.unique(centres.astype(np.float32))
