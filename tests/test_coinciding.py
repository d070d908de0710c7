"""Descriptors that do not tell images apart."""

import numpy as np
import pytest

from pocketvlad.retrieval.coinciding import CoincidingError, require_distinct, require_finite

ROWS = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)


def names(rows):
    return [f"{number}.jpg" for number in range(len(rows))]


def test_photographs_that_are_there_twice_are_told_apart():
    twice = np.concatenate([ROWS, ROWS])
    require_distinct(twice, names(twice), "photographs")
    require_distinct(ROWS[:1], names(ROWS[:1]), "photographs")


@pytest.mark.parametrize("row", [ROWS[3], -ROWS[3], np.zeros(8, np.float32)])
@pytest.mark.parametrize(("count", "refused"), [(590, False), (601, True)])
def test_one_descriptor_of_more_than_half_is_refused(row, count, refused):
    """Whatever its length: a cosine does not see it."""
    scales = np.linspace(1, 9, count, dtype=np.float32)[:, None]
    rows = np.concatenate([ROWS, scales * row])
    if not refused:
        require_distinct(rows, names(rows), "photographs")
        return
    message = r"descriptors of 60[12] of 1201 photographs coincide, those of \d+\.jpg and 60\d\.jpg"
    with pytest.raises(CoincidingError, match=message):
        require_distinct(rows, names(rows), "photographs")


def test_a_row_that_is_not_finite_is_named():
    rows = ROWS[:5].copy()
    rows[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"2\.jpg: its descriptor is not finite"):
        require_finite(rows, names(rows))
