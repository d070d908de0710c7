"""The embedded cities: renderer, labels, archives."""

import io
import tarfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embedded_cities import oxford
from embedded_cities.archive import write_archive
from embedded_cities.atlas import Atlas
from embedded_cities.city import CitySpec, choose_queries, entries, write_city
from embedded_cities.mesh import join, owned
from embedded_cities.picture import LIMITS, categorise, shown, whole_area
from embedded_cities.raster import Camera, draw, look_at
from embedded_cities.shapes import block, panel, rectangle
from embedded_cities.site import OTHER, SUBJECT
from embedded_cities.visible import visible

SMALL = CitySpec("oxford", seed=3, landmarks=2, queries=2, views=6, distractors=3, size=96)


def _read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}


def _written(spec: CitySpec, folder: Path, suffix: str = ".tgz") -> tuple[Path, Path]:
    folder.mkdir()
    paths = folder / f"images{suffix}", folder / f"truth{suffix}"
    write_city(spec, *paths)
    return paths


@pytest.fixture(scope="module")
def oxford_archives(tmp_path_factory):
    return _written(SMALL, tmp_path_factory.mktemp("oxford") / "first")


@pytest.fixture(scope="module")
def paris_archives(tmp_path_factory):
    spec = replace(SMALL, style="paris")
    return _written(spec, tmp_path_factory.mktemp("paris") / "first", ".tar")


@pytest.fixture(scope="module")
def larger_city():
    return list(entries(replace(SMALL, landmarks=5, views=10, distractors=16)))


