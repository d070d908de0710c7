"""Positions of images: in their names, and in tables."""

import math
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.positions import (
    positions_in_names,
    positions_in_table,
    positions_of_files,
)
from pocketvlad.retrieval.located import Images, locate

NAMES = ["db/a.jpg", "db/b.jpg", "q/a.jpg"]


def table(tmp_path, text):
    path = tmp_path / "p.csv"
    path.write_text(text)
    return read_csv_positions(path)


def test_positions_in_names():
    names = ["in/@548000.5@4180000@10@S@37.7@-122.4@@@@@@@@@.jpg", "@1@-2.25@.png", "x@3@4@@.jpg"]
    found = positions_in_names("D", names)
    assert found.tolist() == [[548000.5, 4180000], [1, -2.25], [3, 4]]
    assert found.dtype == np.float64


def test_an_at_sign_in_a_folder_says_nothing():
    found = positions_in_names("D", ["/home/me@work/set@2@3@/@548000@4180000@.jpg"])
    assert found.tolist() == [[548000, 4180000]]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["@1@2@.jpg", "a.jpg", "s@7@8@/b.jpg"], "^D: 2 of 3 names .*: a.jpg, s@7@8@/b.jpg; call"),
        (["@2026_11_27@815@.jpg", "@1@٣@.jpg"], "2 of 2 names are not two finite"),
        (["@1@2.jpg"], "1 of 1 names have no position"),
        (["@1@2@.jpg", "@1@x@.jpg"], "^D: the positions of 1 of 2 .*: @1@x@.jpg; write"),
        (["@nan@2@.jpg", "@1@-inf@.jpg", "@1@@.jpg"], "of 3 of 3 names are not two finite"),
    ],
)
def test_names_without_positions_are_counted_and_named(names, message):
    with pytest.raises(PositionError, match=message) as error:
        positions_in_names("D", names)
    assert "\n" not in str(error.value)


def test_a_table_names_images_with_as_many_folders_as_it_likes(tmp_path):
    text = "heading,image,northing,easting\n0,db/a,2,1\n\n0, all/q/a.jpg ,4,3\n0,b,6,5\n"
    found = positions_in_table(table(tmp_path, text), NAMES, "D")
    assert found.tolist() == [[1, 2], [5, 6], [3, 4]]


def test_accents_of_folders_are_compared_composed(tmp_path):
    """Some file systems take them apart, keyboards do not."""
    names = [unicodedata.normalize("NFD", f"{folder}/1.jpg") for folder in ("Köln", "Münster")]
    read = table(tmp_path, "image,easting,northing\nall/Münster/1.jpg,1,2\nKöln/1.jpg,3,4\n")
    assert positions_in_table(read, names, "D").tolist() == [[3, 4], [1, 2]]


def test_a_name_that_stands_there_whole_means_no_other(tmp_path):
    text = "image,easting,northing\na.jpg,1,2\nin/a.jpg,3,4\n"
    found = positions_in_table(table(tmp_path, text), ["in/a.jpg", "a.jpg"], "D")
    assert found.tolist() == [[3, 4], [1, 2]]


def test_the_folder_where_one_stands_has_its_name(tmp_path, monkeypatch):
    """Of files all folders are known, whichever were typed."""
    (tmp_path / "all" / "db").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "all" / "db")
    head = "image,easting,northing\n"
    rows = "queries/a.jpg,1,2\nall/db/a.jpg,3,4\nin/a.jpg,5,6\n"
    read, files = table(tmp_path, head + rows), {"a": Path("a.jpg"), "in/a": Path("in/a.jpg")}
    assert positions_of_files(files, read, ".", partial=True) == {"a": (3, 4), "in/a": (5, 6)}
    read = table(tmp_path, head + "a.jpg,3,4\ndb/in/a.jpg,5,6\n")
    assert positions_of_files(files, read, ".") == {"a": (3, 4), "in/a": (5, 6)}
    read = table(tmp_path, head + "other/db/a.jpg,1,2\n")
    with pytest.raises(PositionError, match=r"p\.csv: 1 of 1 images of \. have no row: a\.jpg"):
        positions_of_files({"a": Path("a.jpg")}, read, ".", partial=True)
    (tmp_path / "p.csv").write_text(head + "queries/a.jpg,1,2\ndb/a.jpg,3,4\n")
    database = Images(".", ["a.jpg"], files=True)
    found = locate(database, Images("../queries", ["../queries/a.jpg"], True), tmp_path / "p.csv")
    assert (found.database.tolist(), found.queries.tolist()) == ([[3, 4]], [[1, 2]])


