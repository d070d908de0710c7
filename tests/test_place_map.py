"""Searching a map: what is found is what the codes say, whatever of the file is read."""

import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import second_map_decoder
from threadpoolctl import threadpool_info, threadpool_limits

from pocketvlad.format.error import FormatError
from pocketvlad.format.map_file import MapFile
from pocketvlad.format.map_writer import write_map
from pocketvlad.maps.fitted_code import fit
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.place_map import MapError, PlaceMap, require_code, write_places
from pocketvlad.maps.place_scan import Nearest, PlaceScan

MADE = json.dumps(
    {
        "model_sha256": "ab" * 32,
        "preprocessing": {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0]},
        "sizing": {"image_size": 480, "interpolation": "bilinear"},
    }
)
PLACES, COMPONENTS = 700, 32
has = hasattr
GOLDEN = Path(__file__).parent / "golden"


def unit(rows):
    rows = rows.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def rows():
    """Descriptors about thirty centres."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(30, COMPONENTS))
    chosen = generator.integers(0, 30, PLACES)
    return unit(centres[chosen] + 0.4 * generator.normal(size=(PLACES, COMPONENTS)))


@pytest.fixture(scope="module")
def queries(rows):
    return unit(rows[:20] + 0.1 * np.random.default_rng(1).normal(size=(20, COMPONENTS)))


@pytest.fixture(scope="module")
def names():
    """In no order."""
    return [f"in/{n % 7}/{n}.jpg" for n in np.random.default_rng(2).permutation(PLACES)]


@pytest.fixture
def make(tmp_path, rows, names):
    """A function that writes a map and opens it; what it gives is closed by the test's end."""
    opened = []

    def write(short, **options):
        code = fit(code_named(short), rows, 1)
        path = tmp_path / f"{len(opened)}.pvmap"
        given = {"names": names, "codes": code.encode(rows), "code": code, "made_with": MADE}
        write_places(path, **{**given, **options})
        opened.append(PlaceMap(path))
        return opened[-1]

    yield write
    for each in opened:
        each.close()


def similarities_by_hand(code, queries, rows):
    """[Q, N] The definition: prepare(query) . decode(encode(row)), in double precision."""
    places = code.decode(code.encode(rows)).astype(np.float64)
    return code.prepare(queries).astype(np.float64) @ places.T


@pytest.mark.parametrize("short", ["float32", "float16", "int8", "pq8x4", "bits", "int8-16"])
@pytest.mark.parametrize("lists", [0, 12])
@pytest.mark.parametrize("count", [3, 20])  # few and many are compared in two ways
def test_the_most_similar_places_are_found(make, rows, queries, names, short, lists, count):
    places = make(short, lists=lists, seed=1)
    code = fit(code_named(short), rows, 1)
    expected = similarities_by_hand(code, queries[:count], rows)
    stored = list(places.file.all_names())
    assert sorted(stored) == sorted(names)
    for row, found in zip(expected, places.search(queries[:count], 9), strict=True):
        np.testing.assert_allclose(found.similarities, np.sort(row)[::-1][:9], atol=2e-6)
        by_name = dict(zip(names, row, strict=True))
        own = [by_name[stored[number]] for number in found.numbers]
        np.testing.assert_allclose(own, found.similarities, atol=2e-6)
        assert len(set(found.numbers)) == 9


DECODED = ("float32", "float16-12", "int8", "bits", "rotated-bits-13", "pq8x4", "pq5x4", "pq2x8-21")


