"""Intervals of Recall@N against loops that draw again, and against scipy."""

import random
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from pocketvlad.report.recall_columns import recall_columns, recall_of
from pocketvlad.scoring.recall_intervals import (
    found_points,
    interval_by_landmarks,
    plain_interval,
)

COUNTS = (1, 5)
SIZES = dict(zip("abcdef", (9, 3, 7, 5, 8, 8), strict=True))
NEAR = dict(zip("abcdef", (0.95, 0.1, 0.3, 0.9, 0.6, 0.2), strict=True))
LANDMARKS = {f"{mark}_{n}": mark for mark, size in SIZES.items() for n in range(size)}


def first_right(seed, lost=0.0):
    """Of 40 queries of six landmarks: where the first right answer stands; 0 of some is none."""
    found = {}
    for name, mark in LANDMARKS.items():
        generator = random.Random(f"{seed}/{name}")
        near = generator.random() < NEAR[mark] - lost
        found[name] = 1 if near else generator.choice([0, 3, 9])
    return found


def row(seed, lost=0.0, landmarks=True):
    first = first_right(seed, lost)
    known = {"recall_landmarks": LANDMARKS} if landmarks else {}
    return known | {
        "recall": {str(n): fmean(0 < place <= n for place in first.values()) for n in COUNTS},
        "recall_first_right": first,
        "recall_metres": 25.0,
        "recall_without_positives": 4,
    }


def hits(first, count):
    return {name: 100.0 * (0 < place <= count) for name, place in first.items()}


def tolerance(trainings, deviation):
    """Of an end of two sets of draws.

    The percentile of 4,000 draws has a standard error of sqrt(0.025 * 0.975 / 4000) over the normal
    density there, 0.058: 0.042 standard deviations. Of 10,000 it is 0.027, of their difference
    0.05; four of these are 0.2. Means are multiples of a step, by one of which an end may be off.
    """
    return 0.2 * deviation + 100 / len(LANDMARKS) / len(trainings)


def slow_ends(trainings, draws=4000):
    """Percentiles of means over queries and trainings that a loop draws again."""
    generator, names = random.Random(3), list(trainings[0])
    means = []
    for _ in range(draws):
        drawn = generator.choices(trainings, k=len(trainings))
        asked = generator.choices(names, k=len(names))
        means.append(fmean(one[name] for one in drawn for name in asked))
    return np.percentile(means, [2.5, 97.5]), tolerance(trainings, np.std(means))


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_the_plain_interval_is_that_of_a_loop(seeds):
    columns = recall_columns([[row(seed)] for seed in seeds], "home")
    for count in COUNTS:
        of_each = [hits(first_right(seed), count) for seed in seeds]
        name = f"recall_at_{count}_home"
        assert columns[name] == pytest.approx(fmean(v for one in of_each for v in one.values()))
        (low, high), off = slow_ends(of_each)
        assert columns[f"{name}_low"] == pytest.approx(low, abs=off)
        assert columns[f"{name}_high"] == pytest.approx(high, abs=off)
        assert high - low > 5 * off


def test_the_plain_interval_is_scipys():
    """Of 2,000 queries, so that steps are fine; the tolerance is four standard errors of an end."""
    generator = np.random.default_rng(1)
    points = 100.0 * (generator.random((1, 1, 2000)) < 0.8)
    _, low, high = plain_interval(points)
    expected = stats.bootstrap(
        (points[0, 0],), np.mean, n_resamples=10_000, method="percentile", batch=500, rng=2
    ).confidence_interval
    tolerance = 4 * 2**0.5 * 0.027 * points.std() / 2000**0.5
    assert low[0] == pytest.approx(expected.low, abs=tolerance)
    assert high[0] == pytest.approx(expected.high, abs=tolerance)
    assert high[0] - low[0] > 20 * tolerance  # else any interval would pass


