"""The file of a map: exact, opened at once, and safe to open whoever made it."""

import io
import json
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
import second_map_decoder
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketvlad.format.error import FormatError
from pocketvlad.format.map_file import MapFile
from pocketvlad.format.map_layout import require_sections, section_of
from pocketvlad.format.map_writer import write_map

NAMES = ["a.jpg", "in/a.jpg", "in/caf\udce9.jpg", "in/köln 1.jpg", "z/y/x.jpg"]
MADE = {"model_sha256": "ab" * 32, "preprocessing": {"mean": [1.5]}, "sizing": {"image_size": 480}}
CODE = {"type": "int8"}
ONE, CENTRES = np.zeros(1, np.float32), np.zeros((3, 7), np.float16)
ENDLESS = np.broadcast_to(np.uint8(0), (1 << 28) + 1)  # of one byte in memory


def generator():
    return np.random.default_rng(0)


def content(places=5, width=7, **changes):
    """What a map of some places is written from."""
    random = generator()
    names = NAMES if places == 5 else [f"{n:07}.jpg" for n in range(places)]
    return {
        "names": names,
        "codes": random.integers(0, 256, (places, width), dtype=np.uint8),
        "code": CODE,
        "parameters": {
            "components": np.array([width], np.int32),
            "low": random.normal(size=width).astype(np.float32),
            "step": np.full(width, 0.25, np.float32),
        },
        "provenance": MADE,
        "stamps": random.integers(0, 256, (places, 8), dtype=np.uint8),
        "positions": random.normal(size=(places, 2)) * 1e6,
        "lists": (np.array([2, 2, places]), random.normal(size=(3, width)).astype(np.float16)),
    } | changes


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "city.pvmap"
    write_map(path, **content())
    return path.read_bytes()


def read(path):
    """All that a reader does with a file."""
    with MapFile(path) as found:
        found.verify()
        found.parameters()
        return found.header, list(found.all_names())


def read_bytes(tmp_path, data):
    path = tmp_path / "odd.pvmap"
    path.write_bytes(data)
    return read(path)


def test_what_is_written_is_read(tmp_path):
    given, path = content(), tmp_path / "city.pvmap"
    size = write_map(path, **given)
    assert size == path.stat().st_size
    with MapFile(path) as found:
        found.verify()
        assert list(found.all_names()) == NAMES
        assert found.names(2, 4) == NAMES[2:4]
        np.testing.assert_array_equal(found.whole("codes"), given["codes"])
        np.testing.assert_array_equal(found.rows("codes", 1, 3), given["codes"][1:3])
        np.testing.assert_array_equal(found.whole("stamps"), given["stamps"])
        assert found.position(3) == tuple(given["positions"][3])
        assert found.list_ends.tolist() == [2, 2, 5]
        np.testing.assert_array_equal(found.whole("list_centres"), given["lists"][1])
        assert found.parameters().keys() == given["parameters"].keys()
        assert found.header.code == CODE
        assert found.header.provenance == MADE
        with pytest.raises(ValueError, match="read-only"):
            found.whole("codes")[0, 0] = 1
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("left_out", [(), ("stamps", "positions", "lists")])
def test_a_second_reader_made_from_the_page_reads_the_same(tmp_path, left_out):
    path = tmp_path / "city.pvmap"
    given = content(70_000, 7, **dict.fromkeys(left_out))  # codes of several blocks
    write_map(path, **given)
    header, arrays, names = second_map_decoder.decode(path.read_bytes())
    assert names == given["names"]
    assert (header["code"], header["provenance"], header["places"]) == (CODE, MADE, 70_000)
    np.testing.assert_array_equal(arrays["codes"], given["codes"])
    np.testing.assert_array_equal(arrays["code.low"], given["parameters"]["low"])
    assert not arrays.keys() & (set(left_out) | {"list_ends"} if left_out else set())
    if not left_out:
        np.testing.assert_array_equal(arrays["positions"], given["positions"])
        np.testing.assert_array_equal(arrays["stamps"], given["stamps"])
        assert arrays["list_ends"].tolist() == [2, 2, 70_000]


