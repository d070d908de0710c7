"""The answer follows from the table, also where no cell qualifies."""

import pandas as pd
import pytest
from docutils.core import publish_string

from pocketvlad.compression.coding import cell_text
from pocketvlad.report.answer import answer_sentences, answer_table, answer_text
from pocketvlad.report.best_cells import mark_best

BASE = {
    "model": "vgg16",
    "quantizer": "none",
    "bits": 32,
    "codebook": "none",
    "l1": "none",
    "threshold": "none",
    "file_mb": 4.01,
    "ratio": 0.998,
    "parameters": 1_000_000,
    "map_oxford": 50.0,
    "map_paris": 60.0,
    "drop_mean": 0.0,
    "drop_mean_low": 0.0,
    "drop_mean_high": 0.0,
    "no_drop": True,
}


def cell(file_mb, drop, no_drop, **more):
    codes = {"quantizer": "kmeans", "bits": 8, "codebook": "fixed", "l1": "0", "threshold": "0.005"}
    scores = {"drop_mean": drop, "drop_mean_low": drop - 1, "drop_mean_high": drop + 1}
    size = {"file_mb": file_mb, "ratio": 4 / file_mb}
    return {**BASE, **codes, **scores, **size, "no_drop": no_drop, **more}


def marked(*rows):
    return mark_best(pd.DataFrame(rows))


def test_the_smallest_files_are_named():
    table = marked(
        BASE,
        cell(0.8, 0.1, True),
        cell(0.5, 0.4, True, bits=5),
        cell(0.4, 1.9, False, quantizer="uniform"),
        cell(0.2, 2.1, False, threshold="0.01"),
    )
    no_drop, two_points = answer_sentences(table)
    assert no_drop == (
        "With no drop in mAP, the smallest file of vgg16 is 8.0 times smaller than its float32 "
        "weights (0.50 MB in place of 4.00: 5 bits, kmeans, threshold 0.005)."
    )
    assert "10.0 times smaller" in two_points
    assert "8 bits, uniform, threshold 0.005" in two_points


def test_no_cell_qualifies():
    other = {"model": "alexnet"}
    table = marked(
        BASE,
        cell(0.8, 2.5, False),
        cell(0.5, 7.0, False),
        BASE | other,
        cell(0.5, 0.0, True) | other,
    )
    for sentence in answer_sentences(table):
        assert "no compressed file of vgg16 qualifies (2 tried; the smallest mean drop is 2.5" in (
            sentence
        )
        assert "the smallest file of alexnet is 8.0 times smaller" in sentence
    short = answer_table(table, ["oxford", "paris"])
    assert list(short["model"]) == ["vgg16", "alexnet", "alexnet", "alexnet"]


def test_the_text_is_read_by_docutils():
    text = answer_text(marked(BASE, cell(0.5, 0.4, True)), ["oxford", "paris"])
    # Warnings become errors.
    page = publish_string(text, writer="html", settings_overrides={"halt_level": 2}).decode()
    assert "<table" in page
    assert "0.4 [-0.6, 1.4]" in page


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "8 bits, kmeans, threshold 0.005"),
        ({"codebook": "trained"}, "8 bits, kmeans, trained, threshold 0.005"),
        ({"l1": "0.001"}, "8 bits, kmeans, L1 0.001, threshold 0.005"),
        ({"quantizer": "rd", "threshold": "0.2"}, "rd, distortion 0.2"),
    ],
)
def test_cells_in_words(more, expected):
    assert cell_text(cell(1, 0, True, **more)) == expected