@pytest.mark.parametrize("short", [*DECODED, "pq3x4+int8-9", "bits+float16"])
def test_a_second_reader_made_from_the_page_compares_alike(make, queries, short):
    places = make(short)
    header, arrays, names = second_map_decoder.decode(places.path.read_bytes())
    assert names == list(places.file.all_names())
    codes, declared = arrays["codes"], header["code"]
    rows = second_map_decoder.rows_of(declared, arrays, codes)
    np.testing.assert_allclose(places.code.decode(codes), rows, atol=1e-5)
    query = second_map_decoder.prepared(declared, arrays, queries[0])
    np.testing.assert_allclose(places.code.prepare(queries[:1])[0], query, atol=1e-5)
    if (finer := places.code.finer) is not None:
        behind, before = codes[:, places.code.coder.bytes_per_row :], "code.finer."
        declared = finer.declared.as_dict()
        rows = second_map_decoder.rows_of(declared, arrays, behind, before)
        np.testing.assert_allclose(finer.decode(behind), rows, atol=1e-5)
        query = second_map_decoder.prepared(declared, arrays, queries[0], before)
        np.testing.assert_allclose(finer.prepare(queries[:1])[0], query, atol=1e-5)


@pytest.mark.parametrize("label", ["map1-lists", "map1-reranked"])
def test_the_golden_maps_are_read_to_the_same_numbers(label):
    """By both readers. They are never written anew: see tests/golden/README.md."""
    path = GOLDEN / f"{label}.pvmap"
    header, arrays, names = second_map_decoder.decode(path.read_bytes())
    with np.load(GOLDEN / "map1.npz") as stored:
        expected = {name: stored[f"{label}{name}"] for name in ("", "-prepared", "-found")}
        query = stored["query"]
    rows = second_map_decoder.rows_of(header["code"], arrays, arrays["codes"])
    np.testing.assert_allclose(rows, expected[""], atol=1e-6)
    mine = second_map_decoder.prepared(header["code"], arrays, query)
    np.testing.assert_allclose(mine, expected["-prepared"], atol=1e-6)
    with PlaceMap(path) as places:
        places.verify()
        assert list(places.file.all_names()) == names
        codes = places.file.whole("codes")
        np.testing.assert_allclose(places.code.decode(codes), expected[""], atol=1e-6)
        [found] = places.search(query[None], 5)
        assert [names[place] for place in found.numbers] == expected["-found"].tolist()
        if label == "map1-lists":
            # Its names say where they are.
            for place, name in enumerate(names):
                assert places.file.position(place) == tuple(map(float, name.split("@")[1:3]))


def test_parts_of_a_map_are_compared_one_by_one(make, queries, monkeypatch):
    places = make("int8")
    whole = places.search(queries, 9)
    monkeypatch.setattr("pocketvlad.maps.place_map._PART", 50 * COMPONENTS)
    monkeypatch.setattr("pocketvlad.maps.comparison._ROWS", 33)
    for one, other in zip(whole, places.search(queries, 9), strict=True):
        np.testing.assert_array_equal(one.numbers, other.numbers)
    few = places.search(queries[:2], 9)
    for one, other in zip(whole[:2], few, strict=True):
        np.testing.assert_array_equal(one.numbers, other.numbers)


def test_more_answers_than_places_are_all_places(make, queries):
    for places in (make("int8"), make("int8", lists=12)):
        for count in (1, 20):
            found = places.search(queries[:count], 10_000)
            assert sorted(found[0].numbers) == list(range(PLACES))
            assert (np.diff(found[0].similarities) <= 0).all()


def test_ties_go_to_the_first_place():
    nearest = Nearest(2, 3)
    nearest.add(np.array([1, 0, 0, 0]), np.array([5, 7, 8, 9]), np.array([4.0, 1, 2, 2]))
    assert nearest.least.tolist() == [1, -np.inf]
    nearest.add(np.array([0, 0, 0, 1, 1]), np.array([1, 2, 3, 7, 6]), np.array([2.0, 1, 2, 3, 4]))
    assert nearest.least.tolist() == [2, 3]
    numbers, similarities = nearest.best()
    assert numbers.tolist() == [[1, 3, 8], [5, 6, 7]]
    assert similarities.tolist() == [[2, 2, 2], [4, 4, 3]]


