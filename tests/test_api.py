"""The few lines of Python: docstrings and README run as they stand, and what they promise holds."""

import ast
import doctest
import re
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest
from few_files import NAMES, ROWS
from PIL import Image
from workflow_runs import ROOT

import pocketvlad
from pocketvlad import api
from pocketvlad.data.position_error import PositionError
from pocketvlad.maps.fitted_code import fit
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.place_lists import learnt_centres
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.option_error import OptionError
from pocketvlad.util.seeds import LARGEST_SEED

DOCUMENTED = [f"pocketvlad.api.{module.name}" for module in iter_modules(api.__path__)]


@pytest.mark.parametrize("name", DOCUMENTED)
@pytest.mark.filterwarnings("error")
def test_the_examples_in_docstrings_run(name, few_files):
    result = doctest.testmod(import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize("name", pocketvlad.__all__)
def test_everything_handed_out_is_documented(name):
    handed_out = getattr(pocketvlad, name)
    assert handed_out.__module__ == f"pocketvlad.api.{pocketvlad._MODULES[name]}"
    assert handed_out.__doc__
    assert name in dir(pocketvlad)
    if not isinstance(handed_out, type):
        assert "return" in handed_out.__annotations__
        assert f"pocketvlad.{name}(" in handed_out.__doc__
        assert "Raises:" in handed_out.__doc__


def test_type_checkers_see_what_is_handed_out():
    stub = ast.parse((ROOT / "pocketvlad" / "__init__.pyi").read_text())
    seen = {
        alias.name: node.module
        for node in stub.body
        for alias in node.names
        if alias.name == alias.asname
    }
    assert seen == {name: f"pocketvlad.api.{at}" for name, at in pocketvlad._MODULES.items()}


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'pocketvlad' has no attribute 'nothing'"):
        _ = pocketvlad.nothing


def readme_lines():
    """The block of Python in the README."""
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"(?:^(?:    .*)?\n)+", text, re.M)
    [block] = [textwrap.dedent(block) for block in blocks if "    import pocketvlad\n" in block]
    return block


def test_the_readmes_lines_run(few_files):
    space = {}
    exec(readme_lines(), space)
    rows = space["rows"]
    assert rows.shape == (2, 8)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    # What was compressed describes at once as the file does that it writes.
    np.testing.assert_array_equal(
        space["small"].describe(["a.jpg"]), pocketvlad.load("smaller.pvlad").describe(["a.jpg"])
    )


def modules_after(code):
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(run.stdout.split())


def test_the_package_alone_imports_nothing():
    modules = modules_after("import pocketvlad")
    assert {name for name in modules if name.split(".")[0] == "pocketvlad"} == {"pocketvlad"}


@pytest.mark.parametrize("name", ["inspect", "decode", "evaluate", "recall", "open_map"])
def test_files_and_scores_take_no_torch(name):
    modules = modules_after(f"import pocketvlad\npocketvlad.{name}")
    assert not {"torch", "numba"} & modules


def test_descriptors_in_memory_are_scored_as_those_of_a_file(few_files):
    of_file = pocketvlad.evaluate("descriptors.npz", "ground_truth")
    in_memory = pocketvlad.evaluate((NAMES, ROWS), "ground_truth")
    assert in_memory.map == of_file.map
    assert in_memory.queries().equals(of_file.queries())
    queries = (["hall_1"], ROWS[1:2])
    assert pocketvlad.evaluate((NAMES, ROWS), "ground_truth", query_descriptors=queries).map == (
        of_file.map
    )
    with pytest.raises(ValueError, match=r"^descriptors: 5 names for 4 descriptors"):
        pocketvlad.evaluate((NAMES, ROWS[:4]), "ground_truth")
    with pytest.raises(OptionError, match="metric=l3: choose among cosine, l1, l2"):
        pocketvlad.evaluate((NAMES, ROWS), "ground_truth", metric="l3")