def test_same_seed_same_bytes(oxford_archives, tmp_path):
    again = _written(SMALL, tmp_path / "again")
    for first, second in zip(oxford_archives, again, strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert [p.name for p in first.parent.iterdir() if p.name.startswith(".")] == []


def test_another_seed_gives_other_pictures(oxford_archives):
    first = next(entries(replace(SMALL, seed=4)))
    assert first.picture.jpeg not in _read(oxford_archives[0]).values()


def test_a_picture_does_not_depend_on_how_many_there_are(oxford_archives, larger_city):
    files = _read(oxford_archives[0])
    for entry in larger_city:
        if f"{entry.name}.jpg" in files:
            assert files[f"{entry.name}.jpg"] == entry.picture.jpeg
    assert sum(f"{e.name}.jpg" in files for e in larger_city) == len(files)


@pytest.mark.parametrize(("style", "prefix"), [("oxford", "oxc1_"), ("paris", "")])
def test_archives_have_the_official_layout(style, prefix, request):
    images, truth = map(_read, request.getfixturevalue(f"{style}_archives"))
    assert len(images) == SMALL.landmarks * SMALL.views + SMALL.distractors
    if style == "oxford":
        assert all("/" not in name for name in images)
        assert sum(name.startswith("oxford_") for name in images) == SMALL.distractors
    else:
        assert sum(name.startswith("paris/general/paris_general_") for name in images) == 3
        for folder, name in (path.split("/")[1:] for path in images):
            assert name.startswith(f"paris_{folder}_")
    by_name = {Path(name).stem: data for name, data in images.items()}
    landmarks = {name.removesuffix("_1_query.txt") for name in truth if "_1_query" in name}
    assert len(landmarks) == SMALL.landmarks
    assert len(truth) == SMALL.landmarks * SMALL.queries * 4
    for landmark in landmarks:
        lists = [truth[f"{landmark}_1_{part}.txt"].decode().split() for part in LIMITS]
        assert all(lists)
        assert len(set().union(*lists)) == sum(map(len, lists)) == SMALL.views
        queries = set()
        for k in range(1, SMALL.queries + 1):
            for part, names in zip(LIMITS, lists, strict=True):
                assert truth[f"{landmark}_{k}_{part}.txt"].decode().split() == names
            name, *box = truth[f"{landmark}_{k}_query.txt"].decode().split()
            assert name.startswith(prefix)
            name = name.removeprefix(prefix)
            assert name in lists[0]
            queries.add(name)
            x1, y1, x2, y2 = map(float, box)
            with Image.open(io.BytesIO(by_name[name])) as image:
                assert max(image.size) == SMALL.size
                assert 0 <= x1 < x2 <= image.width
                assert 0 <= y1 < y2 <= image.height
        assert len(queries) == SMALL.queries
        numbers = sorted(int(name.rsplit("_", 1)[1]) for name in set().union(*lists))
        assert len(set(numbers)) == SMALL.views
        assert numbers[-1] - numbers[0] >= SMALL.views


def test_positions_are_those_of_the_cameras(oxford_archives, tmp_path):
    """A row a picture. Those of a landmark stand around it, those of two sites far apart; and the
    pictures are the same whether positions are written or not."""
    table = tmp_path / "p.csv"
    write_city(SMALL, tmp_path / "i.tgz", tmp_path / "t.tgz", positions=table)
    assert (tmp_path / "i.tgz").read_bytes() == oxford_archives[0].read_bytes()
    head, *lines = table.read_text().splitlines()
    assert head == "image,easting,northing"
    rows = [line.split(",") for line in lines]
    at = {name: np.array([float(east), float(north)]) for name, east, north in rows}
    assert {f"{name}.jpg" for name in at} == set(_read(oxford_archives[0]))
    sites = {name: name if name.startswith("oxford_") else name[:-7] for name in at}
    for one, other in combinations(at, 2):
        apart = np.linalg.norm(at[one] - at[other])
        assert (apart < 500) == (sites[one] == sites[other]), (one, other, apart)
    assert len(set(map(tuple, at.values()))) == len(at)


def test_cameras_stand_where_they_look_from(larger_city):
    """The lines from the cameras of a landmark, in the directions of their azimuths, meet."""
    for landmark in {entry.landmark for entry in larger_city} - {None}:
        own = [entry.picture for entry in larger_city if entry.landmark == landmark]
        places = np.array([picture.place for picture in own])
        across = np.array([(np.cos(each.azimuth), np.sin(each.azimuth)) for each in own])
        along = (across * places).sum(axis=1)
        centre, *_ = np.linalg.lstsq(across, along, rcond=None)
        np.testing.assert_allclose(across @ centre, along, atol=1e-6)
        assert (np.linalg.norm(places - centre, axis=1) > 10).all()


def test_labels_follow_the_measured_share(larger_city):
    for entry in larger_city:
        if entry.landmark is not None:
            low, high = LIMITS[entry.picture.category]
            assert low < entry.picture.share <= high
            assert categorise(entry.picture.share) == entry.picture.category
    assert [categorise(s) for s in (1.0, 0.76, 0.75, 0.26, 0.25, 0.01)] == [
        "good", "good", "ok", "ok", "junk", "junk",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="share: 0"):
        categorise(0)


def test_visible_share_of_a_half_hidden_and_of_a_cut_off_wall():
    atlas = Atlas(0)
    stone = atlas.bay("plain", "honey", "honey")
    wall = owned(panel((0, 0, 0), 0, 8, 8, stone), SUBJECT)
    # Half as far away and half as wide, its right edge on the axis: it hides the left half.
    cover = owned(panel((-1, -10, 0), 0, 2, 8, stone), OTHER)
    mesh, texels = join([wall, cover]), atlas.texels()
    camera = look_at(np.array([0, -20.0, 4]), np.array([0, 0, 4.0]), 200, (200, 200))
    whole = whole_area(wall, texels, camera)
    assert whole == pytest.approx(80 * 80, rel=0.03)
    area = shown(mesh, visible(mesh, texels, camera)[0]).sum()
    assert area / whole == pytest.approx(0.5, abs=0.03)
    # The wall is 80 pixels wide; with the centre at x = 20, a quarter of it leaves the frame.
    cut = replace(camera, centre=(20.0, 100.0))
    assert whole_area(wall, texels, cut) == pytest.approx(whole, rel=0.03)
    area = shown(wall, visible(wall, texels, cut)[0]).sum()
    assert area / whole == pytest.approx(0.75, abs=0.03)


def test_projection_by_hand():
    camera = look_at(np.array([0, -10.0, 2]), np.array([0, 0, 2.0]), 100, (200, 100))
    points = np.array([[0, 0, 2], [1, 0, 3], [-2, 10, 0], [3, -5, 2]])
    expected = [[100, 50, 10], [110, 40, 10], [90, 60, 20], [160, 50, 5]]
    np.testing.assert_allclose(camera.project(points), expected, atol=1e-9)
    rays = camera.rays()
    assert rays.shape == (100, 200, 3)
    np.testing.assert_allclose(rays[50, 100], [0.005, 1, -0.005], atol=1e-6)


def test_a_known_box_covers_the_computed_pixels():
    box = block(rectangle(0, 1, 2, 2), 1, 3, 0)
    camera = look_at(np.array([0, -10.0, 2]), np.array([0, 0, 2.0]), 100, (200, 100))
    ids, inverse = draw(box.corners, camera)
    rows, columns = np.nonzero(ids >= 0)
    # The front is 10 m away: 2 m are 20 pixels around the centre; all else hides behind it.
    assert (columns.min(), columns.max()) == (90, 109)
    assert (rows.min(), rows.max()) == (40, 59)
    np.testing.assert_allclose(inverse[ids >= 0], 0.1, rtol=1e-5)


@pytest.mark.parametrize("flip", [False, True])
def test_the_nearer_of_two_quads_wins(flip):
    near = panel((0, 0, 0), 0, 2, 4, 0).corners
    far = panel((0, 4, 0), 0, 20, 4, 0).corners
    order = [far, near] if flip else [near, far]
    camera = look_at(np.array([0, -8.0, 2]), np.array([0, 0, 2.0]), 40, (64, 48))
    ids, inverse = draw(np.concatenate(order), camera)
    front = 1 if flip else 0
    assert (ids[24, 27:37] == front).all()
    assert ids[24, 20] == ids[24, 44] == 1 - front
    assert inverse[24, 32] == pytest.approx(1 / 8)
    assert inverse[24, 44] == pytest.approx(1 / 12)


def test_a_face_that_passes_the_camera_is_clipped():
    floor = np.array([[[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]]], float)
    camera = look_at(np.array([0, 0, 2.0]), np.array([0, 10, 2.0]), 50, (80, 60))
    ids, inverse = draw(floor, camera)
    assert (ids[:30] == -1).all()
    assert (ids[34:] == 0).all()
    assert inverse[59, 40] == pytest.approx(29.5 / 50 / 2, rel=1e-4)


def test_two_views_of_a_landmark_agree_point_by_point():
    atlas = Atlas(1)
    rng = np.random.default_rng(0)
    mesh = oxford.LANDMARKS["gate_tower"](oxford.kit_for(atlas, "gate_tower"), rng)
    texels, target = atlas.texels(), np.array([0, 4.0, 9])
    first, second = (look_at(np.array([x, -60.0, 3]), target, 150, (192, 144)) for x in (-25, 30))
    ids, inverse = visible(mesh, texels, first)
    hit = ids >= 0
    points = first.position + first.rays()[hit] / inverse[hit][:, None]
    x, y, depth = second.project(points).T
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (column >= 0) & (column < 192) & (row >= 0) & (row < 144)
    other_ids, other_inverse = visible(mesh, texels, second)
    same = other_ids[row[inside], column[inside]] == ids[hit][inside]
    # A point that one camera sees is seen by the other too, or something nearer hides it; the
    # exceptions are silhouettes, where the two grids of pixels differ.
    ratio = other_inverse[row[inside], column[inside]] * depth[inside]
    assert inside.mean() > 0.9
    assert same.mean() > 0.4
    assert (ratio > 0.99).mean() > 0.95


def _average_precision(ranking, positive, ignored) -> float:
    kept = [name for name in ranking if name not in ignored]
    found = np.array([name in positive for name in kept])
    return float((np.cumsum(found) / np.arange(1, len(kept) + 1))[found].mean())


def test_colour_alone_does_not_find_landmarks(larger_city):
    histograms = {}
    for entry in larger_city:
        with Image.open(io.BytesIO(entry.picture.jpeg)) as image:
            bins = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int) // 32
        counts = np.bincount(bins @ (64, 8, 1), minlength=512)
        histograms[entry.name] = np.sqrt(counts / counts.sum())
    scores = []
    for landmark in {e.landmark for e in larger_city} - {None}:
        own = [e for e in larger_city if e.landmark == landmark]
        junk = {e.name for e in own if e.picture.category == "junk"}
        for query in choose_queries(own, 3):
            # The query itself is left out: here it would be a third of the score.
            positive = {e.name for e in own} - junk - {query.name}
            ranking = sorted(
                histograms, key=lambda n: -float(histograms[n] @ histograms[query.name])
            )
            scores.append(_average_precision(ranking, positive, junk | {query.name}))
    assert 0.05 < np.mean(scores) < 0.4