@pytest.mark.parametrize("short", ["int8", "float32", "pq8x4", "bits+float32"])
@pytest.mark.parametrize("count", [1, 20])
def test_places_of_one_code_are_answered_in_the_order_of_their_names(make, rows, short, count):
    """Photographs that are there several times, and more of them than answers."""
    copied = rows[np.arange(PLACES) % 30]
    code = fit(code_named(short), rows, 1)
    sorted_names = [f"{number:03}.jpg" for number in range(PLACES)]
    places = make(short, names=sorted_names, codes=code.encode(copied), code=code)
    queries = rows[np.arange(count) % 3]
    best = similarities_by_hand(code.finer or code, queries, copied[:30]).argmax(axis=1)
    codes = code.encode(copied)
    for top in (1, 2, 5, 20):
        for place, found in zip(best, places.search(queries, top), strict=True):
            alike = np.flatnonzero((codes == codes[place]).all(axis=1))
            np.testing.assert_array_equal(found.numbers, alike[:top])


@pytest.mark.parametrize("short", [*DECODED, "pq3x4+int8-9"])
def test_a_place_is_the_same_whatever_is_decoded_beside_it(rows, short):
    """Else copies, of which one is decoded alone, would be no ties, and the similarity of an answer
    would depend on how many are asked for."""
    code = fit(code_named(short), rows, 1)
    codes = code.encode(rows)
    together = code.decode(codes)
    for count in (1, 2, 3, 9):
        parts = [codes[start : start + count] for start in range(0, len(codes), count)]
        np.testing.assert_array_equal(np.concatenate([*map(code.decode, parts)]), together)


@pytest.mark.parametrize("short", [*DECODED, "int8-16", "bits-20+float16", "pq3x4+int8-9"])
@pytest.mark.parametrize("lists", [0, 5])
def test_a_query_is_answered_alike_alone_and_among_others(make, queries, short, lists):
    places = make(short, lists=lists)
    for top, probes in ((1, None), (10, 2), (150, None)):
        together = places.search(queries, top, probes)
        for query, found in zip(queries, together, strict=True):
            [alone] = places.search(query[None], top, probes)
            np.testing.assert_array_equal(found.numbers, alone.numbers)
            np.testing.assert_array_equal(found.similarities, alone.similarities)


def test_equal_ones_at_the_end_of_the_answers_are_the_first(make, rows):
    """Three are better than many that are alike."""
    order = np.argsort(rows[:6] @ rows[0])
    copied = rows[:6][order][np.repeat(np.arange(6), 4)]
    code = fit(code_named("int8"), rows, 1)
    sorted_names = [f"{number:03}.jpg" for number in range(24)]
    places = make("int8", names=sorted_names, codes=code.encode(copied), code=code)
    for top, numbers in ((3, [20, 21, 22]), (6, [20, 21, 22, 23, 16, 17])):
        assert places.search(rows[:1], top)[0].numbers.tolist() == numbers


def faiss_index(coder):
    """faiss's own index of codes in int8."""
    import faiss

    kind = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexScalarQuantizer(len(coder.low), kind, faiss.METRIC_INNER_PRODUCT)
    ranges = np.concatenate([coder.low, 255 * coder.step]).astype(np.float32)
    faiss.copy_array_to_vector(ranges, index.sq.trained)
    index.is_trained = True
    return index


def test_faiss_takes_the_codes_as_they_are(rows, queries):
    """By its own decoder: the bytes mean the same. And it finds the same."""
    coder = fit(code_named("int8"), rows, 1).coder
    codes, index = coder.encode(rows), faiss_index(coder)
    np.testing.assert_allclose(index.sa_decode(codes), coder.decode(codes), atol=1e-6)
    index.add_sa_codes(codes)
    similarities, numbers = index.search(queries, 5)
    found = PlaceScan(coder).nearest(queries, [(np.arange(PLACES), codes)], 5)
    np.testing.assert_array_equal(found[0], numbers)
    np.testing.assert_allclose(found[1], similarities, atol=1e-6)


