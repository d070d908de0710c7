"""Ground truth of one's own as a table."""

import pytest

from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.ground_truth import GroundTruthError

HEAD = "query,x1,y1,x2,y2,image,label\n"
ROWS = """\
tower_2.jpg,1,2,30,40,tower_1.jpg,good
tower_2.jpg,1,2,30,40,tower_3,ok
tower_2,1,2,30,40,blur_1,junk


gate.PNG,0,0,9,9,photos/gate_4.jpeg,good
gate,5,5,9,9,clock_8,ok
"""


def test_rows_become_queries(tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("\ufeff" + HEAD + ROWS)
    first, second, tower = read_csv_ground_truth(path)
    assert (tower.name, tower.landmark, tower.image) == ("tower_2", "tower", "tower_2")
    # No row says what a query's own image is: to find it says nothing.
    assert (tower.good, tower.ok, tower.junk) == (("tower_1",), ("tower_3",), ("blur_1", "tower_2"))
    assert tower.box == (1.0, 2.0, 30.0, 40.0)
    # Two boxes in one image may show two landmarks: what they share says so, not their name.
    assert [(q.name, q.landmark, q.image, q.good, q.ok) for q in (first, second)] == [
        ("gate/1", "gate/1", "gate", ("gate_4",), ()),
        ("gate/2", "gate/2", "gate", (), ("clock_8",)),
    ]


def test_a_row_may_say_what_the_querys_own_image_is(tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text(HEAD + "a,0,0,9,9,a,good\na,0,0,9,9,b,ok\n")
    (query,) = read_csv_ground_truth(path)
    assert (query.good, query.ok, query.junk) == (("a",), ("b",), ())


@pytest.mark.parametrize("texts", [("b.jpg", "x/b"), ("x/b", "b.jpg")])
def test_two_images_of_one_name_are_refused_whichever_row_has_folder_and_suffix(tmp_path, texts):
    path = tmp_path / "lists.csv"
    rows = [f"q{number},0,0,9,9,{text},good" for number, text in enumerate((*texts, "y/b.jpg"))]
    path.write_text(HEAD + "\n".join(rows))
    with pytest.raises(
        GroundTruthError, match=r"line 4: .*x/b\.jpg and y/b\.jpg are both called 'b'"
    ):
        read_csv_ground_truth(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query,image,label\na,b,good\n", "has the columns query,image,label; write query,x1"),
        (HEAD, "no rows"),
        (HEAD + "a,1,2,3,4,b,great\n", "line 2: label 'great'; write one of good, ok, junk"),
        (HEAD + "a,1,2,3,x,b,good\n", "line 2: the box 1, 2, 3, x is not four numbers"),
        (HEAD + "a,1,2,3,4_0,b,good\n", "line 2: the box 1, 2, 3, 4_0 is not four numbers"),
        (HEAD + "a,1,2,1,4,b,good\n", "line 2: empty box"),
        (HEAD + "a,1,2,nan,4,b,good\n", "line 2: the box 1 2 nan 4 is not finite"),
        (HEAD + "a,1,2,3,4,b,good\na,1,2,3,4,b,junk\n", "line 3: b has a label already"),
        (HEAD + "a,1,2,3,4,,good\n", "line 2: an image has no name"),
        (HEAD + "a,1,2,3,4,b,good\n\na,1,2,3,4\n", "line 4: 5 cells, 7 expected"),
        (HEAD + "a;1;2;3;4;b;good\n", "line 2: 1 cell, 7 expected"),
        (HEAD + "\n\n", "no rows"),
        (HEAD + 'a,1,2,3,4,"b,good\n', "not a CSV file"),
    ],
)
def test_wrong_tables_are_refused_with_their_line(tmp_path, text, message):
    path = tmp_path / "lists.csv"
    path.write_text(text)
    with pytest.raises(GroundTruthError, match=rf"lists\.csv.*{message}"):
        read_csv_ground_truth(path)
    with pytest.raises(GroundTruthError, match=r"none\.csv is missing"):
        read_csv_ground_truth(tmp_path / "none.csv")