def test_a_block_is_checked_when_it_is_first_read(tmp_path):
    """So that opening a map takes no longer where it has more places."""
    path = tmp_path / "city.pvmap"
    write_map(path, **content(70_000))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # of the last place's code
    path.write_bytes(data)
    with MapFile(path) as found:
        found.rows("codes", 0, 60_000)
        for _ in range(2):
            with pytest.raises(FormatError, match=r"city\.pvmap: section codes: block 7"):
                found.rows("codes", 69_999, 70_000)
        with pytest.raises(FormatError, match=r"^\S*city\.pvmap: section codes"):
            found.verify()


def test_every_flipped_byte_is_noticed(tmp_path, small):
    for position in range(0, len(small), 3):
        damaged = bytearray(small)
        damaged[position] ^= 0x10
        with pytest.raises(FormatError, match=r"odd\.pvmap: "):
            read_bytes(tmp_path, bytes(damaged))


@pytest.mark.parametrize("kept", [0, 5, 8, 23, 24, 100, 500, 0.5, 0.999])
def test_every_truncation_is_noticed(tmp_path, small, kept):
    with pytest.raises(FormatError, match=r"odd\.pvmap: "):
        read_bytes(tmp_path, small[: int(kept * len(small)) if isinstance(kept, float) else kept])


def test_trailing_bytes_are_noticed(tmp_path, small):
    with pytest.raises(FormatError, match=r"bytes found, .* expected"):
        read_bytes(tmp_path, small + b"\0")


def parts(data):
    """(header as a dict, bytes of the sections by name) of a file."""
    header, arrays, _ = second_map_decoder.decode(data)
    return header, {name: array.tobytes() for name, array in arrays.items()}