@pytest.mark.parametrize("short", ["int8", "float32", "rotated-bits", "pq8x4"])
def test_the_answers_are_those_of_double_precision(make, rows, short, monkeypatch):
    """To the last bit: places that differ by less than single precision tells are told apart, and
    neither queries at once, parts nor threads change a number."""
    code = fit(code_named(short), rows, 1)
    generator = np.random.default_rng(5)
    close = unit(rows[0] + 1e-7 * generator.normal(size=(3000, COMPONENTS)))
    codes = code.encode(close)
    if short == "int8":  # one step of one component, which hardly any query sees
        codes = np.repeat(code.encode(rows[:1]), 3000, axis=0)
        codes[np.arange(3000), generator.integers(0, COMPONENTS, 3000)] ^= 1
    names = [f"{number:04}.jpg" for number in range(3000)]
    places = make(short, names=names, codes=codes, code=code)
    asked = unit(rows[0] + 0.1 * generator.normal(size=(25, COMPONENTS)))
    asked[:, 0] *= 1e-6
    decoded = code.decode(codes).astype(np.float64)
    expected = (code.prepare(asked).astype(np.float64)[:, None] * decoded).sum(axis=2)
    whole = places.search(asked, 30)
    for row, found in zip(expected, whole, strict=True):
        np.testing.assert_allclose(found.similarities, np.sort(row)[::-1][:30], rtol=1e-13)
        np.testing.assert_allclose(row[found.numbers], found.similarities, rtol=1e-13)
        ties = found.similarities[1:] == found.similarities[:-1]
        assert (np.diff(found.numbers)[ties] > 0).all()
    monkeypatch.setattr("pocketvlad.maps.place_map._PART", 700 * codes.shape[1])
    monkeypatch.setattr("pocketvlad.maps.comparison._NUMBERS", 37 * COMPONENTS)
    for some in (asked, asked[:1], asked[3:6]):
        with threadpool_limits(3):
            again = places.search(some, 30)
        first = int(np.flatnonzero((asked == some[0]).all(axis=1))[0])
        for one, other in zip(whole[first:], again, strict=False):
            np.testing.assert_array_equal(one.numbers, other.numbers)
            np.testing.assert_array_equal(one.similarities, other.similarities)


@pytest.mark.parametrize("count", [1, 3])  # compared by faiss
def test_where_more_are_as_near_as_faiss_may_find_none_is_missed(make, rows, count):
    """Many that are alike at the end of the answers."""
    code = fit(code_named("int8"), rows, 1)
    codes = np.repeat(code.encode(rows[:3]), [5, PLACES - 10, 5], axis=0)
    order = np.random.default_rng(6).permutation(PLACES)
    names = [f"{number:03}.jpg" for number in range(PLACES)]
    places = make("int8", names=names, codes=codes[order], code=code)
    asked = rows[:count]
    expected = similarities_by_hand(code, asked, rows[:3])[:, np.repeat([0, 1, 2], [5, 690, 5])]
    for row, found in zip(expected[:, order], places.search(asked, 20), strict=True):
        np.testing.assert_array_equal(found.numbers, np.argsort(-row, kind="stable")[:20])


def test_a_faiss_that_takes_no_codes_as_they_lie_gets_a_copy(make, rows, monkeypatch):
    """As versions before 1.11."""
    import faiss

    places, copied = make("int8"), []
    monkeypatch.setattr("pocketvlad.maps.place_map._PART", 300 * COMPONENTS)
    before = places.search(rows[:2], 9)
    real = faiss.copy_array_to_vector
    monkeypatch.setattr(
        "faiss.copy_array_to_vector", lambda array, to: copied.append(array.size) or real(array, to)
    )
    with threadpool_limits(1):
        places.search(rows[:2], 9)
        assert copied == [2 * COMPONENTS]  # the ranges alone
        monkeypatch.setattr("builtins.hasattr", lambda it, name: name != "c_ptr" and has(it, name))
        after = places.search(rows[:2], 9)
    assert sum(copied) == 4 * COMPONENTS + PLACES * COMPONENTS
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.numbers, other.numbers)
        np.testing.assert_array_equal(one.similarities, other.similarities)


