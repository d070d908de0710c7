"""The answer follows from the table, also where no cell qualifies."""

import pandas as pd
from docutils.core import publish_string

from pocketvlad.report.answer import answer_sentences, answer_table, answer_text
from pocketvlad.report.best_cells import mark_best

BASE = {
    "model": "vgg16",
    "version": "base",
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


def cell(file_mb, drop, no_drop, version="0.005/l1-0/kmeans-8-fixed"):
    scores = {"drop_mean": drop, "drop_mean_low": drop - 1, "drop_mean_high": drop + 1}
    size = {"file_mb": file_mb, "ratio": 4 / file_mb}
    return {**BASE, **scores, **size, "no_drop": no_drop, "version": version}


def marked(*rows):
    return mark_best(pd.DataFrame(rows))


def test_the_smallest_files_are_named():
    table = marked(
        BASE,
        cell(0.8, 0.1, True),
        cell(0.5, 0.4, True, "0.005/l1-0/kmeans-5-fixed"),
        cell(0.4, 1.9, False, "rd/0.4"),
        cell(0.2, 2.1, False, "0.01/l1-0/kmeans-8-fixed"),
    )
    no_drop, two_points = answer_sentences(table)
    assert no_drop == (
        "With no drop in mAP, the smallest file of vgg16 is 8.0 times smaller than its float32 "
        "weights (0.50 MB in place of 4.00: 5 bits, kmeans, threshold 0.005)."
    )
    assert "10.0 times smaller" in two_points
    assert "in place of 4.00: rd, distortion 0.4)" in two_points


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
