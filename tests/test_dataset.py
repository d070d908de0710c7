"""Ground truth files, and the index that is cut to what is there."""

import unicodedata
from dataclasses import replace

import pytest

from pocketvlad.data.dataset import (
    DatasetError,
    describe_counts,
    describe_outside,
    index_dataset,
    index_located,
    read_dataset,
    require_boxes_inside,
    write_dataset,
)
from pocketvlad.data.ground_truth import GroundTruthError, QueryLists, read_ground_truth


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "gt"
    folder.mkdir()
    files = {
        "hall_1_query.txt": "oxc1_hall_000001 10.5 20 110 220.25\n",
        "hall_1_good.txt": "hall_000001\nhall_000002\n",
        "hall_1_ok.txt": "hall_000003\n",
        "hall_1_junk.txt": "",
        "all_souls_2_query.txt": "oxc1_other_000007 0 0 9 9",
        "all_souls_2_good.txt": "",
        "all_souls_2_ok.txt": "other_000007",
        "all_souls_2_junk.txt": "hall_000001",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


SIZES = {
    "other_000007": (640, 480),
    "hall_000001": (640, 480),
    "hall_000002": (480, 640),
    "hall_000003": (10, 10),
}
COMPLETE = {"expected_images": 4, "expected_queries": 2}


def test_official_files_are_read(lists):
    second, first = read_ground_truth(lists, "oxc1_")
    assert (first.name, first.landmark, first.image) == ("hall_1", "hall", "hall_000001")
    assert first.box == (10.5, 20.0, 110.0, 220.25)
    assert first.good == ("hall_000001", "hall_000002")
    assert second.landmark == "all_souls"
    assert second.junk == ("hall_000001",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hall_1_query.txt", "oxc1_hall_000001 1 2 3", r"hall_1_query\.txt holds 'oxc1"),
        ("hall_1_query.txt", "hall_000001 1 2 3 4", "lacks the prefix 'oxc1_'"),
        ("hall_1_query.txt", "oxc1_hall_000001 5 5 5 9", "empty box"),
        ("nonumber_query.txt", "", "is not named <landmark>_<number>"),
    ],
)
def test_wrong_files_are_named(lists, name, text, message):
    (lists / name).write_text(text)
    with pytest.raises(GroundTruthError, match=message):
        read_ground_truth(lists, "oxc1_")


def test_missing_list_and_empty_folder(lists, tmp_path):
    (lists / "hall_1_ok.txt").unlink()
    with pytest.raises(GroundTruthError, match=r"hall_1_ok\.txt is missing"):
        read_ground_truth(lists, "oxc1_")
    with pytest.raises(GroundTruthError, match=r"no \*_query\.txt"):
        read_ground_truth(tmp_path)


def test_two_lists_of_one_name_are_refused(lists):
    """On some systems their names are one; here one would silently take the other's place."""
    (lists / "all_souls_2_good.TXT").write_text("another\n")
    with pytest.raises(GroundTruthError, match=r"all_souls_2_good\.TXT.* keep one"):
        read_ground_truth(lists, "oxc1_")


def test_a_complete_data_set(lists, tmp_path):
    dataset = index_dataset("city", SIZES, read_ground_truth(lists, "oxc1_"), **COMPLETE)
    assert dataset.images == sorted(SIZES)
    assert describe_counts(dataset.counts()) == "4 images, 2 queries"
    write_dataset(tmp_path / "index.json", dataset)
    assert read_dataset(tmp_path / "index.json") == dataset


def test_a_part_must_be_allowed_and_is_said(lists):
    sizes = {name: SIZES[name] for name in ("hall_000001", "hall_000003")}
    queries = read_ground_truth(lists, "oxc1_")
    with pytest.raises(DatasetError, match=r"2 images found, 4 expected; .*partial: true"):
        index_dataset("city", sizes, queries, **COMPLETE)
    dataset = index_dataset("city", sizes, queries, **COMPLETE, partial=True)
    assert describe_counts(dataset.counts()) == "2 of 4 images, 1 of 2 queries"
    (query,) = dataset.queries
    assert (query.good, query.ok) == (("hall_000001",), ("hall_000003",))
    with pytest.raises(DatasetError, match="no query has its image"):
        index_dataset("city", {"x": (1, 1)}, queries, **COMPLETE, partial=True)


def test_of_ones_own_data_set_what_is_missing_is_not_counted():
    """Also where queries are no part of the database: two of three are not there."""
    lists = [QueryLists(f"q{n}", "", f"q{n}", None, ("a", "b"), (), ()) for n in range(3)]
    sizes = dict.fromkeys(["a", "b", "c", "q1"], (9, 9))
    dataset = index_dataset("city", sizes, lists, protocol="revisited", partial=True)
    assert describe_counts(dataset.counts()) == "3 images, 1 of 3 queries"


def test_left_out_images_are_gone_from_everywhere(lists):
    dataset = index_dataset(
        "city", SIZES, read_ground_truth(lists, "oxc1_"), **COMPLETE, leave_out=["hall_000002"]
    )
    assert "hall_000002" not in dataset.sizes
    assert describe_counts(dataset.counts()) == "3 images, 2 queries"
    assert all("hall_000002" not in query.positives for query in dataset.queries)