@pytest.mark.parametrize(("short", "size"), [("int8", 1e9), ("float32", 1e9), ("pq8x4", 1e3)])
def test_no_product_is_off_by_more_than_its_slack(rows, queries, short, size):
    """Also where numbers are large, as those of a hostile file."""
    coder = fit(code_named(short), size * rows, 1).coder
    codes = coder.encode(size * rows)
    prepared = coder.prepare(queries)
    comparison = coder.comparison(prepared)
    near, slack = comparison.near(codes)
    exact = prepared.astype(np.float64) @ coder.decode(codes).astype(np.float64).T
    off = np.abs(near + comparison.offsets[:, None] - exact)
    assert (off <= slack[:, None]).all()
    assert (slack <= 3e-4 * np.abs(exact).max(axis=1)).all()  # it tells something


def test_a_damaged_part_is_told_from_any_thread(make, queries, monkeypatch):
    places = make("float32")
    monkeypatch.setattr("pocketvlad.maps.place_map._PART", 50 * 4 * COMPONENTS)
    real = MapFile.rows

    def rows(self, name, start, stop):
        if start >= 400:
            raise FormatError(f"{self.path}: block 7 is damaged")
        return real(self, name, start, stop)

    monkeypatch.setattr(MapFile, "rows", rows)
    with threadpool_limits(3), pytest.raises(FormatError, match="block 7 is damaged"):
        places.search(queries, 3)


def test_products_have_their_threads_again_after_a_search(make, queries, monkeypatch):
    """Also where several searches of one program overlap."""
    monkeypatch.setattr("pocketvlad.maps.place_map._PART", 50 * COMPONENTS)
    places = make("int8")

    def counts():
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    with threadpool_limits(2):
        before = counts()
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: places.search(queries, 3), range(8)))
        assert counts() == before
    assert before
    for each in found:
        np.testing.assert_array_equal(each[0].numbers, found[0][0].numbers)


def test_the_first_hundred_are_ranked_again_or_all_answers_if_there_are_more(
    make, rows, queries, names
):
    places = make("bits+int8-16")
    coarse, fine = (fit(code_named(short), rows, 1) for short in ("bits", "int8-16"))
    by_bits = similarities_by_hand(coarse, queries, rows)
    by_int8 = similarities_by_hand(fine, queries, rows)
    stored = list(places.file.all_names())
    at = {name: row for row, name in enumerate(names)}
    for count in (5, 100, 150):
        for query, found in enumerate(places.search(queries, count)):
            own = [at[stored[number]] for number in found.numbers]
            assert len(own) == count
            # Bits tie: the last and the next may be alike.
            least = np.sort(by_bits[query])[::-1][max(count, 100) - 1]
            assert (by_bits[query][own] >= least - 1e-6).all()
            np.testing.assert_allclose(found.similarities, by_int8[query][own], atol=2e-6)
            assert (np.diff(found.similarities) <= 0).all()
            sure = np.flatnonzero(by_bits[query] > least + 1e-6)  # of the first by bits
            better = by_int8[query][sure] > by_int8[query][own].min() + 1e-5
            assert set(sure[better]) <= set(own)


def test_a_part_of_the_lists_has_the_places_of_these_lists(make, rows, queries):
    places = make("float32", lists=12, seed=1)
    centres = places.file.whole("list_centres").astype(np.float64)
    ends = [0, *places.file.list_ends.tolist()]
    stored = places.file.whole("codes").view("<f4").astype(np.float64)
    # A place is in the list whose centre is nearest to it.
    for number, (start, stop) in enumerate(pairwise(ends)):
        assert ((stored[start:stop] @ centres.T).argmax(axis=1) == number).all()
    for query, found in zip(queries, places.search(queries, 7, probes=2), strict=True):
        lists = np.sort(np.argsort(-(centres @ query))[:2])
        inside = np.concatenate([np.arange(ends[n], ends[n + 1]) for n in lists])
        order = inside[np.argsort(-(stored[inside] @ query))][:7]
        np.testing.assert_array_equal(found.numbers, order)
    exact = places.search(queries, 7)
    for probes in (12, 100):
        for one, other in zip(exact, places.search(queries, 7, probes=probes), strict=True):
            np.testing.assert_array_equal(one.numbers, other.numbers)