@pytest.mark.parametrize("seeds", [[1], [1, 2]])
def test_the_drop_is_paired(seeds):
    """Of the differences of each query, and not of two intervals."""
    base, other = ([[row(seed, lost)] for seed in seeds] for lost in (0, 0.2))
    columns = recall_columns(other, "home", base)
    for count in COUNTS:
        lost = [
            {
                name: hits(first_right(seed), count)[name]
                - hits(first_right(seed, 0.2), count)[name]
                for name in LANDMARKS
            }
            for seed in seeds
        ]
        name = f"recall_drop_at_{count}_home"
        assert columns[name] == pytest.approx(fmean(v for one in lost for v in one.values()))
        (low, high), off = slow_ends(lost)
        assert columns[f"{name}_low"] == pytest.approx(low, abs=off)
        assert columns[f"{name}_high"] == pytest.approx(high, abs=off)
    wide = columns["recall_at_1_home_high"] - columns["recall_at_1_home_low"]
    paired = columns["recall_drop_at_1_home_high"] - columns["recall_drop_at_1_home_low"]
    assert paired < 0.8 * 2**0.5 * wide


def test_models_of_one_training_count_as_their_mean():
    one, other = first_right(1), first_right(2)
    points = found_points([[one, other]], COUNTS)
    assert points.shape == (2, 1, 40)
    expected = [(hits(one, 5)[name] + hits(other, 5)[name]) / 2 for name in one]
    assert points[1, 0].tolist() == expected
    with pytest.raises(ValueError, match="query 'a_0' was asked of some models only"):
        found_points([[one], [{k: v for k, v in one.items() if k != "a_0"}]], COUNTS)


def test_landmarks_widen_it_as_students_interval_says():
    """By leaving out each landmark (Student, effective number of landmarks): the width."""
    columns = recall_columns([[row(1)]], "home")
    values = hits(first_right(1), 1)
    marks = sorted(set(LANDMARKS.values()))
    without = [fmean(v for n, v in values.items() if LANDMARKS[n] != mark) for mark in marks]
    whole = fmean(values.values())
    variance = 5 / 6 * sum((each - whole) ** 2 for each in without)
    effective = 40**2 / sum(size**2 for size in SIZES.values())
    width = 2 * stats.t.ppf(0.975, effective - 1) * variance**0.5
    low, high = (columns[f"recall_at_1_home_landmarks_{end}"] for end in ("low", "high"))
    assert 0 < low < whole < high < 100
    assert high - low == pytest.approx(width, rel=1e-4)
    assert high - low > 1.2 * (columns["recall_at_1_home_high"] - columns["recall_at_1_home_low"])
    assert recall_of(columns, "recall_at_1_home").low == low


def test_without_landmarks_there_is_the_plain_interval_alone():
    columns = recall_columns([[row(1, landmarks=False)]], "home")
    assert not [name for name in columns if "landmarks" in name]
    assert recall_of(columns, "recall_at_1_home").low == columns["recall_at_1_home_low"]


def test_no_end_lies_beyond_what_there_can_be():
    """Of one landmark, ends are infinite; of few that are nearly all found, above 100 %."""
    one = row(1) | {"recall_landmarks": dict.fromkeys(LANDMARKS, "a")}
    columns = recall_columns([[one]], "home", [[one]])
    for end, least, drop in (("low", 0, -100), ("high", 100, 100)):
        assert columns[f"recall_at_1_home_landmarks_{end}"] == least
        assert columns[f"recall_drop_at_1_home_landmarks_{end}"] == drop
    few = row(1) | {"recall_first_right": dict.fromkeys(LANDMARKS, 1) | {"a_0": 0}}
    assert recall_columns([[few]], "home")["recall_at_1_home_landmarks_high"] == 100


def test_landmarks_may_stand_in_any_order():
    points = np.random.default_rng(0).random((1, 2, 6)) * 100
    marks, order = list("abcabc"), [5, 0, 3, 2, 1, 4]
    whole = interval_by_landmarks(points, marks)
    turned = interval_by_landmarks(points[..., order], [marks[n] for n in order])
    assert np.ptp([whole[0], turned[0]]) == pytest.approx(0, abs=1e-9)
    assert (whole[2] - whole[1])[0] == pytest.approx((turned[2] - turned[1])[0])


def test_scores_that_do_not_agree_are_refused():
    odd = row(2) | {"recall_metres": 10.0}
    with pytest.raises(ValueError, match="scores on home do not agree in the radius"):
        recall_columns([[row(1)], [odd]], "home")
    fewer = row(2) | {"recall_first_right": {"a_0": 1}}
    with pytest.raises(ValueError, match=r"home: query 'a_1' was asked of some models only; del"):
        recall_columns([[row(1)]], "home", [[fewer]])
