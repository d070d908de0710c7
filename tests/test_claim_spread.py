"""Tolerances by the written rule; the references are worked out by hand or by `statistics`."""

from statistics import pstdev, stdev

import pytest
from claim_files import EXACT, VALUE, Claim, ClaimsError
from claim_spread import COLUMNS, deviation, figure, read_runs, tolerance, with_runs


def claim(name, column="map_paris", kind=VALUE):
    return Claim(name, kind, "table.csv", {"model": name}, column)


A, B, C = (claim(name) for name in "abc")


def runs_of(values, path):
    """values: (claim, series, machine, seed, value), one a training."""
    lines = [
        {"series": series, "machine": machine, "seed": str(seed), "commit": "abc", "value": value}
        | figure(about)
        for about, series, machine, seed, value in values
    ]
    with_runs(read_runs(path), lines).to_csv(path, index=False)
    return read_runs(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mini_runs.csv"


def test_seeds_and_machines_are_trainings_alike(path):
    values = [(A, "s", "M", 1, 70.0), (A, "s", "M", 2, 71.5), (A, "s", "N", 1, 70.4)]
    assert deviation(A, runs_of(values, path)) == pytest.approx(stdev([70, 71.5, 70.4]))


def test_a_change_between_series_is_no_spread(path):
    """Two series of two and three trainings, ten points apart: 1 + 2 degrees of freedom."""
    first, second = [70.0, 71.0], [80.0, 81.0, 83.0]
    values = [(A, "s", "M", seed, value) for seed, value in enumerate(first)]
    values += [(A, "t", "M", seed, value) for seed, value in enumerate(second)]
    values += [(A, "alone", "M", 1, 90.0), (B, "s", "M", 1, 0.0)]
    squares = 2 * pstdev(first) ** 2 + 3 * pstdev(second) ** 2
    assert deviation(A, runs_of(values, path)) == pytest.approx((squares / 3) ** 0.5)


@pytest.mark.parametrize(("trainings", "expected"), [(1, 4.25), (2, 3.0), (3, 2.45), (8, 1.5)])
def test_a_mean_of_more_trainings_is_closer(path, trainings, expected):
    """s is 1: 3 sqrt(2 / n), upwards."""
    runs = runs_of([(A, "s", "M", seed, 70.0 + seed) for seed in range(3)], path)
    assert tolerance(A, 71.0, trainings, [A], runs) == (expected, "3 seeds, 1 machine")


def test_luck_is_no_small_tolerance(path):
    """b's two machines agree, c has one training: both get the median of 1, 0 and 2."""
    values = [(A, "s", "M", 1, 70.0), (A, "s", "N", 1, 70.0 + 2**0.5)]
    values += [(B, "s", "M", 1, 60.0), (B, "s", "N", 1, 60.0), (C, "s", "M", 1, 50.0)]
    d = claim("d")
    values += [(d, "s", "M", 1, 70.0), (d, "s", "N", 1, 70.0 + 2 * 2**0.5)]
    column, runs = [A, B, C, d], runs_of(values, path)
    assert tolerance(A, 70.0, 2, column, runs) == (3.0, "1 seed, 2 machines")
    assert tolerance(B, 60.0, 2, column, runs) == (
        3.0,
        "1 seed, 2 machines, median of the column",
    )
    assert tolerance(C, 50.0, 2, column, runs) == (3.0, "median of the column")
    assert tolerance(d, 70.0, 2, column, runs) == (6.0, "1 seed, 2 machines")


def test_ratios_spread_in_proportion(path):
    """The larger file's 10 % are the smaller one's, too."""
    small, large = claim("small", "ratio"), claim("large", "ratio")
    values = [(large, "s", "M", seed, 100.0 + 10 * seed) for seed in (-1, 0, 1)]
    runs = runs_of(values, path)
    assert tolerance(small, 5.0, 2, [small, large], runs) == (1.5, "median of the column")
    assert tolerance(large, 100.0, 2, [small, large], runs) == (30.0, "3 seeds, 1 machine")


def test_a_series_varies_in_proportion_to_its_own_mean(path):
    """Both by 10 %, and the second is ten times the first."""
    about = claim("a", "ratio")
    values = [
        (about, series, "M", seed, mean * (1 + seed / 10))
        for series, mean in {"s": 10.0, "t": 100.0}.items()
        for seed in (-1, 0, 1)
    ]
    assert deviation(about, runs_of(values, path)) == pytest.approx(0.1)


def test_rounding_is_the_least(path):
    runs = runs_of([(A, "s", "M", 1, 70.0), (A, "s", "N", 1, 70.0)], path)
    assert tolerance(A, 70.0, 1, [A], runs) == (0.01, "1 seed, 2 machines, rounding")
    assert tolerance(claim("a", kind=EXACT), 70.0, 1, [], runs) == (0.01, "rounding")


def test_another_columns_spread_is_none(path):
    runs = runs_of([(A, "s", "M", 1, 70.0), (A, "s", "N", 1, 71.0)], path)
    other = claim("a", "map_oxford")
    with pytest.raises(ClaimsError, match=r"a: no spread of map_oxford is known; make record"):
        tolerance(other, 70.0, 1, [A, other], runs)


def test_a_wrong_file_of_runs_is_named(path):
    line = ["s", "M", "1", "abc", "table.csv", "model a", "ratio", "many"]
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(line) + "\n")
    with pytest.raises(ClaimsError, match=r"mini_runs\.csv.*many.*a number in every line"):
        read_runs(path)
    path.write_text("series,value\n")
    with pytest.raises(ClaimsError, match=r"mini_runs\.csv has the columns"):
        read_runs(path)
