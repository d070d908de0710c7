"""How often each interval of a drop has the truth within it: the tables of docs/intervals.md.

python tests/benchmark_intervals.py [--draws 10000]
"""

import argparse

import numpy as np
from simulated_scores import (
    EQUAL,
    OFFICIAL_OXFORD,
    OFFICIAL_PARIS,
    OXFORD,
    PARIS,
    TWO,
    UNEQUAL,
    Variances,
    coverage,
    normal,
    simulated,
    skewed,
)

from pocketvlad.scoring.landmark_bootstrap import landmark_interval, resampled_means

BLOCK = 1000
RESAMPLES = 1000
CORRELATIONS = (0, 0.2, 0.5)
DESIGNS = {
    "11 landmarks of 15 queries": [EQUAL],
    "11 of 3 to 27": [UNEQUAL],
    "Oxford, dense": [OXFORD],
    "Paris, dense": [PARIS],
    "both, dense": [OXFORD, PARIS],
    "both, official": [OFFICIAL_OXFORD, OFFICIAL_PARIS],
    "11 of 15, and 2 of 15": [EQUAL, TWO],
}


def percentiles(resampled):
    return np.percentile(resampled, [2.5, 97.5], axis=-1)


def plain(samples):
    """The percentiles of queries drawn as if they were independent."""
    total = 0
    for place, each in enumerate(samples):
        count = each.values.shape[-1]
        generator = np.random.default_rng(place)
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        total = total + each.values.mean(axis=-2) @ drawn.T / count
    return percentiles(total / len(samples))


def two_stages(samples):
    """The percentiles of landmarks and queries drawn, and nothing else."""
    drawn = sum(resampled_means(each, place, RESAMPLES) for place, each in enumerate(samples))
    return percentiles(drawn / len(samples))


def ours(samples):
    return landmark_interval(samples, RESAMPLES)[1:]


def covered(interval, cities, variances, draws, trainings=1, noise=normal):
    generator = np.random.default_rng(7)
    ends = []
    for _ in range(draws // BLOCK):
        samples = [simulated(c, variances, BLOCK, generator, trainings, noise) for c in cities]
        ends.append(interval(samples))
    return f"{coverage(*np.concatenate(ends, axis=1)):.1f}"


def table(headings, lines):
    print("|" + "|".join(f" {each} " for each in headings) + "|")
    print("|" + "---|" * len(headings))
    for line in lines:
        print("|" + "|".join(f" {each} " for each in line) + "|", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000)
    draws = parser.parse_args().draws
    methods = {
        "plain": (plain, normal),
        "two stages alone": (two_stages, normal),
        "ours": (ours, normal),
        "ours, skewed": (ours, skewed),
    }
    table(
        ["queries", *(f"{name}: {', '.join(map(str, CORRELATIONS))}" for name in methods)],
        (
            [
                design,
                *(
                    ", ".join(
                        covered(method, cities, Variances.correlated(each), draws, noise=noise)
                        for each in CORRELATIONS
                    )
                    for method, noise in methods.values()
                ),
            ]
            for design, cities in DESIGNS.items()
        ),
    )
    spreads = (0, 0.02, 0.2)
    table(
        ["queries", "trainings", *(f"variance {each}" for each in spreads)],
        (
            [
                design,
                trainings,
                *(
                    covered(ours, DESIGNS[design], Variances(0.15, 0.4, each, 0.05, 0.4), draws,
                            trainings)
                    for each in spreads
                ),
            ]
            for design in ("11 landmarks of 15 queries", "both, dense", "both, official")
            for trainings in (1, 2, 3, 5)
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