def test_photographs_that_cannot_be_read_are_warned_of(few_files):
    (few_files / "holiday" / "broken.jpg").write_bytes(b"not a jpeg")
    model = pocketvlad.load("small.pvlad")
    with pytest.warns(PhotographWarning, match=r"left out: holiday/broken\.jpg"):
        answers = model.search("a.jpg", "holiday", top=20)
    assert len(answers) == 12


def test_a_single_file_is_no_list_of_files(few_files):
    model = pocketvlad.load("small.pvlad")
    for call in (model.describe, model.usable, lambda file: model.write_descriptors(file, "o.npz")):
        with pytest.raises(TypeError, match=r"photographs='a\.jpg' is one file"):
            call("a.jpg")
    with pocketvlad.load("city") as city:
        assert model.describe([]).shape == city.describe([]).shape == (0, model.length)


def test_options_may_be_of_numpy_and_what_is_none_is_named(few_files):
    model = pocketvlad.load("small.pvlad")
    wanted = model.describe(["a.jpg"], squeeze=(64, 96))
    np.testing.assert_array_equal(model.describe(["a.jpg"], squeeze=np.array([64, 96])), wanted)
    folders = ("places/database", "places/queries")
    result = model.recall(*folders, recall_values=np.array([1, 5]))
    assert str(result) == str(model.recall(*folders, recall_values=[1, 5]))
    with pytest.raises(PositionError, match="cannot be read"):
        model.recall(*folders, positions="")
    for call, message in [
        (lambda: model.recall(*folders, recall_values=5), "recall_values=5: give a list"),
        (lambda: model.describe(["a.jpg"], squeeze=5), "squeeze=5: give"),
        (lambda: model.search("a.jpg", "holiday", box=("x", 2, 3, 4)), "box=.*: give four numbers"),
        (
            lambda: pocketvlad.index(model, "holiday", "n.pvmap", code=5),
            "code=5: map code 5 is",
        ),
        (
            lambda: pocketvlad.evaluate([NAMES, ROWS], "ground_truth"),
            "descriptors=a list: give a file, or a tuple",
        ),
        (
            lambda: pocketvlad.evaluate((NAMES, ROWS), "ground_truth", metric=["l1"]),
            r"metric=\['l1'\]: choose among cosine",
        ),
        (
            lambda: pocketvlad.recall([NAMES, ROWS], (NAMES, ROWS)),
            "descriptors=a list: give a file",
        ),
        (lambda: pocketvlad.recall((NAMES, ROWS), ROWS), "query_descriptors=a ndarray: give a"),
        (lambda: pocketvlad.recall((NAMES, ROWS, 1), (NAMES, ROWS)), "descriptors=a tuple of 3: "),
        (lambda: pocketvlad.evaluate((NAMES, ROWS, 1), "ground_truth"), "=a tuple of 3: give"),
        (
            lambda: pocketvlad.evaluate((["a", "b"], [[1.0, 2.0], [3.0]]), "ground_truth"),
            r"descriptors=rows of several lengths: give names \[N\]",
        ),
    ]:
        with pytest.raises(OptionError, match=message):
            call()


def test_an_impossible_option_is_named(few_files):
    model = pocketvlad.load("base.safetensors")
    for options, message in [
        ({"drop": 0}, "drop=0: give a number, above 0"),
        ({"drop": float("nan")}, "drop=nan: give a number, above 0"),
        ({"megabytes": 1, "projection_crops": 0}, "projection_crops=0: "),
        ({"megabytes": 1, "length": 9}, "length=9: base.safetensors makes .* give 2 to 8"),
        ({"megabytes": 1, "image_size": 0}, "image_size=0: "),
        ({"megabytes": float("inf")}, "megabytes=inf: give a number, above 0"),
        ({"drop": 1, "crops": 4.5}, "crops=4.5: give a whole number, 1 or more"),
        ({"drop": 1, "seed": -1}, "seed=-1: give a whole number, from 0 to 2147483647"),
        ({"drop": 1, "trellis": "no"}, "trellis=no: give true or false"),
        ({}, "give a drop or megabytes"),
        ({"drop": 1, "megabytes": 1}, "give a drop or megabytes"),
    ]:
        with pytest.raises(ValueError, match=message):
            pocketvlad.compress(model, "holiday", **options)
    with pytest.raises(OptionError, match="device=gpu: choose among auto, cpu, cuda"):
        pocketvlad.load("small.pvlad", device="gpu")


