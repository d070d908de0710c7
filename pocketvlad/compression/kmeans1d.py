"""k-means of many numbers: exact on a few hundred groups, then Lloyd's iteration on a histogram.

The weights of a layer are binned once, one pass over memory; each iteration then costs a few
look-ups in prefix sums, whatever the number of weights. Numbers in one bin, 1 / `BINS` of their
range, are taken for one. Up to `_GROUPS` filled bins the result is the optimum of these itself.
"""

import numpy as np

BINS = 1 << 16
_GROUPS = 1 << 9  # points that the exact clustering starts from
_CHUNK = 1 << 22  # numbers binned at a time: bounds the memory beside the input
_BLOCK = 1 << 6  # of them, that are looked at together: a block stays in the cache
_MAX_ITERATIONS = 500


def histogram(values: np.ndarray, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """(counts, sums) per bin, of bins of equal width between the smallest and the largest value.

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


def _grouped(counts: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mass, mean) of at most `_GROUPS` runs of neighbouring points.

    The runs have equal shares of the cube root of the smoothed density. That is the point density
    of an optimal quantizer (Panter & Dite 1951): runs are short where centres will be dense.
    """
    if len(points) <= _GROUPS:
        return counts, points
    low, high = points[0], points[-1]
    coarse, edges = np.histogram(points, bins=_GROUPS, range=(low, high), weights=counts)
    cumulated = np.concatenate([[0.0], np.cumsum(np.cbrt(coarse))])
    share = np.interp(points, edges, cumulated / cumulated[-1])
    group = np.minimum((share * _GROUPS).astype(np.int64), _GROUPS - 1)
    mass = np.bincount(group, weights=counts, minlength=_GROUPS)
    moment = np.bincount(group, weights=counts * points, minlength=_GROUPS)
    filled = mass > 0
    return mass[filled], moment[filled] / mass[filled]


def optimal_centres(mass: np.ndarray, points: np.ndarray, clusters: int) -> np.ndarray:
    """Centres of the optimal clustering of weighted points, by dynamic programming.

    Clusters of sorted numbers are intervals. The best K clusters of the first j points are the best
    K - 1 of the first i, and the interval from i to j (Fisher 1958). O(K M^2).

    Args:
        mass: [M], above 0.
        points: [M], strictly rising.

    Returns:
        min(K, M) centres, rising.
    """
    clusters = min(clusters, len(points))
    zeroth, first, second = (
        np.concatenate([[0.0], np.cumsum(mass * power)]) for power in (1.0, points, points * points)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = zeroth[:, np.newaxis] - zeroth  # [j, i]: of the interval from i to j
        spread = first[:, np.newaxis] - first
        cost = (second[:, np.newaxis] - second) - spread * spread / weight
    cost[np.triu_indices(len(cost))] = np.inf
    # By blocks of j: an interval starts before it ends, so that each needs a part of the starts.
    starts = range(0, len(cost), _BLOCK)
    blocks = [
        np.ascontiguousarray(cost[start : start + _BLOCK, : start + _BLOCK]) for start in starts
    ]
    best = np.full(len(cost), np.inf)
    best[0] = 0.0
    cuts = np.zeros((clusters, len(cost)), dtype=np.int64)
    for row in cuts:
        reached = []
        for start, block in zip(starts, blocks, strict=True):
            total = block + best[: block.shape[1]]
            cut = total.argmin(axis=1)
            row[start : start + len(cut)] = cut
            reached.append(total[np.arange(len(cut)), cut])
        best = np.concatenate(reached)
    edges = [len(points)]
    for row in cuts[::-1]:
        edges.append(row[edges[-1]])
    edges = np.array(edges[::-1])
    return np.diff(first[edges]) / np.diff(zeroth[edges])


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

    centres = optimal_centres(*_grouped(counts, points), clusters)
    for _ in range(_MAX_ITERATIONS):
        edges = np.searchsorted(points, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], edges, [len(points)]])
        weight = np.diff(mass[edges])
        moved = (np.diff(moment[edges]) / np.maximum(weight, 1))[weight > 0]
        if len(moved) == len(centres) and np.array_equal(moved, centres):
            break
        centres = moved
    return np.unique(centres.astype(np.float32))
