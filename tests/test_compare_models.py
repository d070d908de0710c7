"""Models of two studies side by side (tools/compare_models.py)."""

import json
from statistics import fmean

import pytest
from compare_models import main
from study_rows import BASE, CITIES, ROUNDED, study_row

from pocketvlad.scoring.landmark_bootstrap import Comparison, landmark_drop


@pytest.fixture
def files(tmp_path):
    """A function that writes the rows of a version's trainings."""

    def write(version, seeds, change=lambda row: None):
        paths = []
        for city in CITIES:
            for seed in seeds:
                row = study_row(city, version, seed)
                change(row)
                paths.append(tmp_path / f"{len(list(tmp_path.iterdir()))}.json")
                paths[-1].write_text(json.dumps(row))
        return list(map(str, paths))

    return write


def averages(city, version, seeds):
    scores = [study_row(city, version, seed)["dense_average_precision"] for seed in seeds]
    return {name: fmean(each[name] for each in scores) for name in scores[0]}


@pytest.mark.parametrize("seeds", [(1, 2, 3), (1,)])
def test_a_gain_is_the_drop_the_other_way_round(files, capsys, seeds):
    assert main([*files(ROUNDED, (1, 2, 3)), "--other", *files(BASE, seeds)]) == 0
    *_, line, said = capsys.readouterr().out.splitlines()
    comparisons = []
    for city in CITIES:
        landmarks = study_row(city, BASE, 1)["dense_landmarks"]
        if len(seeds) == 3:
            models = [
                [study_row(city, version, seed)["dense_average_precision"] for seed in seeds]
                for version in (ROUNDED, BASE)
            ]
        else:
            models = [[averages(city, ROUNDED, (1, 2, 3))], [averages(city, BASE, seeds)]]
        comparisons.append(Comparison(*models, landmarks))
    drop = landmark_drop(comparisons)
    expected = [f"{-drop.mean:.1f}", f"[{-drop.high:.1f},", f"{-drop.low:.1f}]"]
    first = fmean(100 * fmean(averages(city, ROUNDED, (1, 2, 3)).values()) for city in CITIES)
    assert line.split()[:2] == ["mean", f"{first:.1f}"]
    assert line.split()[3:] == expected
    others = "for other trainings (3)" if len(seeds) == 3 else "not for other trainings"
    assert said == f"Intervals allow for landmarks, and {others}."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row["dense_average_precision"].popitem(), "not scored on the same queries"),
        (lambda row: row.pop("dense_average_precision"), "not scored on the same queries"),
        (lambda row: row.update(test_city="rome"), "rows of oxford, paris cannot be compared"),
        (lambda row: row.pop("test_city"), "is no row of scores: KeyError"),
    ],
)
def test_rows_that_cannot_be_compared(files, capsys, change, message):
    assert main([*files(BASE, (1,)), "--other", *files(ROUNDED, (1,), change)]) == 1
    assert message in capsys.readouterr().err


def test_trainings_on_unlike_queries(files, capsys):
    base = [*files(BASE, (1,)), *files(BASE, (2,), lambda row: row["average_precision"].popitem())]
    assert main([*base, "--other", *files(ROUNDED, (1,))]) == 1
    assert "not scored on the same queries: query 'tower_2'" in capsys.readouterr().err


def test_rows_of_several_models_are_not_taken_for_one(files, capsys):
    other = files(ROUNDED, (1,))
    assert main([*files(BASE, (1,)), *files(ROUNDED, (2,)), "--other", *other]) == 1
    assert "is of made-up vgg16 rd/0.4, and " in capsys.readouterr().err
    assert main([*files(BASE, (1,)), "--other", *other, other[0]]) == 1
    assert f"{other[0]} is of seed 1, trained on paris, as another" in capsys.readouterr().err


def test_on_a_test_set_models_of_one_training_city_are_compared(files, capsys):
    rows = {
        version: files(version, (1, 2), lambda row: row.update(_scores_of_york(row)))
        for version in (BASE, ROUNDED)
    }
    assert main([*rows[BASE], "--other", *rows[ROUNDED]]) == 0
    expected = capsys.readouterr().out
    assert main([*rows[BASE], "--other", *reversed(rows[ROUNDED])]) == 0
    assert capsys.readouterr().out == expected


def _scores_of_york(row):
    """What a row says of a test set, which models of both cities are tested on."""
    own = study_row("oxford", row["version"], row["seed"])
    rise = 0.05 * (row["train_city"] == "paris")
    scores = {name: value + rise for name, value in own["dense_average_precision"].items()}
    return own | {
        "test_city": "york",
        "train_city": row["train_city"],
        "dense_average_precision": scores,
        "dense_map": fmean(scores.values()),
    }


def test_a_file_that_is_missing(files, capsys):
    assert main([*files(BASE, (1,)), "--other", "nowhere.json"]) == 1
    assert "nowhere.json is no row of scores: FileNotFoundError" in capsys.readouterr().err
