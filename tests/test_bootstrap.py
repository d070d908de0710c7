"""The interval of a drop against scipy's bootstrap, and what counts as no drop."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from pocketvlad.scoring.bootstrap import Drop, paired_drop


def scores(values):
    return {f"q_{number}": float(value) for number, value in enumerate(values)}


def test_the_interval_is_that_of_scipy():
    generator = np.random.default_rng(1)
    base = generator.uniform(size=40)
    other = base - generator.normal(0.02, 0.05, size=40)
    drop = paired_drop([([scores(base)], [scores(other)])])
    differences = 100 * (base - other)
    theirs = bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", random_state=0
    ).confidence_interval
    assert drop.mean == pytest.approx(differences.mean())
    assert drop.low == pytest.approx(theirs.low, abs=0.1)
    assert drop.high == pytest.approx(theirs.high, abs=0.1)


def test_two_cities_weigh_the_same_whatever_their_queries():
    """33 queries that drop by 2 and 6 that gain 4: a mean of -1, and no spread at all."""
    many = ([scores(np.full(33, 0.5))], [scores(np.full(33, 0.48))])
    few = ([scores(np.full(6, 0.5))], [scores(np.full(6, 0.54))])
    drop = paired_drop([many, few])
    assert (drop.mean, drop.low, drop.high) == pytest.approx((-1, -1, -1))


def test_the_same_scores_give_the_same_interval():
    pair = ([scores(np.linspace(0, 1, 20))], [scores(np.linspace(0, 0.9, 20))])
    assert paired_drop([pair]) == paired_drop([pair])


def test_other_queries_are_refused():
    with pytest.raises(ValueError, match="query 'q_1' is scored in one of two rows only"):
        paired_drop([([scores([0.1, 0.2])], [scores([0.1])])])


def test_as_many_trainings_of_both_models():
    with pytest.raises(ValueError, match="2 trainings of the base model, 1 of the other"):
        paired_drop([([scores([0.1])] * 2, [scores([0.1])])])


def test_trainings_are_drawn_beside_queries():
    """Against loops that draw both, of two cities with three trainings and two."""
    generator = np.random.default_rng(4)
    cities = []
    for trainings, queries in ((3, 12), (2, 20)):
        base = generator.uniform(size=(trainings, queries))
        lost = generator.normal(0.02, 0.05, size=(trainings, queries))
        lost += generator.normal(0, 0.05, size=(trainings, 1))
        cities.append((base, base - lost))
    drop = paired_drop([tuple([scores(row) for row in model] for model in city) for city in cities])
    draws = np.zeros(4000)
    for base, other in cities:
        trainings, queries = base.shape
        for number in range(len(draws)):
            seeds = generator.integers(trainings, size=trainings)
            names = generator.integers(queries, size=queries)
            draws[number] += 50 * (base - other)[np.ix_(seeds, names)].mean()
    assert drop.mean == pytest.approx(np.mean([100 * (b - o).mean() for b, o in cities]))
    low, high = np.percentile(draws, [2.5, 97.5])
    assert drop.low == pytest.approx(low, abs=0.1 * draws.std())
    assert drop.high == pytest.approx(high, abs=0.1 * draws.std())


def test_trainings_alike_widen_nothing():
    base, other = scores(np.linspace(0, 1, 20)), scores(np.linspace(0, 0.9, 20) ** 2)
    one, three = (paired_drop([([base] * n, [other] * n)]) for n in (1, 3))
    assert (three.mean, three.low, three.high) == pytest.approx((one.mean, one.low, one.high))


@pytest.mark.parametrize(
    ("drop", "none"),
    [
        (Drop(0.4, -0.5, 1.2), True),
        (Drop(0.6, -0.5, 1.2), False),  # too much, though 0 is in
        (Drop(0.3, 0.1, 0.5), False),  # little, but certain
        (Drop(-1.0, -2.0, -0.1), True),  # certainly better
        (Drop(0.0, 0.0, 0.0), True),
    ],
)
def test_no_drop_needs_both(drop, none):
    assert drop.none is none


def test_the_smallest_visible_and_the_largest_possible_drop():
    drop = Drop(0.3, -0.5, 0.9)
    assert (drop.visible, drop.largest) == pytest.approx((0.7, 0.9))
    assert Drop(-1.0, -2.0, -0.1).largest == 0  # it has certainly not dropped