def assemble(header, sections, version=1):
    """A file with valid checksums around whatever `header` says and `sections` hold."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    sums = [
        zlib.crc32(each[start : start + 65536])
        for each in sections
        for start in range(0, len(each), 65536)
    ]
    packed = text + struct.pack(f"<{len(sums)}I", *sums)
    file = io.BytesIO()
    file.write(b"\x89PVMAP\r\n")
    file.write(struct.pack("<HHIII", version, 0, len(text), len(sums), zlib.crc32(packed)))
    file.write(packed)
    for each in sections:
        file.write(bytes(-file.tell() % 64) + each)
    return file.getvalue()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """(header, sections) of a map whose names are text."""
    path = tmp_path_factory.mktemp("map") / "city.pvmap"
    names = [name.replace("\udce9", "e") for name in NAMES]
    write_map(path, **content(names=names))
    return parts(path.read_bytes())


def changed(plain, change=lambda header, sections: None):
    header, sections = json.loads(json.dumps(plain[0])), dict(plain[1])
    change(header, sections)
    return assemble(header, sections.values())


def test_what_is_assembled_here_is_read(tmp_path, plain):
    """Else the refusals below would prove nothing."""
    header, names = read_bytes(tmp_path, changed(plain))
    assert (header.places, names[1]) == (5, NAMES[1])


def entry(header, name):
    return next(each for each in header["sections"] if each[0] == name)


def shape(name, value):
    return lambda header, sections: entry(header, name).__setitem__(2, value)


def kind(name, value):
    return lambda header, sections: entry(header, name).__setitem__(1, value)


def field(name, value):
    return lambda header, sections: header.__setitem__(name, value)


def section(name, array):
    return lambda header, sections: sections.__setitem__(name, array.tobytes())


def more(*given):
    return lambda header, sections: header["sections"].extend(given)


@pytest.mark.parametrize(
    "change",
    [
        field("places", 0),
        field("places", 6),
        field("places", True),
        field("places", 5.0),
        field("places", 1 << 29),
        field("places", -5),
        field("places", 10**4000),
        field("code", "int8"),
        field("provenance", None),
        field("sections", {}),
        field("sections", []),
        field("sections", [["codes", "uint8", [5, 7]]] * 10_000),
        more(["codes", "uint8", [5, 7]]),
        more(["extra", "uint8", [1]]),
        more(["code.", "uint8", [1]]),
        more(["code.big", "uint8", [1 << 37]]),
        more(["code.big", "uint8", [1 << 20, 1 << 20, 1 << 20]]),
        more(["code.big", "float64", [1 << 38]]),
        more(["code.odd", "uint8", [2**70]]),
        more(["code.odd", "object", [1]]),
        more(["code.odd", ["uint8"], [1]]),
        more([["code.odd"], "uint8", [1]]),
        more(["code.odd", "uint8", []]),
        more(["code.odd", "uint8", [1] * 5]),
        more(["code.odd", "uint8", [-1]]),
        more(["code.odd", "uint8", [1.0]]),
        more(["code.odd", "uint8"]),
        more(None),
        shape("codes", [5, 0]),
        shape("codes", [5, 8]),
        shape("codes", [35]),
        shape("codes", [1 << 28, 7]),
        shape("name_ends", [4]),
        shape("names", [1 << 38]),
        shape("positions", [2, 5]),
        shape("list_ends", [4]),
        shape("list_centres", [7, 3]),
        kind("codes", "float32"),
        kind("names", "int8"),
        lambda header, sections: header["sections"].remove(entry(header, "codes")),
        lambda header, sections: header["sections"].remove(entry(header, "names")),
        lambda header, sections: header["sections"].reverse(),
        section("list_ends", np.array([2, 1, 5], "<u4")),
        section("list_ends", np.array([2, 2, 4], "<u4")),
        section("list_ends", np.array([2, 2, 1 << 31], "<u4")),
        section("name_ends", np.array([5, 4, 14, 30, 41], "<u4")),
        section("name_ends", np.array([5, 13, 24, 38, (1 << 32) - 1], "<u4")),
        section("positions", np.array([[0, 0]] * 4 + [[0, np.nan]], "<f8")),
        section("positions", np.array([[0, 0]] * 4 + [[np.inf, 0]], "<f8")),
    ],
)
def test_a_lying_header_is_refused_in_bounded_memory(tmp_path, plain, change):
    data = changed(plain, change)
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(FormatError, match=r"odd\.pvmap: "):
        read_bytes(tmp_path, data)
    assert time.process_time() - begin < 5
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["list_ends", "list_centres", "code.low"])
def test_what_is_read_when_a_map_is_opened_is_bounded(name):
    """A file may claim more than it takes on a disk: one with holes."""
    sections = {
        "names": ("uint8", [9]),
        "name_ends": ("uint32", [5]),
        "list_ends": ("uint32", [3]),
        "list_centres": ("float16", [3, 7]),
        "code.low": ("uint8", [7]),
        "codes": ("uint8", [5, 7]),
    }
    require_sections({key: section_of([key, *each]) for key, each in sections.items()}, 5)
    kind, shape = sections[name]
    sections[name] = kind, [(1 << 28) + 1, *shape[1:]]
    with pytest.raises(FormatError, match=rf"section {name} of .*at most 268435456 are allowed"):
        require_sections({key: section_of([key, *each]) for key, each in sections.items()}, 5)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff\xfe", b" " * ((1 << 20) + 1)],
)
def test_a_header_that_is_none_is_refused(tmp_path, plain, text):
    with pytest.raises(FormatError, match=r"odd\.pvmap: "):
        read_bytes(tmp_path, assemble(text, plain[1].values()))


def test_a_number_in_the_header_that_is_not_finite_is_refused(tmp_path, plain):
    header = plain[0] | {"provenance": {"preprocessing": float("nan")}}
    with pytest.raises(FormatError, match="NaN is no finite number"):
        read_bytes(tmp_path, assemble(header, plain[1].values()))


def test_a_whole_number_in_the_header_that_float64_cannot_hold_is_refused(tmp_path, plain):
    header = plain[0] | {"provenance": {"preprocessing": 10**400}}
    with pytest.raises(FormatError, match=r"odd\.pvmap: .*10000.* is no finite number"):
        read_bytes(tmp_path, assemble(header, plain[1].values()))


def test_counts_beyond_the_file_are_refused(tmp_path, small):
    """Of checksums and of the header's bytes, in the first 24."""
    for at in (12, 16):
        for value in (0, 1, (1 << 32) - 1):
            data = bytearray(small)
            data[at : at + 4] = struct.pack("<I", value)
            with pytest.raises(FormatError, match=r"odd\.pvmap: "):
                read_bytes(tmp_path, bytes(data))


