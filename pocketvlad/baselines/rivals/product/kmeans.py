"""Codebooks by k-means, in the metric of what errors of a block do to the outputs."""

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

_ITERATIONS = 30
_SAMPLE = 1 << 18  # blocks that centres are looked for on; all are then assigned


def clustered(
    blocks: np.ndarray, metric: np.ndarray, centres: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(codes [N], codebook [k, d]) that make the sum of e' M e small, e a block less its entry.

    With the moments of a block's inputs as M this is the squared error of the outputs (Stock et
    al., section 3.2). It is k-means of L'b, where M = LL': the mean of a cluster is its best entry
    in any metric.

    Args:
        blocks: [N, d] float32.
        metric: [d, d], M, positive definite.
        centres: k, N at most.
    """
    factor = np.linalg.cholesky(metric).astype(np.float32)
    turned = blocks @ factor
    sample = turned
    if len(turned) > _SAMPLE:
        sample = turned[np.random.default_rng(seed).choice(len(turned), _SAMPLE, replace=False)]
    kmeans = KMeans(centres, init="random", n_init=1, max_iter=_ITERATIONS, random_state=seed)
    # One thread: several would add their partial sums in a varying order.
    with threadpool_limits(limits=1):
        codes = kmeans.fit(sample).predict(turned)
    return codes.astype(np.uint16), np.linalg.solve(factor.T, kmeans.cluster_centers_.T).T
