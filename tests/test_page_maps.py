"""The page's reader of maps, written from docs/format.md alone: the same answers, or refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import test_map_file
from page_reader import needs_node, read_maps, run_node
from test_place_map import COMPONENTS, DECODED, MADE, fit, hostile, unit
from workflow_runs import ROOT

from pocketvlad.format.error import FormatError
from pocketvlad.format.map_file import MapFile
from pocketvlad.format.map_writer import write_map
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.place_map import PlaceMap, write_places

pytestmark = needs_node

GOLDEN = Path(__file__).parent / "golden"
PLACES = 300
NO_QUERY = np.zeros((0, COMPONENTS), np.float32)


@pytest.fixture(scope="module")
def rows():
    return unit(np.random.default_rng(0).normal(size=(PLACES, COMPONENTS)))


def written(path, short, rows, lists=0):
    code = fit(code_named(short), rows, 1)
    names = [f"in/{number:04}.jpg" for number in range(len(rows))]
    options = {"lists": lists, "seed": 1} if lists else {}
    made = {"names": names, "codes": code.encode(rows), "code": code, "made_with": MADE}
    write_places(path, **made, **options)
    return path


@pytest.mark.parametrize("label", ["map1-lists", "map1-reranked"])
def test_the_golden_maps_are_read_to_the_same_numbers(label):
    with np.load(GOLDEN / "map1.npz") as stored:
        expected = {name: stored[f"{label}{name}"] for name in ("", "-prepared", "-found")}
        query = stored["query"]
    [found], _ = read_maps([(GOLDEN / f"{label}.pvmap").read_bytes()], [query[None]])
    np.testing.assert_allclose(found["rows"][0], expected[""], atol=1e-6)
    np.testing.assert_allclose(found["prepared"][0][0], expected["-prepared"], atol=1e-6)
    names = [found["names"][answer["place"]] for answer in found["answers"][0]]
    assert names == expected["-found"].tolist()
    if label == "map1-lists":
        for name, position in zip(found["names"], found["positions"], strict=True):
            assert position == list(map(float, name.split("@")[1:3]))


def test_every_code_is_searched_as_python_does(tmp_path, rows):
    shorts = [*DECODED, "pq3x4+int8-9", "bits+float16"]
    queries = unit(rows[:6] + 0.1 * np.random.default_rng(1).normal(size=(6, COMPONENTS)))
    # Lists are left aside: a search of all places finds the same.
    lists = dict.fromkeys(shorts, 0) | {"int8": 5}
    paths = [
        written(tmp_path / f"{number}.pvmap", short, rows, lists[short])
        for number, short in enumerate(shorts)
    ]
    data = [path.read_bytes() for path in paths]
    found, _ = read_maps(data, [queries] * len(data), 150)
    for path, page in zip(paths, found, strict=True):
        with PlaceMap(path) as places:
            code, codes = places.code, places.file.whole("codes")
            assert page["names"] == list(places.file.all_names())
            assert page["code"] == places.file.header.code
            cut = code.coder.bytes_per_row
            for number, (each, part) in enumerate(((code, codes), (code.finer, codes[:, cut:]))):
                if each is None:
                    continue
                np.testing.assert_allclose(page["rows"][number], each.decode(part), atol=1e-5)
                prepared = each.prepare(queries)
                np.testing.assert_allclose(page["prepared"][number], prepared, atol=1e-5)
            probes = {"probes": places.lists} if places.lists else {}
            answers = places.search(queries, 150, **probes)
        for mine, theirs in zip(page["answers"], answers, strict=True):
            similarities = [answer["similarity"] for answer in mine]
            np.testing.assert_allclose(similarities, theirs.similarities, atol=1e-5)
            # Codes of few bytes have places that are equally similar but for rounding.
            near = np.abs(np.diff(theirs.similarities)) < 2e-5
            alone = ~(np.append(near, True) | np.insert(near, 0, True))
            numbers = np.array([answer["place"] for answer in mine])
            np.testing.assert_array_equal(numbers[alone], theirs.numbers[alone])
            assert alone.sum() > 20 or "float32" not in page["code"]["type"]


def refused(tmp_path, files):
    """Whether each of `files` is refused, by both readers alike."""
    path, expected = tmp_path / "odd.pvmap", []
    for data in files:
        path.write_bytes(data)
        try:
            with PlaceMap(path) as places:
                places.verify()
                list(places.file.all_names())
        except FormatError:
            expected.append(True)
        else:
            expected.append(False)
    found, used = read_maps(files, [NO_QUERY] * len(files))
    assert [("refused" in each) for each in found] == expected
    assert used["memory"] < 400e6
    return expected


@pytest.fixture
def good(tmp_path):
    """(path, header, sections) of a map with all sections."""
    path = tmp_path / "good.pvmap"
    given = test_map_file.content()
    given["names"] = [name.replace("\udce9", "e") for name in given["names"]]
    write_map(path, **given)
    return path, *test_map_file.parts(path.read_bytes())


def test_names_that_do_not_end_with_the_last_one_are_refused_in_the_same_words(good, tmp_path):
    plain, path = good[1:], tmp_path / "odd.pvmap"
    for ends, message in test_map_file.NO_END:
        change = test_map_file.section("name_ends", np.array(ends, "<u4"))
        path.write_bytes(test_map_file.changed(plain, change))
        [found], _ = read_maps([path.read_bytes()], [NO_QUERY])
        with pytest.raises(FormatError) as mine:
            MapFile(path)
        assert (str(mine.value), found["refused"]) == (f"{path}: {message}", message)


def test_damaged_maps_are_refused(good, tmp_path):
    data = good[0].read_bytes()
    files = [data[:kept] for kept in (0, 5, 8, 23, 24, 100, 500, len(data) // 2, len(data) - 1)]
    for position in range(0, len(data), 11):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        files.append(bytes(damaged))
    for at in (12, 16):
        for value in (0, 1, (1 << 32) - 1):
            files.append(data[:at] + value.to_bytes(4, "little") + data[at + 4 :])
    assert all(refused(tmp_path, [*files, data + b"\0"]))
    assert refused(tmp_path, [data]) == [False]


def test_hostile_maps_with_right_checksums_are_refused(good, tmp_path):
    _, header, sections = good
    plain = header, sections
    [mark] = test_map_file.test_a_lying_header_is_refused_in_bounded_memory.pytestmark
    files = [test_map_file.changed(plain, change) for change in mark.args[1]]
    [mark] = test_map_file.test_a_header_that_is_none_is_refused.pytestmark
    files += [test_map_file.assemble(text, sections.values()) for text in mark.args[1]]
    files += [test_map_file.assemble(header, sections.values(), version) for version in (0, 2, 9)]
    [mark] = test_map_file.test_no_name_occurs_twice.pytestmark
    for names, ends, _ in mark.args[1]:
        files.append(with_names(plain, [name.encode() for name in names], np.resize([*ends, 5], 3)))
    for name in test_map_file.BAD_NAMES:
        files.append(with_names(plain, [name.encode(), b"~1", b"~2", b"~3", b"~4"], [2, 2, 5]))
    assert all(refused(tmp_path, files))
    names = [b"caf\xe9", b"b", b"a", b"c", b"d"]
    longer = with_names(plain, sorted(names), [5, 5, 5], b"behind the last")
    files = [test_map_file.changed(plain), with_names(plain, sorted(names), [5, 5, 5]), longer]
    assert refused(tmp_path, files) == [False, False, True]


def with_names(plain, names, list_ends, behind=b""):
    """The map with other names."""
    header, sections = json.loads(json.dumps(plain[0])), dict(plain[1])
    sections["names"] = b"".join([*names, behind])
    sections["name_ends"] = np.cumsum([len(name) for name in names]).astype("<u4").tobytes()
    sections["list_ends"] = np.asarray(list_ends, "<u4").tobytes()
    test_map_file.entry(header, "names")[2] = [len(sections["names"])]
    return test_map_file.assemble(header, sections.values())


def test_parameters_that_fit_no_code_are_refused(tmp_path, rows):
    int8 = written(tmp_path / "int8.pvmap", "int8", rows)
    with MapFile(int8) as file:
        low, step = (np.array(file.parameters()[name]) for name in ("low", "step"))
    components = np.array([COMPONENTS], np.int32)
    held = {"components": components, "low": low, "step": step}
    changes = [
        {"code": {"type": "int9"}},
        {"code": {}},
        {"code": {"type": ["int8"]}},
        {"code": {"type": "int8", "length": -3}},
        {"code": {"type": "int8", "length": 5}},
        {"code": {"type": "int8", "rerank": "int8+int8"}},
        {"code": {"type": "int8", "rerank": "int8"}},
        {"code": {"type": "int8", "rerank": 5}},
        {"code": {"type": "float32"}},
        {"code": {"type": "float32"}, "parameters": {"components": components}},
        {"code": {"type": "product-quantization", "bytes": COMPONENTS}},
        {"code": {"type": "product-quantization", "bytes": 0}},
        {"code": {"type": "bits"}},
        {"parameters": {}},
        {"parameters": held | {"more": np.zeros(3, np.float32)}},
        {"parameters": held | {"step": np.full(COMPONENTS, np.nan, np.float32)}},
        {"parameters": held | {"step": np.zeros(COMPONENTS, np.float32)}},
        {"parameters": held | {"low": low.astype(np.float64)}},
        {"parameters": held | {"low": low[:-1]}},
        {"parameters": held | {"components": np.array([-1], np.int32)}},
        {"parameters": held | {"components": np.array([2**31 - 1], np.int32)}},
        {"codes": np.zeros((PLACES, 5), np.uint8)},
    ]
    files, path = [], tmp_path / "changed.pvmap"
    for change in changes:
        hostile(path, int8, **change)
        files.append(path.read_bytes())
    half = written(tmp_path / "half.pvmap", "float16", rows)
    with MapFile(half) as file:
        codes = np.array(file.whole("codes"))
    codes.view("<f2")[5, 5] = np.nan
    hostile(path, half, codes=codes)
    assert all(refused(tmp_path, [*files, path.read_bytes()]))


def test_mutated_maps_are_judged_alike(good, tmp_path):
    """With checksums that are right, a few bytes anywhere in the header or in a section."""
    _, header, sections = good
    generator, files = np.random.default_rng(0), []
    for _ in range(150):
        text = bytearray(json.dumps(header).encode())
        pieces = [bytearray(each) for each in sections.values()]
        for _ in range(generator.integers(1, 5)):
            piece = [text, *pieces][generator.integers(0, len(pieces) + 1)]
            values = [0, 1, 0x2E, 0x2F, 0x39, 0x5C, 0x7F, 0xFF]
            piece[generator.integers(0, len(piece))] = generator.choice(values)
        files.append(test_map_file.assemble(bytes(text), list(map(bytes, pieces))))
    assert 30 < sum(refused(tmp_path, files)) < 150


def test_a_descriptor_that_is_none_is_told_as_what_it_is(tmp_path, rows):
    """A number that is not finite, and a descriptor of another length, have other causes."""
    path = written(tmp_path / "city.pvmap", "int8", rows)
    told = """
        const [, file, components] = process.argv;
        const { readFileSync } = await import("node:fs");
        const { openMap } = await import("./page/src/format/map_file.js");
        const { PlaceMap } = await import("./page/src/retrieval/place_map.js");
        const map = new PlaceMap(openMap(new Uint8Array(readFileSync(file))));
        for (const [count, value] of [[Number(components), NaN], [1, 0]]) {
          try {
            map.search(new Float32Array(count).fill(value), 1);
          } catch (error) {
            console.log(error.message);
          }
        }
    """
    run = run_node("--input-type=module", "-e", told, path, COMPONENTS, cwd=ROOT)
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        "the descriptor of the picture is not finite: the network diverged",
        f"the map has descriptors of {COMPONENTS} numbers, the network gives 1; pack the city "
        "again",
    ]
