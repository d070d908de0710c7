"""The search for a target, on curves of size and drop that are known."""

import math

import pandas as pd
import pytest

from pocketvlad.compression.rd.budget import BudgetError, Target, Trial, best, next_distortion
from pocketvlad.report.tables.budgets import budgets_markdown


def trial(distortion, noise=0.0):
    """Sizes and drops as VGG16 of the subset has them, about: 4 MB and 2 points at 0.2."""
    octaves = math.log2(distortion / 0.2)
    return Trial(distortion, round(4e6 * 2 ** (-octaves / 3)), 2 * 2 ** (0.8 * octaves) + noise)


def search(target, make=trial, most=20):
    trials = []
    while len(trials) < most and (distortion := next_distortion(target, trials)) is not None:
        assert distortion not in [each.distortion for each in trials]
        trials.append(make(distortion))
    return trials


def test_targets_are_named_as_paths_are():
    assert Target.of({"drop": 0.5}).name == "drop-0.5"
    assert Target.of({"megabytes": 4}).name == "megabytes-4"
    assert Target.of({"megabytes": 100.0}).name == "megabytes-100"
    assert Target.of({"drop": 1.0e-5}).name == "drop-0.00001"
    assert Target.of({"drop": 1.0000001}).name == "drop-1.0000001"


@pytest.mark.parametrize("limit", [2.5, 3, 4, 7, 11])
def test_a_size_is_used_to_97_percent(limit):
    target = Target("megabytes", limit)
    trials = search(target)
    assert len(trials) <= 5
    assert 0.97 * limit <= best(target, trials).bytes / 1e6 <= limit


@pytest.mark.parametrize("limit", [0.1, 0.5, 2, 5])
def test_a_drop_is_used_up_to_a_quarter_octave(limit):
    target = Target("drop", limit)
    trials = search(target)
    assert len(trials) <= 8
    found = best(target, trials)
    assert found.drop <= limit < trial(found.distortion * 2**0.26).drop
    assert found.bytes == min(each.bytes for each in trials if each.drop <= limit)


def test_what_other_searches_tried_is_used():
    target = Target("drop", 2.0)
    assert next_distortion(target, [trial(0.19), trial(0.21)]) is None
    assert 0.1 < next_distortion(target, [trial(0.1), trial(0.4)]) < 0.4


def test_a_noisy_drop_ends_the_search_too():
    wiggle = [0.6, -0.6, 0.3, -0.3] * 5
    made = []

    def noisy(distortion):
        made.append(distortion)
        return trial(distortion, wiggle[len(made) - 1])

    target = Target("drop", 1.0)
    trials = search(target, noisy)
    assert len(trials) < 12
    assert best(target, trials).drop <= 1.0


def test_targets_out_of_reach_are_named():
    target = Target("megabytes", 0.1)
    trials = search(target)
    assert max(each.distortion for each in trials) == 1.0
    with pytest.raises(BudgetError, match=r"megabytes 0\.1.*nearest has 2\.34 MB.*allow more"):
        best(target, trials)
    with pytest.raises(BudgetError, match=r"drop 0\.001"):
        best(Target("drop", 0.001), search(Target("drop", 0.001)))
    everything = search(Target("megabytes", 1000))
    assert best(Target("megabytes", 1000), everything).distortion == pytest.approx(2**-9, rel=0.01)


def test_the_page_claims_no_more_than_the_search_does():
    """Photographs are held out of rounding alone: the base model has seen all of its city."""
    page = budgets_markdown(pd.DataFrame({"model": []}), ["oxford", "paris"], "Budgets")
    assert "not rounded on, though the base model was trained on that city" in page
    assert "nothing was fitted" not in page