@pytest.mark.parametrize(
    "protocol",
    [{"squeeze": [1 << 20, 9]}, {"image_size": 1 << 40}, {"squeeze": 5}, {"image_size": True}],
)
def test_a_models_file_that_says_what_no_image_can_be_says_nothing(few_files, protocol):
    model = pocketvlad.load("small.pvlad")
    model.stored.origin["protocol"] |= protocol
    with pytest.raises(OptionError, match=r"image_size=None: the model's file does not say how"):
        model.describe(["a.jpg"])


def test_an_impossible_option_of_a_map_is_named(few_files):
    model = pocketvlad.load("small.pvlad")
    pocketvlad.index(model, "holiday", "lists.pvmap", lists=3)
    [row] = model.describe(["a.jpg"])
    for file in ("holiday.pvmap", "lists.pvmap"):
        with pocketvlad.open_map(file) as places:
            for top, probes, message in [
                (0, 1, "top=0: give a whole number, 1 or more"),
                (-1, 1, "top=-1: give"),
                (2.5, 1, "top=2.5: give"),
                (1, 0, "probes=0: give a whole number, 1 or more"),
                (1, "all", "probes=all: give"),
            ]:
                with pytest.raises(OptionError, match=message):
                    places.nearest(row, top, probes)
            assert len(list(places.nearest(row, np.int64(2), np.int64(3)))) == 2


def test_a_seed_that_generators_do_not_take_is_told_at_once(few_files, monkeypatch):
    model = pocketvlad.load("small.pvlad")
    monkeypatch.setattr("pocketvlad.retrieval.photographs.photograph", None)
    monkeypatch.setattr("pocketvlad.api.packing.export", None)
    for call in (
        lambda **options: pocketvlad.index(model, "holiday", "n.pvmap", **options),
        lambda **options: pocketvlad.pack(model, "holiday", "n", page=False, **options),
        lambda **options: pocketvlad.compress(model, "holiday", drop=1, **options),
    ):
        for seed in (LARGEST_SEED + 1, 1 << 70, np.uint32(LARGEST_SEED + 1), 1.0):
            with pytest.raises(OptionError, match=r"seed=.*give .* from 0 to 2147483647"):
                call(seed=seed)


def test_the_largest_seed_is_one(few_files):
    rows = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    code = fit(code_named("pq4x4"), rows, LARGEST_SEED)
    assert learnt_centres(code, code.encode(rows), 2, LARGEST_SEED).shape == (2, 8)
    model = pocketvlad.load("small.pvlad")
    for seed in (LARGEST_SEED, np.int64(LARGEST_SEED)):
        options = {"code": "rotated-bits", "lists": 2, "seed": seed}
        assert pocketvlad.index(model, "holiday", f"{type(seed).__name__}.pvmap", **options)
    assert Path("int.pvmap").read_bytes() == Path("int64.pvmap").read_bytes()


def test_numbers_of_numpy_compress_as_pythons_own_do(few_files):
    model = pocketvlad.load("base.safetensors")
    options = {"crops": 4, "projection_crops": 8, "length": 6, "trials": 1, "trellis": True}
    alike = {name: np.array(value)[()] for name, value in options.items()}
    assert {type(value) for value in alike.values()} == {np.int64, np.bool_}
    first = pocketvlad.compress(model, "holiday", megabytes=1, **options)
    second = pocketvlad.compress(model, "holiday", megabytes=np.float32(1), **alike)
    assert (first.content, first.trial) == (second.content, second.trial)


