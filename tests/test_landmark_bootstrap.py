"""Intervals by landmarks and trainings: their coverage, and a slow second implementation."""

import random
from statistics import fmean

import numpy as np
import pytest
from scipy import stats
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
    simulated,
)

from pocketvlad.scoring import bootstrap
from pocketvlad.scoring.bootstrap import paired_drop
from pocketvlad.scoring.jackknife import (
    effective_number,
    landmark_variance,
    student_factor,
    training_variance,
    variance_of_trainings,
)
from pocketvlad.scoring.landmark_bootstrap import (
    Comparison,
    Sample,
    landmark_drop,
    landmark_interval,
    resampled_means,
)

DRAWS = 4000  # with 1,000 an interval of 95.9 % is sometimes seen to cover 97.2


def interval_coverage(cities, variances, trainings=1):
    """Of the interval of the cities' mean, in % of DRAWS."""
    generator = np.random.default_rng(1)
    samples = [simulated(city, variances, DRAWS, generator, trainings) for city in cities]
    return coverage(*landmark_interval(samples, resamples=500)[1:])


def plain_coverage(sizes, variances, monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)  # thousands of intervals in three seconds
    values = simulated(sizes, variances, DRAWS, np.random.default_rng(1)).values[:, 0]
    none = dict.fromkeys(map(str, range(sum(sizes))), 0.0)
    drops = [paired_drop([([dict(zip(none, row, strict=True))], [none])]) for row in values]
    return coverage(*np.array([(drop.low, drop.high) for drop in drops]).T)


@pytest.mark.parametrize("correlation", [0, 0.2, 0.5])
@pytest.mark.parametrize("sizes", [EQUAL, UNEQUAL, OXFORD], ids=["equal", "unequal", "oxford"])
def test_the_interval_covers_the_truth(sizes, correlation):
    assert 93 <= interval_coverage([sizes], Variances.correlated(correlation)) <= 97


@pytest.mark.parametrize("correlation", [0, 0.2, 0.5])
@pytest.mark.parametrize(
    "cities",
    [(OXFORD, PARIS), (OFFICIAL_OXFORD, OFFICIAL_PARIS), (EQUAL, TWO)],
    ids=["dense", "official", "two landmarks"],
)
def test_the_interval_of_two_cities_covers_the_truth(cities, correlation):
    """They weigh the same, whatever their landmarks and queries."""
    assert 93 <= interval_coverage(cities, Variances.correlated(correlation)) <= 97


@pytest.mark.parametrize("trainings", [2, 3])
@pytest.mark.parametrize("training", [0, 0.02, 0.2])
def test_the_interval_covers_the_truth_of_other_trainings(trainings, training):
    variances = Variances(
        landmark=0.15,
        query=0.4,
        training=training,
        training_and_landmark=0.05,
        training_and_query=0.4,
    )
    covered = interval_coverage([OXFORD, PARIS], variances, trainings)
    assert 93 <= covered <= 98  # two or three say little of what trainings add: it errs upward


def test_trainings_that_lie_far_apart_widen_the_interval():
    """Where by chance their common part seems to be nothing, and landmarks vary little."""
    variances = Variances(
        landmark=0.02, query=0.1, training_and_landmark=0.3, training_and_query=0.6
    )
    generator = np.random.default_rng(3)
    samples = [simulated(city, variances, 40_000, generator, 3) for city in (OXFORD, PARIS)]
    landmarks = sum(landmark_variance(each.values.mean(axis=-2), each.sizes) for each in samples)
    apart = sum(variance_of_trainings(each.values) for each in samples)
    common = sum(training_variance(each.values, each.sizes) for each in samples)
    rare = (apart > 4 * landmarks) & (common <= 0)
    assert 100 < rare.sum() < 400
    chosen = [Sample(each.values[rare], each.sizes) for each in samples]
    _, low, high = landmark_interval(chosen, resamples=500)
    assert coverage(low, high) >= 93
    # Standard errors of the trainings' mean over both cities.
    assert np.all(high - low >= 4 * np.sqrt(apart[rare]) / 2)


def test_one_training_says_nothing_of_others():
    """Of the same scores as above, with one training instead of two or three."""
    variances = Variances(
        landmark=0.15,
        query=0.4,
        training=0.2,
        training_and_landmark=0.05,
        training_and_query=0.4,
    )
    assert interval_coverage([OXFORD, PARIS], variances) < 85


@pytest.mark.parametrize(("correlation", "most"), [(0.2, 75), (0.5, 60)])
def test_the_plain_interval_does_not(correlation, most, monkeypatch):
    assert plain_coverage(EQUAL, Variances.correlated(correlation), monkeypatch) < most


def test_the_plain_interval_covers_where_queries_are_independent(monkeypatch):
    assert 93 <= plain_coverage(EQUAL, Variances.correlated(0), monkeypatch) <= 97


# A second implementation, a query at a time.