NO_END = [  # of the names: one whose last byte nobody reads, and one that ends behind them
    ([5, 13, 24, 38, 46], "the last name ends at byte 46, section names at 47"),
    ([5, 13, 24, 38, 48], "the last name ends at byte 48, section names at 47"),
]


@pytest.mark.parametrize(("ends", "message"), NO_END)
def test_names_end_with_the_last_name(tmp_path, plain, ends, message):
    path = tmp_path / "odd.pvmap"
    path.write_bytes(changed(plain, section("name_ends", np.array(ends, "<u4"))))
    with pytest.raises(FormatError, match=rf"odd\.pvmap: {message}"):
        MapFile(path)


def test_an_unknown_version_is_named(tmp_path, plain):
    with pytest.raises(FormatError, match=r"version 9\.0 is unknown; this program reads 1"):
        read_bytes(tmp_path, assemble(plain[0], plain[1].values(), version=9))


BAD_NAMES = [
    "",
    "/etc/passwd",
    "../a.jpg",
    "in/../../a.jpg",
    "in/./a.jpg",
    "in//a.jpg",
    "in/",
    "..",
    "c:a.jpg",
    "C:/a.jpg",
    "in\\a.jpg",
    "..\\a.jpg",
    "a\0.jpg",
    "a" * 4097,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_name_leads_out_of_its_folder(tmp_path, plain, name):
    packed = name.encode()
    header, sections = json.loads(json.dumps(plain[0])), dict(plain[1])
    rest = [b"~1", b"~2", b"~3", b"~4"]
    sections["names"] = b"".join([packed, *rest])
    sections["name_ends"] = np.cumsum([len(packed), 2, 2, 2, 2]).astype("<u4").tobytes()
    entry(header, "names")[2] = [len(sections["names"])]
    path = tmp_path / "odd.pvmap"
    path.write_bytes(assemble(header, sections.values()))
    with MapFile(path) as found:
        assert found.names(1, 5) == ["~1", "~2", "~3", "~4"]
        for call in (lambda: found.names(0, 1), lambda: list(found.all_names()), found.verify):
            with pytest.raises(FormatError, match=r"odd\.pvmap: the name of place 0 "):
                call()
    with pytest.raises(ValueError, match="rename it"):
        write_map(tmp_path / "new.pvmap", **content(names=[name, *"bcde"]))
    assert not (tmp_path / "new.pvmap").exists()


@pytest.mark.parametrize(
    ("names", "ends", "message"),
    [
        (["a", "b", "c", "c", "d"], [5], "places 2 and 3 are one, or not in order"),
        (["a", "b", "d", "c", "e"], [5], "places 2 and 3 are one, or not in order"),
        (["a", "b", "a", "b", "c"], [2, 5], "2 names occur twice"),
    ],
)
def test_no_name_occurs_twice(tmp_path, plain, names, ends, message):
    header, sections = json.loads(json.dumps(plain[0])), dict(plain[1])
    sections["names"] = "".join(names).encode()
    sections["name_ends"] = np.arange(1, 6).astype("<u4").tobytes()
    ends = np.resize([*ends, 5], 3)
    sections["list_ends"] = ends.astype("<u4").tobytes()
    entry(header, "names")[2] = [5]
    with pytest.raises(FormatError, match=message):
        read_bytes(tmp_path, assemble(header, sections.values()))
    lists = ends, content()["lists"][1]
    with pytest.raises(ValueError, match=r"new\.pvmap: .*(is there twice|not in order)"):
        write_map(tmp_path / "new.pvmap", **content(names=names, lists=lists))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": np.full((5, 2), np.nan)}, "a position is not finite"),
        ({"positions": np.zeros((4, 2))}, "section positions is"),
        ({"stamps": np.zeros((5, 9), np.uint8)}, "section stamps is"),
        ({"codes": np.zeros((4, 7), np.uint8)}, "section codes is"),
        ({"codes": np.zeros((5, 7), np.int64)}, "a section of int64 numbers"),
        ({"names": [], "codes": np.zeros((0, 7), np.uint8)}, "0 places"),
        ({"provenance": {"mean": float("nan")}}, "not JSON compliant"),
        ({"provenance": {"text": "a" * (1 << 20)}}, "a header of 10.* bytes; at most 1048576 are"),
        ({"provenance": {"mean": 10**400}}, "10000.* is no finite number"),
        ({"parameters": {f"p{n}": ONE for n in range(60)}}, "67 sections; at most 64 are allowed"),
        ({"parameters": {"p": ONE.reshape([1] * 5)}}, "section code.p: 5 dimensions; 1 to 4 are"),
        ({"parameters": {"p": ONE.reshape(())}}, "section code.p: 0 dimensions; 1 to 4 are"),
        ({"parameters": {"p": ONE[:0]}}, "section code.p: a dimension of 0; 1 to 274877906944 are"),
        (
            {"parameters": {"p": ENDLESS}},
            "section code.p of 268435457 bytes; at most 268435456 are",
        ),
        ({"lists": (np.array([2, 5]), ONE.astype(np.float16))}, "2 lists, 1 centres|is float16"),
        ({"lists": (np.array([2, 1, 5]), CENTRES)}, "the ends of its lists are not in order"),
        ({"lists": (np.array([2, 2, 4]), CENTRES)}, "the ends of its lists are not in order"),
        ({"lists": (np.array([-2, 2, 5]), CENTRES)}, "the ends of its lists are not in order"),
    ],
)
def test_what_cannot_be_read_again_is_not_written(tmp_path, monkeypatch, changes, message):
    monkeypatch.setattr("pocketvlad.format.map_writer._write", None)  # before anything is written
    with pytest.raises(ValueError, match=rf"^\S*/new\.pvmap: .*({message})"):
        write_map(tmp_path / "new.pvmap", **content(**changes))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "city.pvmap"
    write_map(path, **content())
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pocketvlad.format.map_writer._write", fail)
    with pytest.raises(OSError, match="disk full"):
        write_map(path, **content(stamps=None))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["city.pvmap"]