@pytest.mark.parametrize("known", [True, False])
def test_a_compressed_model_has_the_size_that_it_was_compressed_for(few_files, known):
    model = pocketvlad.load("base.safetensors")
    if not known:
        del model.stored.origin["protocol"]
    small = pocketvlad.compress(
        model, "holiday", image_size=72, megabytes=1, crops=4, projection_crops=8, trials=1
    )
    [as_made, as_said] = (small.describe(["a.jpg"], image_size=size) for size in (None, 72))
    np.testing.assert_array_equal(as_made, as_said)
    small.save("72.pvlad")
    pocketvlad.index(pocketvlad.load("72.pvlad"), "holiday", "72.pvmap")
    with PlaceMap(Path("72.pvmap")) as places:
        assert places.file.header.provenance["sizing"]["image_size"] == 72


def test_compressing_at_the_models_own_size_says_so_once(few_files):
    """Files do not change by an option that says what holds anyway."""
    model = pocketvlad.load("base.safetensors")
    options = {"megabytes": 1, "crops": 4, "projection_crops": 8, "trials": 1}
    size = model.stored.origin["protocol"]["image_size"]
    [plain, said] = (
        pocketvlad.compress(model, "holiday", **options, image_size=each) for each in (None, size)
    )
    assert plain.content == said.content


def test_the_photographs_of_a_map_are_no_option_of_a_folder(few_files):
    model = pocketvlad.load("small.pvlad")
    with pytest.raises(OptionError, match=r"photographs=holiday: it is for a map; the database is"):
        model.search("a.jpg", "holiday", photographs="holiday")


def test_labels_of_no_kind_are_told(few_files):
    model = pocketvlad.load("small.pvlad")
    with pytest.raises(OptionError, match=r"labels=a list: give a CSV file, or names by image"):
        pocketvlad.pack(model, "holiday", "city2", labels=["Gate"], page=False)
    assert not Path("city2").exists()


def test_a_killed_search_goes_on_where_it_was(few_files, capsys):
    model = pocketvlad.load("base.safetensors")
    options = {"megabytes": 0.03, "crops": 4, "projection_crops": 8}
    whole = pocketvlad.compress(model, "holiday", **options, trials=2)
    out = capsys.readouterr().out
    assert out.count("trial ") == 2
    told = (
        r"bytes; its descriptors .* by a squared distance of 0\.\d{4}, the mean of other crops (.*)"
    )
    assert re.findall(told, out) == 2 * ["of the photographs that it was rounded on"]
    pocketvlad.compress(model, "holiday", **options, trials=1, work_folder="work")
    assert capsys.readouterr().out.count("trial ") == 1
    first = Path("work/0.1.pvlad")
    made = first.stat().st_mtime_ns
    rest = pocketvlad.compress(model, "holiday", **options, trials=2, work_folder="work")
    assert first.stat().st_mtime_ns == made
    assert rest.content == whole.content
    assert rest.trial == whole.trial


def test_a_search_goes_on_though_its_folder_is_called_otherwise(few_files):
    model = pocketvlad.load("base.safetensors")
    options = {"megabytes": 0.03, "crops": 4, "projection_crops": 8, "work_folder": "work"}
    pocketvlad.compress(model, "holiday", **options, trials=1)
    first = Path("work/0.1.pvlad")
    made = first.stat().st_mtime_ns
    found = pocketvlad.compress(model, Path("holiday").absolute(), **options, trials=2)
    Path("holiday").rename("photographs")
    assert pocketvlad.compress(model, "photographs", **options, trials=2).trial == found.trial
    assert first.stat().st_mtime_ns == made
    # These names hold others out, so that nothing that was found before holds.
    Path("photographs/0.jpg").rename("photographs/99.jpg")
    pocketvlad.compress(model, "photographs", **options, trials=1)
    assert first.stat().st_mtime_ns != made


def test_a_file_that_changed_is_not_saved_as_the_model(few_files):
    model = pocketvlad.load("small.pvlad")
    (few_files / "small.pvlad").write_bytes(b"something else")
    with pytest.raises(OSError, match="has been changed since it was loaded"):
        model.save("copy.pvlad")
    assert not (few_files / "copy.pvlad").exists()


def test_answers_are_drawn(few_files):
    pocketvlad.load("small.pvlad").search("a.jpg", "holiday", box=(0, 0, 120, 110)).draw("s.png")
    assert min(Image.open("s.png").size) > 200
