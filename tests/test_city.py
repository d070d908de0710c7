"""Cities in folders: the same answers as with torch, without torch, and files that do not fit."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from few_files import write_photographs
from hypothesis import given
from hypothesis import strategies as st
from page_reader import needs_node, read_cities
from PIL import Image

import pocketvlad
from pocketvlad.cli.main import main
from pocketvlad.format import rans
from pocketvlad.format.error import FormatError
from pocketvlad.format.rans import Contexts
from pocketvlad.maps import parts, steps, turning
from pocketvlad.maps.place_map import MapError
from pocketvlad.portable.city_folder import CityFolder, read_city_folder, write_city_folder
from pocketvlad.util.option_error import OptionError

ABSENT = (
    *("torch", "numba", "faiss", "scipy", "pandas", "sklearn", "tqdm", "yaml", "tabulate", "onnx"),
    *("matplotlib", "snakemake"),
)
"""What an installation of the extra `run` has not."""
WITHOUT = f"""
    import sys
    sys.modules.update(dict.fromkeys({ABSENT}))
"""


def without_torch(lines):
    """What lines of Python print where these packages cannot be imported."""
    code = textwrap.dedent(WITHOUT) + textwrap.dedent(lines)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_city_describes_and_searches_without_torch(few_files):
    model = pocketvlad.load("small.pvlad")
    expected = model.describe(["a.jpg", "holiday/7.jpg"])
    answers = model.search("holiday/7.jpg", "holiday.pvmap", box=(10, 5, 120, 90), top=4)
    said = without_torch("""
        import numpy as np
        import pocketvlad
        with pocketvlad.load("city") as city:
            np.save("rows.npy", city.describe(["a.jpg", "holiday/7.jpg"]))
            for answer in city.search("holiday/7.jpg", box=(10, 5, 120, 90), top=4):
                print(answer.path, f"{answer.similarity:.4f}")
            print(city.title, city.length, city.threshold)
        print("torch" in sys.modules and sys.modules["torch"])
    """)
    np.testing.assert_allclose(np.load("rows.npy"), expected, atol=1e-5)
    lines = [f"{answer.path} {answer.similarity:.4f}" for answer in answers]
    assert said.splitlines() == [*lines, "Holiday 8 None", "None"]


def test_the_command_searches_a_city_without_torch(few_files):
    said = without_torch("""
        from pocketvlad.cli.main import main
        assert main(["search", "city", "a.jpg", "--top", "1"]) == 0
        assert main(["search", "city", "a.jpg", "--database", "city/map.pvmap", "--top", "1"]) == 0
        assert main(["search", "small.pvlad", "a.jpg", "--database", "holiday"]) == 1
    """)
    [answer] = pocketvlad.load("small.pvlad").search("a.jpg", "holiday.pvmap", top=1)
    assert said == f"  1   {answer.similarity:.3f}  0.jpg\n" * 2


def test_what_needs_torch_says_what_to_install(few_files):
    said = without_torch("""
        import pocketvlad
        for ask in (lambda: pocketvlad.load("small.pvlad"), lambda: pocketvlad.compress):
            try:
                ask()
            except ImportError as error:
                print(error)
    """)
    assert [line.count("pip install 'pocketvlad[torch]'") for line in said.splitlines()] == [1, 1]


def test_a_verb_that_needs_torch_says_what_to_install(few_files):
    said = without_torch("""
        sys.stderr = sys.stdout
        from pocketvlad.cli.main import main
        for words in (["inspect", "small.pvlad"], ["export", "small.pvlad", "-o", "x.onnx"]):
            assert main(words) == 1
    """)
    assert [line.count("pip install 'pocketvlad[torch]'") for line in said.splitlines()] == [1, 1]


def test_a_city_asks_for_onnxruntime(few_files, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install 'pocketvlad\[run\]'"):
        pocketvlad.load("city")


def test_weights_may_be_inside(few_files):
    expected = pocketvlad.load("city").describe(["a.jpg"])
    model = pocketvlad.load("small.pvlad")
    pocketvlad.export(model, "city/whole.onnx")
    write_city_folder(few_files / "city", CityFolder(graph="whole.onnx", weights=None))
    np.testing.assert_allclose(pocketvlad.load("city").describe(["a.jpg"]), expected, atol=1e-6)


def manifest(folder, **changes):
    path = folder / "city" / "city.json"
    content = json.loads(path.read_text())
    for key, value in changes.items():
        if key in content["files"]:
            content["files"][key] = value
        else:
            content[key] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"format": 2}, "format 2 is unknown; this program reads 1"),
        ({"title": 3}, "title, threshold or files are malformed"),
        ({"threshold": "low"}, "title, threshold or files are malformed"),
        ({"files": {}}, "title, threshold or files are malformed"),
        ({"weights": 5}, "weights '' is no plain name"),
        ({"model": {"name": "../small.pvlad", "bytes": 1}}, "no plain name of a file"),
        ({"model": {"name": "/etc/passwd", "bytes": 1}}, "no plain name of a file"),
        ({"model": {"name": "a\\b", "bytes": 1}}, "no plain name of a file"),
        ({"model": {"name": "none.pvlad", "bytes": 1}}, "none.pvlad is missing .model."),
        ({"map": {"name": "map.pvmap", "bytes": 1}}, "map.pvmap has .* bytes, city.json says 1"),
    ],
)
def test_a_manifest_that_is_wrong_is_told(few_files, changes, fault):
    manifest(few_files, **changes)
    with pytest.raises(FormatError, match=fault):
        pocketvlad.load("city")


@needs_node
def test_the_page_takes_the_thresholds_that_python_takes(few_files):
    thresholds = [None, -1, 0.5, 1, 1.0, 1.0021, -1.5, 2, 1e300, True, "low", [0.5]]
    taken, manifests = [], []
    for threshold in thresholds:
        manifest(few_files, threshold=threshold)
        manifests.append((few_files / "city" / "city.json").read_bytes())
        try:
            taken.append(read_city_folder(few_files / "city").threshold)
        except FormatError:
            taken.append("refused")
    found = [each.get("threshold", "refused") for each in read_cities(manifests)]
    assert found == taken == [None, -1, 0.5, 1, 1.0, *["refused"] * 7]


def test_a_folder_that_is_no_city_is_told(few_files, capsys):
    assert main(["search", "holiday", "a.jpg"]) == 1
    assert "holiday is no city; pack the city again" in capsys.readouterr().err
    assert main(["describe", "city", "a.jpg", "-o", "rows.npz"]) == 1
    told = "city is a folder; give a model's file (`search` and `serve` take cities)"
    assert told in capsys.readouterr().err
    assert main(["search", "small.pvlad", "a.jpg"]) == 1
    assert "--database: name a folder or a .pvmap file" in capsys.readouterr().err
    assert main(["search", "city", "a.jpg", "--image-size", "50"]) == 1
    assert "--image-size 50: a city has its own size" in capsys.readouterr().err


def test_a_city_is_searched_with_a_picture_of_its_answers(few_files, capsys):
    asked = ["search", "city", "a.jpg", "--photographs", "holiday", "--figure", "found.png"]
    assert main(asked) == 0
    assert "holiday/0.jpg" in capsys.readouterr().out
    with Image.open("found.png") as picture:
        picture.verify()


def test_what_is_no_map_of_a_city_is_told(few_files, capsys):
    for database in ("holiday", "nowhere.pvmap"):
        assert main(["search", "city", "a.jpg", "--database", database]) == 1
        assert f"--database {database}: no file; give a .pvmap" in capsys.readouterr().err


def test_a_backend_that_is_none_is_told_of_a_city_too(few_files, capsys):
    assert main(["search", "city", "a.jpg", "--backend", "nosuch"]) == 1
    assert "--backend nosuch: " in capsys.readouterr().err


def test_a_device_that_is_none_is_told_of_a_city_too(few_files):
    with pytest.raises(OptionError, match="device=gpu: choose among auto, cpu, cuda"):
        pocketvlad.load("city", device="gpu")


def test_the_manifest_stands_for_its_city_in_commands_too(few_files, capsys):
    words = ("a.jpg", "--database", "city/map.pvmap", "--top", "2")
    assert main(["search", "city", *words]) == 0
    found = capsys.readouterr().out
    assert main(["search", "city/city.json", *words]) == 0
    assert main(["search", "city/city.json", "a.jpg", "--top", "2"]) == 0
    assert capsys.readouterr().out == 2 * found
    assert main(["search", "city/city.json", "a.jpg", "--image-size", "96"]) == 1
    assert "a city has its own size of images" in capsys.readouterr().err
    assert main(["describe", "city/city.json", "a.jpg", "-o", "o.npz"]) == 1
    assert "city/city.json is of a city; give a model's file" in capsys.readouterr().err


def test_thumbnails_of_a_city_are_taken_for_no_photographs(few_files, capsys):
    """Answers would be thumbnails, and what is kept of them would be in the way of `pack`."""
    write_photographs(few_files / "city" / "thumbnails", 2)
    before = sorted(path.name for path in (few_files / "city").iterdir())
    for words in (
        ["search", "small.pvlad", "a.jpg", "--database", "city"],
        ["index", "small.pvlad", "--database", "city", "-o", "city.pvmap"],
    ):
        assert main(words) == 1
        assert "city: a city that `pack` has made, whose pictures" in capsys.readouterr().err
    assert sorted(path.name for path in (few_files / "city").iterdir()) == before
    # A file of that name alone makes no city.
    (few_files / "holiday" / "city.json").write_text('{"format": 1, "files": ["0.jpg"]}')
    assert main(["search", "small.pvlad", "a.jpg", "--database", "holiday", "--top", "1"]) == 0


def test_files_of_other_models_are_told(few_files):
    city = few_files / "city"
    base = pocketvlad.load("base.safetensors")
    base.save("city/model.pvlad")
    write_city_folder(city, CityFolder())
    with pytest.raises(FormatError, match=r"graph.onnx was made from another model than .*pvlad"):
        pocketvlad.load("city")
    pocketvlad.export(base, "city/graph.onnx", weights="outside")
    write_city_folder(city, CityFolder())
    with pytest.raises(MapError, match=r"was made with another model .*; pack the city again"):
        pocketvlad.load("city")


@pytest.mark.parametrize("name", ["graph.onnx", "model.pvlad", "map.pvmap", "graph.weights.json"])
def test_a_damaged_file_is_named(few_files, name):
    path = few_files / "city" / name
    data = bytearray(path.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=name):
        pocketvlad.load("city")


def test_a_graph_of_others_is_told(few_files):
    import onnx

    graph = onnx.load("city/graph.onnx", load_external_data=False)
    del graph.metadata_props[:]
    (few_files / "city" / "graph.onnx").write_bytes(graph.SerializeToString())
    write_city_folder(few_files / "city", CityFolder())
    with pytest.raises(FormatError, match=r"graph.onnx cannot be run: its metadata is not that"):
        pocketvlad.load("city")


def test_the_manifest_comes_back_and_may_say_more(few_files):
    city = few_files / "city"
    written = CityFolder(title="Köln", threshold=0.25)
    write_city_folder(city, written, {"thumbnails": ["a.webp"]})
    assert read_city_folder(city) == written
    assert json.loads((city / "city.json").read_text())["thumbnails"] == ["a.webp"]


def test_a_file_that_is_missing_is_told_when_the_manifest_is_written(tmp_path):
    with pytest.raises(FormatError, match=r"graph.onnx is missing"):
        write_city_folder(tmp_path, CityFolder())


@given(
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(2, 5),
    st.integers(0, 1 << 30),
)
def test_symbols_are_the_same_without_numba(rows, columns, models, levels, seed):
    generator = np.random.default_rng(seed)
    symbols = generator.integers(0, levels, (rows, columns), dtype=np.uint8)
    counts = generator.integers(1, 1000, (models, levels))
    frequencies = np.stack([rans.model_frequencies(each) for each in counts])
    contexts = Contexts(
        generator.integers(0, 3, rows).astype(np.int16),
        generator.integers(-2, 2, columns).astype(np.int16),
    )
    data = rans.encode(symbols, frequencies, contexts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rans, "installed", lambda name: False)
        patch.setattr(rans, "_decode", None)
        np.testing.assert_array_equal(rans.decode(data, frequencies, contexts), symbols)
        for damaged in (data[:-4], data + bytes(4)):
            if len(damaged) >= rans.STATE_BYTES:
                with pytest.raises(FormatError):
                    rans.decode(damaged, frequencies, contexts)


def test_the_slots_of_the_plain_decoder_are_the_formats():
    """It has both numbers written out, for they are what its loop does all day."""
    assert rans.TOTAL - 1 == 0xFFFF
    assert rans.TOTAL == 1 << 16
    assert rans._LOWEST == 0x80000000


@pytest.mark.parametrize("code", ["int8", "rotated-bits", "pq4x4", "bits", "float16"])
def test_maps_are_searched_alike_without_faiss_and_scipy(code, few_files, monkeypatch):
    model = pocketvlad.load("small.pvlad")
    write_photographs(few_files / "many", 20)  # product quantization has 16 centres a part
    pocketvlad.index(model, "holiday", "other.pvmap", code=code, training="many")
    [row] = model.describe(["a.jpg"])
    with pocketvlad.open_map("other.pvmap") as places:
        expected = list(places.nearest(row, 12, 64))
    for module in (parts, steps, turning):
        monkeypatch.setattr(module, "installed", lambda name: False)
    with pocketvlad.open_map("other.pvmap") as places:
        found = list(places.nearest(row, 12, 64))
    assert [each[0] for each in found] == [each[0] for each in expected]
    np.testing.assert_allclose(
        [each[1] for each in found], [each[1] for each in expected], atol=1e-5
    )