GOOD = "db/a,1,2\ndb/b,1,2\nq/a,1,2\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (GOOD + "b.jpg,1,3\n", "p.csv, line 5: db/b.jpg has a position already, in line 3; leave"),
        (GOOD + "a.jpg,1,2\n", "line 5: a.jpg may be any of db/a.jpg, q/a.jpg; write as many"),
        (GOOD + "db/c,1,2\nx,1,2\n", "line 5: db/c is no image of D, and 1 other rows name none"),
        (GOOD + "db/a.png,1,2\n", "line 5: db/a.png is no image of D; correct"),
        ("db/b,1,2\n", "p.csv: 2 of 3 images of D have no row: db/a.jpg, q/a.jpg; add them"),
    ],
)
def test_rows_and_images_must_belong_together(tmp_path, rows, message):
    read = table(tmp_path, "image,easting,northing\n" + rows)
    with pytest.raises(PositionError, match=message):
        positions_in_table(read, NAMES, "D")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.csv has the columns ; write image,easting,northing or image,latitude,longitude"),
        ("image,east,north\na,1,2\n", "has the columns image,east,north; write"),
        ("image;easting;northing\na;1;2\n", "not both, separated by commas, not by semicolons"),
        ("image\teasting\tnorthing\na\t1\t2\n", "separated by commas, not by tabs"),
        ("image,easting,northing,latitude,longitude\na,1,2,3,4\n", "each once, and not both"),
        ("image,easting,northing,image\na,1,2,a\n", "each once"),
        ("image,easting,northing\n", "p.csv has no rows"),
        ("image,easting,northing\na,1\n", "line 2: 2 cells, 3 expected"),
        ("image,easting,northing\na\n", "line 2: 1 cell, 3 expected"),
        ("image,easting,northing\n,1,2\n", "line 2: an image has no name"),
        ("image,easting,northing\na,1,x\n", "line 2: northing 'x' is no finite number; .* metres"),
        ("image,easting,northing\na,nan,1\n", "line 2: easting 'nan' is no finite number"),
        ("image,latitude,longitude\na,1e999,2\n", "line 2: latitude '1e999' is .* degrees"),
        (
            "image,latitude,longitude\na,151.2,-33.9\n",
            "line 2: latitude 151.2 is out of range; write -90 to 90: are .* swapped",
        ),
        ("image,latitude,longitude\na,1,190\n", "longitude 190 is out of range; write -180 to 180"),
        (
            "image,latitude,longitude\na,48.8,2.3\nb,2.3,48.8\n",
            "line 3: b lies more than 9 degrees of longitude from UTM zone 31N.* swapped",
        ),
    ],
)
def test_a_wrong_table_is_told_with_its_line(tmp_path, text, message):
    with pytest.raises(PositionError, match=message) as error:
        table(tmp_path, text)
    assert "p.csv" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [(48.0, 5.999, "31N"), (-33.9, 150.0, "56S"), (0.0, 179.9999, "60N"), (65.0, -0.001, "30N")],
)
def test_distances_are_right_across_the_border_of_a_zone(tmp_path, latitude, longitude, zone):
    """Held against the geodesic on the ellipsoid; UTM's own scale is within 0.1 % there."""
    others = [(latitude + 2e-4, longitude), (latitude, (longitude + 3e-4 + 180) % 360 - 180)]
    rows = [(latitude, longitude), *others]
    lines = [f"{number},{x!r},{y!r}" for number, (x, y) in enumerate(rows)]
    read = table(tmp_path, "\n".join(["image,latitude,longitude", *lines]))
    assert read.zone == zone
    geod = Geod(ellps="WGS84")
    for metres, (x, y) in zip(read.metres[1:], others, strict=True):
        expected = geod.inv(longitude, latitude, y, x)[2]
        assert math.dist(metres, read.metres[0]) == pytest.approx(expected, rel=1.1e-3)
    assert 0 < read.metres[0, 0] < 1e6
