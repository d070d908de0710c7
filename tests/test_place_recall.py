"""Recall@N of a study's city: from the index to the table."""

from dataclasses import replace

import numpy as np
import pytest
from study_rows import BASE, CITIES, PRUNED, study_row

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.dataset import (
    Dataset,
    DatasetError,
    describe_counts,
    index_dataset,
    index_located,
    read_dataset,
    write_dataset,
)
from pocketvlad.data.ground_truth import QueryLists
from pocketvlad.data.image_folder import below, link_images, originals
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.positions import positions_of_files
from pocketvlad.data.query import Query
from pocketvlad.report.tables.recall import recall_markdown, recall_table, recall_values
from pocketvlad.scoring.place_recall import place_recall, ranked_place_recall
from pocketvlad.scoring.ranking import rankings
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.scoring.scored import scored as scored_city

NAMES = [f"{letter}{number}" for letter in "abc" for number in range(5)]
QUERIES = ("a1", "b3", "c0", "a1")  # of two boxes in one image


@pytest.fixture
def city():
    generator = np.random.default_rng(5)
    positions = {name: tuple(map(float, generator.integers(0, 60, 2))) for name in NAMES}
    positions["c0"] = (900.0, 0.0)
    queries = tuple(
        Query(f"{image}_{number}", image[0], image, (0, 0, 9, 9), ("a0",), (), ())
        for number, image in enumerate(QUERIES)
    )
    sizes = dict.fromkeys(NAMES, (9, 9))
    return Dataset("city", "original", sizes, {}, queries, 15, 4, positions=positions)