SIZES = {"a": 2, "b": 5, "c": 3, "d": 4}
LANDMARKS = {f"{mark}_{k}": mark for mark, size in SIZES.items() for k in range(size)}


def random_scores(seed):
    generator = random.Random(seed)
    shared = {mark: generator.uniform(0, 0.4) for mark in SIZES}
    return {name: shared[mark] + generator.uniform(0, 0.5) for name, mark in LANDMARKS.items()}


def slow_resamples(comparison, count):
    generator = random.Random(5)
    seeds = range(len(comparison.base))
    by_landmark = {}
    for name, mark in comparison.landmarks.items():
        by_landmark.setdefault(mark, []).append(name)
    for _ in range(count):
        drawn_seeds = generator.choices(seeds, k=len(seeds))
        lost = []
        for mark in generator.choices(sorted(by_landmark), k=len(by_landmark)):
            for name in generator.choices(by_landmark[mark], k=len(by_landmark[mark])):
                lost += [
                    100 * (comparison.base[seed][name] - comparison.other[seed][name])
                    for seed in drawn_seeds
                ]
        yield fmean(lost)


def slow_variance(values):
    """By leaving out each landmark; `values` of each query by its name."""
    marks = sorted({LANDMARKS[name] for name in values})
    whole = fmean(values.values())
    without = [fmean(v for n, v in values.items() if LANDMARKS[n] != mark) for mark in marks]
    return (len(marks) - 1) / len(marks) * sum((each - whole) ** 2 for each in without)


def comparison_of(trainings):
    return Comparison(
        [random_scores(seed) for seed in range(trainings)],
        [random_scores(100 + seed) for seed in range(trainings)],
        LANDMARKS,
    )


@pytest.mark.parametrize("trainings", [1, 3])
def test_resamples_are_those_of_loops(trainings):
    comparison = comparison_of(trainings)
    slow = np.array(list(slow_resamples(comparison, 4000)))
    fast = resampled_means(comparison.sample())
    assert fast.shape == (10_000,)
    points = [2.5, 25, 50, 75, 97.5]
    spread = slow.std()
    np.testing.assert_allclose(
        np.percentile(fast, points), np.percentile(slow, points), atol=0.1 * spread
    )


def test_one_training_against_loops():
    comparison = comparison_of(1)
    lost = {n: 100 * (comparison.base[0][n] - comparison.other[0][n]) for n in LANDMARKS}
    drop = landmark_drop([comparison])
    assert drop.mean == pytest.approx(fmean(lost.values()))  # over queries, not over landmarks
    effective = 14**2 / (2**2 + 5**2 + 3**2 + 4**2)
    half = stats.t.ppf(0.975, effective - 1) * slow_variance(lost) ** 0.5
    assert drop.visible == pytest.approx(half, rel=1e-4)
    low, high = np.percentile(list(slow_resamples(comparison, 4000)), [2.5, 97.5])
    below = (drop.mean - low) / (high - low)
    assert (drop.mean - drop.low) / (drop.high - drop.low) == pytest.approx(below, abs=0.03)


def test_three_trainings_against_loops():
    comparison = comparison_of(3)
    lost = [
        {n: 100 * (base[n] - other[n]) for n in LANDMARKS}
        for base, other in zip(comparison.base, comparison.other, strict=True)
    ]
    mean = {n: fmean(each[n] for each in lost) for n in LANDMARKS}
    whole = fmean(mean.values())
    of_trainings = sum((fmean(each.values()) - whole) ** 2 for each in lost) / 2 / 3
    counted = sum(slow_variance({n: each[n] - mean[n] for n in mean}) for each in lost) / 2 / 3
    sample = comparison.sample()
    added = of_trainings - counted
    assert training_variance(sample.values, sample.sizes) == pytest.approx(added)
    factor = stats.t.ppf(0.975, 14**2 / (2**2 + 5**2 + 3**2 + 4**2) - 1)
    square = factor**2 * slow_variance(mean) + stats.t.ppf(0.975, 2) ** 2 * max(0, added)
    assert square > factor**2 * of_trainings
    drop = landmark_drop([comparison])
    assert drop.mean == pytest.approx(whole)
    assert drop.visible == pytest.approx(square**0.5, rel=1e-4)


def test_trainings_far_apart_against_loops():
    """The second training loses on one landmark what it gains on another."""
    flat, moved = dict.fromkeys(LANDMARKS, 0.5), {"a": 0.0, "b": 0.2, "c": -0.2, "d": 0.0}
    lost = [{n: 0.5 - sign * moved[mark] for n, mark in LANDMARKS.items()} for sign in (1, -1)]
    drop = landmark_drop([Comparison([flat, flat], lost, LANDMARKS)])
    means = [fmean(100 * (0.5 - each[n]) for n in LANDMARKS) for each in lost]
    factor = stats.t.ppf(0.975, 14**2 / (2**2 + 5**2 + 3**2 + 4**2) - 1)
    assert drop.mean == pytest.approx(0, abs=1e-9)
    alone = factor * (abs(means[0] - means[1]) / 2)
    assert drop.visible == pytest.approx(alone, rel=1e-4)