def test_what_is_left_out_has_its_accents_composed():
    sizes = dict.fromkeys(["Köln", "a", "b"], (9, 9))
    name = unicodedata.normalize("NFD", "Köln")
    places = dict.fromkeys(sizes, (0.0, 0.0))
    assert index_located("city", sizes, None, places, leave_out=[name]).images == ["a", "b"]
    lists = [QueryLists("a", "", "a", None, ("b", "Köln"), (), ())]
    assert index_dataset("city", sizes, lists, leave_out=[name]).images == ["a", "b"]


def test_a_name_to_leave_out_that_nothing_has_is_told_where_no_count_would_tell():
    sizes = dict.fromkeys(["a", "b", "c"], (9, 9))
    lists = [QueryLists("a", "", "a", None, ("b", "gone"), (), ())]
    places = dict.fromkeys(sizes, (0.0, 0.0))
    message = r'data set city: `leave_out` has \["C", "c\.jpg"\], which no image is called'
    names = ["c.jpg", "b", "C"]
    with pytest.raises(DatasetError, match=message):
        index_dataset("city", sizes, lists, leave_out=names)
    with pytest.raises(DatasetError, match=message):
        index_located("city", sizes, None, places, leave_out=names)
    kept = index_dataset("city", sizes, lists, leave_out=["gone", "cut"], faults={"cut": "!"})
    assert kept.images == ["a", "b", "c"]  # a list names the one, the other cannot be decoded
    parts = index_dataset("city", sizes, lists, leave_out=["c", "x"], partial=True)
    assert parts.images == ["a", "b"]


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("protocol", ["original", "revisited"])
def test_a_left_out_image_is_no_query_either(lists, partial, protocol):
    """Neither is it missing: what is left out is not counted, images and queries alike."""
    queries = [*read_ground_truth(lists, "oxc1_")]
    queries.append(replace(queries[1], name="hall_2", image="hall_000002", good=("hall_000003",)))
    dataset = index_dataset(
        "city",
        SIZES,
        queries,
        expected_images=4,
        expected_queries=3,
        leave_out=["other_000007"],
        partial=partial,
        protocol=protocol,
    )
    assert [query.name for query in dataset.queries] == ["hall_1", "hall_2"]
    images = {"original": "3 images", "revisited": "1 image"}[protocol]
    assert describe_counts(dataset.counts()) == f"{images}, 2 queries"


def test_a_list_that_names_a_missing_image(lists):
    sizes = {**SIZES, "new": (1, 1)}
    del sizes["hall_000003"]
    with pytest.raises(DatasetError, match=r"hall_1 names 1 image .* hall_000003"):
        index_dataset("city", sizes, read_ground_truth(lists, "oxc1_"), **COMPLETE)


def test_revisited_lists_of_ones_own_name_no_query(lists):
    """A table may list a query's own image; out of the database, nobody can find it."""
    first = read_ground_truth(lists, "oxc1_")[1]
    dataset = index_dataset("city", SIZES, [first], protocol="revisited")
    (query,) = dataset.queries
    assert query.good == ("hall_000002",)
    assert dataset.images == ["hall_000002", "hall_000003", "other_000007"]
    alone = replace(first, good=("hall_000001",), ok=())
    with pytest.raises(DatasetError, match="hall_1 has no positives in the database"):
        index_dataset("city", SIZES, [alone], protocol="revisited")


@pytest.mark.parametrize("box", [(640, 0, 700, 9), (-9, 0, 0, 9), (0, 480, 9, 500), (0, -9, 9, 0)])
def test_a_box_beside_its_image_is_named(lists, box):
    queries = [replace(query, box=box) for query in read_ground_truth(lists, "oxc1_")]
    with pytest.raises(DatasetError, match=r"of query all_souls_2 lies outside .* 640 x 480"):
        require_boxes_inside(index_dataset("city", SIZES, queries))
    partly = [replace(query, box=(-9, -9, 2000, 1)) for query in queries]
    dataset = index_dataset("city", SIZES, partly)
    require_boxes_inside(dataset)
    told = describe_outside(dataset)
    assert told.startswith("2 boxes reach more than 5 pixels outside of the image, and what is")
    assert "cut off: -9 -9 2000 1 of query all_souls_2, whose image" in told
    assert "has 640 x 480 pixels, for one; are boxes in pixels" in told


def test_published_boxes_reach_outside_by_a_pixel_or_so_without_a_word(lists):
    near, far = read_ground_truth(lists, "oxc1_")
    near = replace(near, box=(-1.5, -0.5, 642, 481))
    assert describe_outside(index_dataset("city", SIZES, [near])) == ""
    dataset = index_dataset("city", SIZES, [near, replace(far, box=(10, 10, 20000, 200))])
    assert describe_outside(dataset).startswith("1 box reaches more than 5 pixels outside of the i")
