"""Positions of a map: from names, from a table, given, kept, refused. Nothing is described."""

from pathlib import Path

import numpy as np
import pytest

from pocketvlad.data.position_error import PositionError
from pocketvlad.maps.map_positions import PositionWish, position_wish
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.option_error import OptionError

FOLDER = Path("city/db")


def files(*names):
    return {name: FOLDER / name for name in names}


NAMED = files("in/@1@2.5@.jpg", "@3@-4@x@.jpg")
OF_NAMES = {"in/@1@2.5@.jpg": (1.0, 2.5), "@3@-4@x@.jpg": (3.0, -4.0)}
PLAIN = files("a.jpg", "in/b.jpg")


def at(asked, images, stored=None):
    return position_wish(asked, FOLDER, images).beside(stored)


def test_names_say_it_unasked():
    assert at(None, NAMED) == at("names", NAMED) == OF_NAMES
    assert at(None, PLAIN) is None
    assert at("none", NAMED) is at("none", NAMED, OF_NAMES) is None
    assert PositionWish().beside(None) is None
    assert PositionWish().beside(OF_NAMES) == OF_NAMES


def test_some_names_are_not_enough():
    with pytest.raises(PositionError) as error:
        at("names", NAMED | PLAIN)
    assert str(error.value) == (
        "city/db: 2 of 4 names have no position: city/db/a.jpg, city/db/in/b.jpg; call each image "
        "@easting@northing@...@.jpg, or give a table with --positions (image,easting,northing), or "
        'keep none with --positions none (in Python, positions="none")'
    )
    wrong = files("@1@2@.jpg", "@1@2,5@.jpg")
    with pytest.raises(PositionError, match=r"1 of 2 names are not.*2,5@\.jpg; .* or keep none"):
        at("names", wrong)


@pytest.mark.parametrize(
    ("images", "without"),
    [
        (NAMED | PLAIN, "2 of 4 names have .*: city/db/a.jpg, city/db/in/b.jpg;"),
        (files("@1@2@.jpg", "@1@2,5@.jpg"), "1 of 2 names have .*: city/db/@1@2,5@.jpg;"),
        (files("@1@2@.jpg", "@nan@2@.jpg"), "1 of 2 names have .*: city/db/@nan@2@.jpg;"),
        (files("a@b@c@d.jpg", "e.jpg"), "2 of 2 names have .*: city/db/a@b@c@d.jpg, city/db/e.jpg"),
    ],
)
def test_names_that_say_it_in_part_are_told_where_nothing_is_asked(images, without):
    with pytest.warns(PhotographWarning, match=f"^city/db: {without}") as told:
        assert at(None, images) is None
    assert len(told) == 1
    assert "the map has none. To have them, give a table with --positions" in str(told[0].message)


def test_nothing_is_told_where_it_is_said_or_no_name_looks_like_one(recwarn):
    odd = files("a@b@c@d.jpg", "@1@2@.jpg")
    assert at("none", odd) is None
    given = dict.fromkeys(odd, (1.0, 2.0))
    assert at(given, odd) == at(None, odd, given) == given
    assert at(None, files("me@home.jpg", "a@b.jpg")) is None
    assert not recwarn


def test_names_that_are_asked_for_must_have_them():
    with pytest.raises(PositionError, match="2 of 2 names have no position"):
        at("names", PLAIN)


def test_a_map_keeps_its_own():
    own = {"a.jpg": (9.0, 9.0), "in/b.jpg": (8.0, 8.0)}
    assert at(None, PLAIN, own) == own
    assert at(None, PLAIN | files("new.jpg"), own) == own  # new.jpg is refused by `MapUpdate`
    moved = dict.fromkeys(NAMED, (9.0, 9.0))
    assert at(None, NAMED, moved) == moved
    assert at("names", NAMED, moved) == OF_NAMES


def test_a_new_photograph_has_that_of_its_name_where_all_others_have_theirs():
    more = NAMED | files("@5@6@.jpg")
    assert at(None, more, OF_NAMES) == OF_NAMES | {"@5@6@.jpg": (5.0, 6.0)}
    of_a_table = OF_NAMES | {"@3@-4@x@.jpg": (3.0, -4.5)}
    assert at(None, more, of_a_table) == of_a_table
    gone = {"gone.jpg": (0.0, 0.0)}
    assert at(None, NAMED, gone) == OF_NAMES


def test_a_mapping_is_checked():
    given = {"a.jpg": [1, 2], "in/b.jpg": (3, 4.5)}
    assert at(given, PLAIN) == {"a.jpg": (1.0, 2.0), "in/b.jpg": (3.0, 4.5)}
    for wrong in ((1, float("nan")), (1, 2, 3), 7, "x", (1, "east")):
        with pytest.raises(PositionError, match=r"positions: that of in/b\.jpg, .* two finite num"):
            at(given | {"in/b.jpg": wrong}, PLAIN)


def test_a_photograph_has_one_position_however_it_is_called():
    asked = {"./a.jpg": (1, 2), "a.jpg": (1, 2.0), Path("in/b.jpg"): (3, 4)}
    assert at(asked, PLAIN) == {"a.jpg": (1, 2), "in/b.jpg": (3, 4)}
    with pytest.raises(PositionError, match=r"a\.jpg has two, \(1\.0, 2\.0\) and \(9\.0, 2\.0\); "):
        at(asked | {"a.jpg": (9, 2)}, PLAIN)


def test_what_is_no_way_to_give_positions_is_told():
    with pytest.raises(PositionError, match="positions: 7 is no path; call photographs by their"):
        at({7: (1, 2)}, PLAIN)
    for asked in (np.zeros((2, 2)), [("a.jpg", 1, 2)], 5):
        with pytest.raises(OptionError, match=f"positions=a {type(asked).__name__}: give a table"):
            at(asked, PLAIN)


def test_a_table_has_a_row_a_photograph(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("image,easting,northing\nb,3,4\ncity/db/a.jpg,1,2\n")
    wish = position_wish(table, FOLDER, PLAIN)
    assert wish.beside({"a.jpg": (9.0, 9.0)}) == {"a.jpg": (1.0, 2.0), "in/b.jpg": (3.0, 4.0)}
    assert wish.note is None
    assert at(str(table), PLAIN) == wish.given
    table.write_text("image,easting,northing\na,1,2\n")
    with pytest.raises(PositionError, match=r"1 of 2 images of city/db have no row: .*in/b\.jpg"):
        at(table, PLAIN)


def test_a_mapping_need_not_have_all_files():
    """Of photographs that are described, `MapUpdate` asks for the position."""
    assert at({"a.jpg": (1, 2)}, PLAIN) == {"a.jpg": (1.0, 2.0)}