@pytest.mark.parametrize("short", ["int8", "float32"])
def test_lists_without_places_are_passed_over(make, rows, short):
    """As photographs go, lists become empty; the query's own may be one of them."""
    code = fit(code_named(short), rows, 1)
    own = rows[:3]
    centres = np.vstack([-own[:1], own, -own[1:2]]).astype(np.float16)
    names = ["a.jpg", "b.jpg", "c.jpg"]
    places = make(short, names=names, codes=code.encode(own), lists=5, centres=centres)
    ends = np.array([0, *places.file.list_ends])
    assert (np.diff(ends) == 0).any()
    for query in (-own[:1], -own[1:2]):
        similar = (centres.astype(np.float32) @ query[0]).astype(np.float64)
        similar[np.diff(ends) == 0] = -np.inf
        best = similar.argmax()
        found = places.search(query, 3, probes=1)[0].numbers.tolist()
        assert sorted(found) == list(range(ends[best], ends[best + 1]))


def test_a_long_list_is_read_part_by_part(make, queries, monkeypatch):
    places = make("int8", lists=3, seed=1)
    expected = [each.numbers.tolist() for each in places.search(queries, 9, probes=2)]
    for size in (COMPONENTS, 50 * COMPONENTS):
        monkeypatch.setattr("pocketvlad.maps.place_map._PART", size)
        parts = [len(codes) for _, codes in places._parts([(0, 60), (60, 62), (62, 70), (80, 200)])]
        assert (sum(parts), max(parts)) == (190, size // COMPONENTS)
        assert [each.numbers.tolist() for each in places.search(queries, 9, probes=2)] == expected


def test_a_map_of_long_descriptors_is_verified_and_searched_in_bounded_memory(make):
    """A byte a place stands for 2,000 numbers: 48 MB of them in all."""
    long = unit(np.random.default_rng(3).normal(size=(300, 2000)))
    code = fit(code_named("pq1"), long, 1)
    codes = np.random.default_rng(4).integers(0, 256, (6000, 1), dtype=np.uint8)
    names = [f"{number:04}.jpg" for number in range(6000)]
    places = make("pq1", names=names, codes=codes, code=code)
    for work in (places.verify, lambda: places.search(long[:1], 3)):
        work()  # what is computed once is there
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16e6


def test_an_opened_map_reads_what_it_is_asked_for(make, queries):
    """Of the codes one block alone, for a search in one list."""
    places = make("float32", lists=12, seed=1)
    data = bytearray(places.path.read_bytes())
    begin = len(data) - 4 * COMPONENTS * PLACES
    [place] = places.search(queries[:1], 1, probes=1)[0].numbers
    far = begin + (0 if place > PLACES // 2 else len(data) - begin - 1)
    data[far] ^= 1
    damaged = places.path.with_name("damaged.pvmap")
    damaged.write_bytes(data)
    with PlaceMap(damaged) as found:
        np.testing.assert_array_equal(found.search(queries[:1], 1, probes=1)[0].numbers, [place])
        with pytest.raises(FormatError, match=r"damaged\.pvmap: section codes: block . is damaged"):
            found.search(queries[:1], 1)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model_sha256", "cd" * 32, r"made with another model \(abab.*here cdcd.*pocketvlad index"),
        ("preprocessing", {"mean": [0.0]}, r"another preprocessing \(mean \[1.0, 2.0, 3.0\], here"),
        (
            "sizing",
            {"image_size": 320},
            r"another size \(image_size 480, .*--image-size 480",
        ),
        (
            "sizing",
            {"image_size": 480, "interpolation": "lanczos"},
            r"another size \(interpolation bilinear, here lanczos\); make another map",
        ),
        ("squeezed", True, "was made with"),
    ],
)
def test_a_map_of_another_model_is_refused_by_name(make, key, value, message):
    places = make("int8")
    places.require_made_with(MADE)
    with pytest.raises(MapError, match=rf"0\.pvmap .*{message}"):
        places.require_made_with(json.dumps(json.loads(MADE) | {key: value}))


def test_a_code_longer_than_the_descriptor_is_told_before_any_is_made():
    require_code(code_named("pq8x4"), 16)
    with pytest.raises(MapError, match=r"pq16x4 is for descriptors of 32 .* 16"):
        require_code(code_named("pq16x4"), 16)


def hostile(path, good, **changes):
    """The map `good` with other arrays, its checksums right."""
    with MapFile(good) as found:
        header = found.header
        given = {
            "names": list(found.all_names()),
            "codes": np.array(found.whole("codes")),
            "code": header.code,
            "parameters": {name: np.array(each) for name, each in found.parameters().items()},
            "provenance": header.provenance,
        }
        if "list_ends" in found.sections:
            given["lists"] = found.list_ends, np.array(found.whole("list_centres"))
    write_map(path, **{**given, **changes})


def test_parameters_that_fit_no_code_are_refused(make, tmp_path):
    good, path = make("int8", lists=12, seed=1), tmp_path / "odd.pvmap"
    parameters = {name: np.array(each) for name, each in good.file.parameters().items()}
    centres = np.array(good.file.whole("list_centres"))
    infinite = centres.copy()
    infinite[3, 3] = np.inf
    for changes in (
        {"code": {"type": "int9"}},
        {"code": {}},
        {"code": {"type": "int8", "length": -3}},
        {"code": {"type": "int8", "rerank": "int8+int8"}},
        {"code": {"type": "float32"}},
        {"code": {"type": "float32"}, "parameters": {"components": np.array([COMPONENTS], "<i4")}},
        {"parameters": {}},
        {"parameters": parameters | {"more": np.zeros(3, np.float32)}},
        {"parameters": parameters | {"step": np.full(COMPONENTS, np.nan, np.float32)}},
        {"parameters": parameters | {"step": np.zeros(COMPONENTS, np.float32)}},
        {"parameters": parameters | {"low": parameters["low"].astype(np.float64)}},
        {"parameters": parameters | {"low": parameters["low"][:-1]}},
        {"parameters": parameters | {"components": np.array([-1], np.int32)}},
        {"parameters": parameters | {"components": np.array([2**31 - 1], np.int32)}},
        {"codes": np.zeros((PLACES, 5), np.uint8)},
        {"lists": (good.file.list_ends, infinite)},
        {"lists": (good.file.list_ends, centres[:, :-1])},
    ):
        hostile(path, good.path, **changes)
        with pytest.raises(FormatError, match=r"odd\.pvmap: "):
            PlaceMap(path).close()


def test_codes_of_no_row_are_refused_when_they_are_read(make, tmp_path, queries):
    good, path = make("float16"), tmp_path / "odd.pvmap"
    codes = np.array(good.file.whole("codes"))
    codes.view("<f2")[5, 5] = np.nan
    hostile(path, good.path, codes=codes)
    with PlaceMap(path) as found:
        for call in (found.verify, lambda: found.search(queries[:1], 1)):
            with pytest.raises(FormatError, match=r"odd\.pvmap: .*not finite"):
                call()
    rerank = make("bits+float16")
    codes = np.array(rerank.file.whole("codes"))
    codes[7, -2:] = [0, 0x7C]  # infinity, of the finer code
    hostile(path, rerank.path, codes=codes)
    with PlaceMap(path) as found, pytest.raises(FormatError, match=r"odd\.pvmap: .*not finite"):
        found.verify()


def test_queries_that_are_none_are_refused(make, queries):
    places = make("int8")
    for odd in (queries[:, :-1], queries[0], np.full((1, COMPONENTS), np.nan, np.float32)):
        with pytest.raises(ValueError, match="descriptor"):
            places.search(odd, 3)


def test_more_lists_than_places_are_refused(make):
    with pytest.raises(ValueError, match="700 places cannot be put into 701 lists"):
        make("int8", lists=701)


def test_the_same_seed_writes_the_same_file(make):
    one, other = (make("pq8x4", lists=12, seed=3) for _ in range(2))
    assert one.path.read_bytes() == other.path.read_bytes()