def test_variances_are_those_of_the_mean():
    """On average over many repetitions; of landmarks that differ in size a little more."""
    variances = Variances(
        landmark=0.2, query=0.5, training=0.05, training_and_landmark=0.1, training_and_query=0.3
    )
    for sizes, excess in ((EQUAL, 1.0), (OXFORD, 1.3)):
        sample = simulated(sizes, variances, 4000, np.random.default_rng(0), trainings=3)
        without = Variances(
            landmark=0.2, query=0.5, training_and_landmark=0.1, training_and_query=0.3
        ).of_mean(sizes, trainings=3)
        found = landmark_variance(sample.values.mean(axis=-2), sizes).mean()
        assert 0.95 * without < found < 1.05 * excess * without
        added = training_variance(sample.values, sizes).mean()
        assert added == pytest.approx(0.05 / 3, rel=0.1)


def test_the_factor_is_students():
    assert student_factor([11]) == pytest.approx(stats.t.ppf(0.975, 10), rel=1e-4)
    assert student_factor([3.9]) == pytest.approx(stats.t.ppf(0.975, 2.9), rel=1e-4)
    assert student_factor([1.2]) == pytest.approx(stats.t.ppf(0.975, 1), rel=1e-4)
    assert student_factor([6, 6]) == pytest.approx(stats.t.ppf(0.975, 10), rel=1e-4)


def test_the_factor_of_two_cities_is_that_of_drawn_variances():
    generator = np.random.default_rng(0)
    error = generator.normal(size=400_000)
    first, second = (generator.chisquare(f, size=400_000) / f for f in (10, 1))
    ratio = np.abs(error) / np.sqrt((first / 11 + second / 2) / (1 / 11 + 1 / 2))
    assert student_factor([11, 2]) == pytest.approx(np.quantile(ratio, 0.95), rel=0.02)


def test_effective_landmarks():
    assert effective_number([3] * 11) == pytest.approx(11)
    assert effective_number([18, 11, 6, 6, 21, 6, 19, 5, 12, 5, 50]) == pytest.approx(159**2 / 4049)


# What the function promises beside.


def test_vectors_are_single_intervals():
    sample = simulated(UNEQUAL, Variances.correlated(0.2), 3, np.random.default_rng(0), trainings=2)
    together = np.transpose(landmark_interval([sample, sample]))
    for values, row in zip(sample.values, together, strict=True):
        alone = landmark_interval([Sample(values, sample.sizes)] * 2)
        np.testing.assert_allclose(row, alone)


def test_names_and_their_order_mean_nothing():
    one = comparison_of(2)
    shuffled = Comparison(
        [dict(reversed(scores.items())) for scores in one.base], one.other, one.landmarks
    )
    assert landmark_drop([one]) == landmark_drop([shuffled])


def test_two_cities_weigh_the_same():
    """Six queries that gain 4 against fourteen that lose 2, and no spread at all."""
    flat = dict.fromkeys(LANDMARKS, 0.5)
    few = {name: mark for name, mark in LANDMARKS.items() if mark in "bd"}
    lose = Comparison([flat], [dict.fromkeys(flat, 0.48)], LANDMARKS)
    gain = Comparison([dict.fromkeys(few, 0.5)], [dict.fromkeys(few, 0.54)], few)
    drop = landmark_drop([lose, gain])
    assert (drop.mean, drop.low, drop.high) == pytest.approx((-1, -1, -1))


def test_one_landmark_says_nothing_of_others():
    one = dict.fromkeys(LANDMARKS, "a")
    comparison = Comparison([random_scores(0)], [random_scores(1)], one)
    drop = landmark_drop([comparison, comparison_of(1)])
    assert np.isfinite(drop.mean)
    assert (drop.low, drop.high, drop.visible) == (-np.inf, np.inf, np.inf)


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        (Comparison([], [], {}), "0 trainings of the base model, 0 of the other"),
        (Comparison([{"q": 1}], [{"q": 1}] * 2, {"q": "a"}), "1 trainings .* 2 of the other"),
        (Comparison([{"q": 1}], [{"p": 1}], {"q": "a"}), "'p' is scored in one of two rows only"),
        (
            Comparison([{"q": 1}, {"q": 1, "p": 1}], [{"q": 1}] * 2, {"q": "a"}),
            "'p' is scored in one of two rows only",
        ),
        (Comparison([{"q": 1}], [{"q": 1}], {}), "query 'q' has no landmark"),
    ],
)
def test_what_cannot_be_compared_is_refused(comparison, message):
    with pytest.raises(ValueError, match=message):
        landmark_drop([comparison])