def test_queries_are_taken_out_of_the_database(city):
    """Against a loop over names."""
    rows = np.random.default_rng(6).normal(size=(15, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    settings = RecallSettings(positive_dist_threshold=25, recall_values=(1, 3))
    row = place_recall(city, rows, settings).row()
    by_name, at = dict(zip(NAMES, rows, strict=True)), city.positions
    others = [name for name in NAMES if name not in QUERIES]
    first = {}
    for query in sorted(set(QUERIES)):
        ranked = sorted(others, key=lambda name, query=query: -by_name[query] @ by_name[name])
        right = [np.hypot(*np.subtract(at[query], at[name])) <= 25 for name in ranked]
        first[query] = right.index(True) + 1 if any(right) else 0
    assert row["recall_first_right"] == first
    assert first["c0"] == 0
    found = {str(n): sum(0 < each <= n for each in first.values()) / 3 for n in (1, 3)}
    assert row["recall"] == pytest.approx(found)
    assert row["recall_metres"] == 25
    assert row["recall_without_positives"] == 1


def test_a_city_of_nothing_but_queries_is_refused(city):
    every = tuple(replace(city.queries[0], image=name) for name in NAMES)
    with pytest.raises(ValueError, match=r"city: each of its images is a query's.*`positions`"):
        place_recall(replace(city, queries=every), np.eye(15), RecallSettings())


def located(city, asked):
    """The city without lists."""
    return index_located("city", city.sizes, asked, city.positions)


def test_an_image_at_just_the_radius_counts_alike_for_descriptors_and_for_rankings():
    """3 and 4 metres away, of coordinates with decimals: the sum of squares is rounded to more than
    25, its root to 5."""
    at = {"a": (5.9, 5.9), "b": (9.9, 2.9), "c": (90.0, 0.0), "d": (91.0, 0.0)}
    dataset = index_located("line", dict.fromkeys(at, (9, 9)), ["a", "c"], at)
    rows, settings = np.eye(4), RecallSettings(positive_dist_threshold=5)
    found = place_recall(dataset, rows, settings).found
    ranked = ranked_place_recall(
        dataset, rows, lambda asked: rankings(asked, dataset.images, rows), settings
    ).found
    for name in ("first", "positives", "answer", "distance"):
        assert getattr(ranked, name).tolist() == getattr(found, name).tolist()


@pytest.mark.parametrize("asked", [None, ["a1", "b3", "c0"]])
def test_positions_alone_are_enough(city, asked):
    """Against a loop; without a folder of queries each image is asked for all others."""
    rows = np.random.default_rng(6).normal(size=(15, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    dataset = located(city, asked)
    assert not dataset.listed
    assert len(dataset.queries) == len(asked or NAMES)
    row = place_recall(dataset, rows, RecallSettings(recall_values=(1, 3))).row()
    by_name, at = dict(zip(NAMES, rows, strict=True)), city.positions
    for query, place in row["recall_first_right"].items():
        others = [name for name in NAMES if name != query and name not in (asked or [])]
        ranked = sorted(others, key=lambda name, query=query: -by_name[query] @ by_name[name])
        right = [np.hypot(*np.subtract(at[query], at[name])) <= 25 for name in ranked]
        assert place == (right.index(True) + 1 if any(right) else 0)
    assert list(row["recall_first_right"]) == (asked or NAMES)
    assert "recall_landmarks" not in row
    found = scored_city(
        dataset, rows[:0], rows, list, place_recall(dataset, rows, RecallSettings())
    )
    assert found.row(dataset).keys() == row.keys()


@pytest.mark.parametrize("asked", [None, ["a1", "b3", "c0"]])
def test_rankings_of_any_kind_give_the_same(city, asked):
    rows = np.random.default_rng(7).normal(size=(15, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def ranked(queries):
        return rankings(queries, NAMES, rows)

    for dataset in (located(city, asked), city):
        expected = place_recall(dataset, rows, RecallSettings())
        found = ranked_place_recall(dataset, rows, ranked, RecallSettings())
        assert found.row() == expected.row()
        for name in ("first", "positives", "answer", "distance"):
            np.testing.assert_allclose(getattr(found.found, name), getattr(expected.found, name))


def test_landmarks_are_those_of_the_lists(city):
    row = place_recall(city, np.eye(15, dtype=np.float32), RecallSettings()).row()
    assert row["recall_landmarks"] == {"a1": "a", "b3": "b", "c0": "c"}


def test_positions_that_make_every_answer_right_are_refused(city):
    near = replace(located(city, None), positions=dict.fromkeys(NAMES, (0.0, 1.0)))
    with pytest.raises(PositionError, match="all 15 images lie within 25 m of every query"):
        place_recall(near, np.eye(15, dtype=np.float32), RecallSettings())


@pytest.mark.parametrize(
    ("asked", "options", "message"),
    [
        (NAMES, {}, "city: 15 images, 15 of them queries; a query and another image are needed"),
        ([], {}, "city: 15 images, 0 of them queries; .* Put queries into their folder"),
        (["a1"], {"expected_queries": 2}, "city: 1 query found, 2 expected; get all images, or"),
        (None, {"expected_images": 20}, "city: 15 images found, 20 expected"),
    ],
)
def test_a_data_set_with_nothing_to_be_found_is_refused(city, asked, options, message):
    with pytest.raises(DatasetError, match=message):
        index_located("city", city.sizes, asked, city.positions, **options)
    if options:
        dataset = index_located(
            "city", city.sizes, asked, city.positions, partial=True, leave_out=["b0"], **options
        )
        assert len(dataset.images) == 14
        assert "b0" not in dataset.positions


def test_queries_that_are_left_out_are_not_missing(city):
    for asked, queries, told in ((["a1", "b0"], 2, "1 query"), (None, 15, "14 queries")):
        dataset = index_located(
            "city", city.sizes, asked, city.positions, leave_out=["b0"], expected_queries=queries
        )
        assert describe_counts(dataset.counts()) == f"14 images, {told}"


def test_queries_are_the_images_below_a_folder(tmp_path):
    for name in ("queries/a.png", "queries/more/b.png", "database/c.png", "d.png"):
        (tmp_path / "york" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "york" / name).touch()
    link_images(tmp_path / "york", tmp_path / "linked")
    files = originals(tmp_path / "linked")
    assert below(files, tmp_path / "york" / "queries") == ["a", "b"]
    assert below(files, tmp_path / "york") == list("abcd")


LISTS = [QueryLists("h_1", "h", "a", (0, 0, 9, 9), ("a", "b"), (), ())]


def test_the_index_keeps_positions(tmp_path):
    sizes, at = {"b": (9, 9), "a": (9, 9)}, {"a": (1.5, 2.0), "b": (3.0, 4.0), "gone": (5.0, 6.0)}
    dataset = index_dataset("d", sizes, LISTS, positions=at)
    assert dataset.positions == {"a": (1.5, 2.0), "b": (3.0, 4.0)}
    for each in (dataset, index_dataset("d", sizes, LISTS)):
        write_dataset(tmp_path / "d.json", each)
        assert read_dataset(tmp_path / "d.json") == each


def test_positions_of_a_data_set_are_in_its_table_or_its_names(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("image,easting,northing\nin/a.png,1,2\nb,3,4\nc,5,6\n")
    files = {name: tmp_path / "in" / f"{name}.png" for name in "ba"}
    found = positions_of_files(files, read_csv_positions(table), "data set d", partial=True)
    assert found == {"b": (3, 4), "a": (1, 2)}
    with pytest.raises(PositionError, match=r"p\.csv, line 4: c is no image of data set d"):
        positions_of_files(files, read_csv_positions(table), "data set d")
    with pytest.raises(PositionError, match="data set d: 2 of 2 names have no position"):
        positions_of_files(files, None, "data set d")
    assert positions_of_files({"x": tmp_path / "@1@2@.jpg"}, None, "d") == {"x": (1, 2)}


def scored(city, version, seed, found):
    """found: how many of four queries at 1, and at 5."""
    first, fifth = found
    places = [1] * first + [5] * (fifth - first) + [0] * (4 - fifth)
    return study_row(city, version, seed) | {
        "recall": {"1": first / 4, "5": fifth / 4},
        "recall_first_right": dict(zip("abcd", places, strict=True)),
        "recall_landmarks": dict(zip("abcd", "xxyy", strict=True)),
        "recall_metres": 25.0,
        "recall_without_positives": int(city == "paris"),
    }


def test_the_table_has_the_mean_over_seeds():
    rows = [
        scored(city, version, seed, (seed, 2 if version == BASE else 3))
        for city in CITIES
        for version in (PRUNED, BASE)
        for seed in (1, 2)
    ]
    table = recall_table(rows, CITIES)
    assert table["version"].tolist() == [PRUNED, BASE]
    assert table["recall_at_1_paris"].tolist() == pytest.approx([37.5, 37.5])
    assert table["recall_at_5_oxford"].tolist() == pytest.approx([75, 50])
    assert table["seeds"].tolist() == ["1 2", "1 2"]
    assert table["recall_drop_at_5_oxford"].tolist() == pytest.approx([-25, 0])
    assert table["recall_drop_at_5_oxford_low"].tolist() == pytest.approx([-75, 0])
    assert {f"recall_at_1_paris_landmarks_{end}" for end in ("low", "high")} <= set(table)
    sizes = [row["file_bytes"] for row in rows if row["version"] == PRUNED]
    assert table["file_mb"][0] == pytest.approx(np.mean(sizes) / 1e6)
    text = recall_markdown(table, recall_values(rows), CITIES, "Recall@N of the study x")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert "R@1 oxford" in lines[0]
    assert "R@5 paris" in lines[0]
    assert [line.split("|")[1].strip() for line in lines[2:4]] == [BASE, PRUNED]
    assert "within 25 m" in text
    drops = next(line for line in lines if line.startswith("| version") and "drop of R@5" in line)
    cell = lines[lines.index(drops) + 2].split("|")
    headings = [each.strip() for each in drops.split("|")]
    assert cell[headings.index("drop of R@5 oxford")].strip().startswith("-25.0 [")
    assert "0 of 4 in oxford, 1 of 4 in paris" in text
    rows[0]["recall_metres"] = 10
    with pytest.raises(ValueError, match="do not agree in the radius"):
        recall_table(rows, CITIES)