def test_same_input_same_bytes(tmp_path, small):
    write_map(tmp_path / "again.pvmap", **content())
    assert (tmp_path / "again.pvmap").read_bytes() == small


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_is_an_error_of_ours(tmp_path_factory, plain, data):
    """With valid checksums: whoever writes a hostile file computes them."""
    header, sections = plain
    text = bytearray(json.dumps(header).encode())
    pieces = [bytearray(each) for each in sections.values()]
    for _ in range(data.draw(st.integers(1, 4))):
        piece = data.draw(st.sampled_from([text, *pieces]))
        place = data.draw(st.integers(0, len(piece) - 1))
        piece[place] = data.draw(st.sampled_from([0, 1, 0x2E, 0x2F, 0x39, 0x5C, 0x7F, 0xFF]))
    path = tmp_path_factory.getbasetemp() / "damaged.pvmap"
    path.write_bytes(assemble(bytes(text), list(map(bytes, pieces))))
    try:
        read(path)
    except FormatError as error:
        assert str(path) in str(error)  # noqa: PT017 - it may end well, too


@pytest.mark.parametrize(
    "ask",
    [
        lambda file: file.whole("codes"),
        lambda file: file.names(0, 1),
        lambda file: file.position(0),
        lambda file: file.parameters(),
        lambda file: file.verify(),
    ],
)
def test_a_closed_map_says_so(small, tmp_path, ask):
    path = tmp_path / "city.pvmap"
    path.write_bytes(small)
    with MapFile(path) as file:
        ask(file)
    with pytest.raises(ValueError, match=r"city\.pvmap is closed; open it again"):
        ask(file)
