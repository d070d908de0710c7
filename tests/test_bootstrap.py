"""The interval of a drop against scipy's bootstrap, and what counts as no drop."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from pocketvlad.retrieval.bootstrap import Drop, paired_drop


def scores(values):
    return {f"q_{number}": float(value) for number, value in enumerate(values)}


def test_the_interval_is_that_of_scipy():
    generator = np.random.default_rng(1)
    base = generator.uniform(size=40)
    other = base - generator.normal(0.02, 0.05, size=40)
    drop = paired_drop([(scores(base), scores(other))])
    differences = 100 * (base - other)
    theirs = bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", random_state=0
    ).confidence_interval
    assert drop.mean == pytest.approx(differences.mean())
    assert drop.low == pytest.approx(theirs.low, abs=0.1)
    assert drop.high == pytest.approx(theirs.high, abs=0.1)


def test_two_cities_weigh_the_same_whatever_their_queries():
    """33 queries that drop by 2 and 6 that gain 4: a mean of -1, and no spread at all."""
    many = (scores(np.full(33, 0.5)), scores(np.full(33, 0.48)))
    few = (scores(np.full(6, 0.5)), scores(np.full(6, 0.54)))
    drop = paired_drop([many, few])
    assert (drop.mean, drop.low, drop.high) == pytest.approx((-1, -1, -1))


def test_the_same_scores_give_the_same_interval():
    pair = (scores(np.linspace(0, 1, 20)), scores(np.linspace(0, 0.9, 20)))
    assert paired_drop([pair]) == paired_drop([pair])


def test_other_queries_are_refused():
    with pytest.raises(ValueError, match="query 'q_1' is scored in one of two rows only"):
        paired_drop([(scores([0.1, 0.2]), scores([0.1]))])


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