def test_queries_are_good_and_seen_from_different_sides(larger_city):
    own = [e for e in larger_city if e.landmark == "rotunda"]
    chosen = choose_queries(own, 4)
    assert {e.picture.category for e in chosen} == {"good"}
    azimuths = np.sort([e.picture.azimuth for e in chosen])
    assert azimuths[-1] - azimuths[0] > np.radians(20)
    assert (np.diff(azimuths) > 0).all()
    with pytest.raises(ValueError, match="count: 11"):
        choose_queries(own, 11)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"style": "rome"}, "style: 'rome' is not allowed: choose from"),
        ({"seed": -1}, "seed: -1 is not allowed"),
        ({"landmarks": 0}, "landmarks: 0 is not allowed: give 1 to 11"),
        ({"landmarks": 12}, "landmarks: 12 is not allowed: give 1 to 11"),
        ({"queries": 0}, "queries: 0 is not allowed"),
        ({"views": 6}, "views: 6 is not allowed with 5 queries: give at least 7"),
        ({"variety": 1.5}, "variety: 1.5 is not allowed: give a number from 0 to 1"),
        ({"distractors": -1}, "distractors: -1 is not allowed"),
        ({"size": 50}, "size: 50 is not allowed: give a multiple of 4"),
        ({"size": 40}, "size: 40 is not allowed"),
    ],
)
def test_invalid_specifications(change, message):
    valid = CitySpec("oxford", seed=1)
    with pytest.raises(ValueError, match=message):
        replace(valid, **change)


def test_archive_suffix_and_interruption(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"path: 'a\.zip' is not allowed"):
        write_archive(tmp_path / "a.zip", {})

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("embedded_cities.archive.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_archive(tmp_path / "a.tar", {"x": b"1"})
    assert list(tmp_path.iterdir()) == []


def test_progress_sees_every_picture(tmp_path):
    seen = []

    def wrap(steps):
        for step in steps:
            seen.append(step)
            yield step

    spec = replace(SMALL, landmarks=1, queries=1, views=6, distractors=1, size=48)
    write_city(spec, tmp_path / "i.tar", tmp_path / "t.tar", wrap)
    assert seen == list(range(7))  # six views and a distractor


def test_cameras_scale():
    camera = Camera(np.zeros(3), np.eye(3), 10.0, (8.0, 6.0), 16, 12).scaled(2)
    assert (camera.focal, camera.centre, camera.width, camera.height) == (
        20.0,
        (16.0, 12.0),
        32,
        24,
    )
