"""The wheel: built, installed where nothing of a clone is, and every verb run there.

The dependencies are those of the environment that runs the tests, by a path in a .pth file; its
own installation of PocketVLAD is not seen, since a .pth in such a folder is not followed.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import time
import tomllib
import zipfile
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workflow_runs import ROOT

from pocketvlad.cli.main import VERBS
from pocketvlad.util.code_digest import package_modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "faiss": "faiss-cpu",
    "pillow_heif": "pillow-heif",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
FEW = ("--crops", "4", "--projection-crops", "8", "--trials", "2")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: setuptools leaves folders in what it builds from."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    shutil.copytree(
        ROOT / "pocketvlad", source / "pocketvlad", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "embedded_cities"):
        path = ROOT / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, source / name)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, source], check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `bin` of an environment with the wheel and, of the tests' one, the dependencies."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    subprocess.run([*pip, "--no-index", wheel], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python.parent


@pytest.fixture
def call(installed, few_files):
    """A function that runs a program of that environment and returns what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(program, *words):
        command = [str(installed / program), *map(str, words)]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    return run


def test_the_wheel_holds_the_library_and_its_data_alone(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"pocketvlad", f"pocketvlad-{PROJECT['version']}.dist-info"}
    kept = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "pocketvlad").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert {name for name in names if name.startswith("pocketvlad/")} == kept
    assert any(name.endswith("official/datasets.yaml") for name in kept)
    assert any(name.endswith(".safetensors") for name in kept)


def installed_with(extra):
    """The names of the distributions that an extra brings, those that they need among them."""
    waiting = [Requirement(text) for text in chain(PROJECT["dependencies"], EXTRAS[extra])]
    found = set()
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name not in found:
            found.add(name)
            needed = map(Requirement, metadata.requires(name) or ())
            waiting += [each for each in needed if each.marker is None or each.marker.evaluate()]
    return found


def test_what_describes_without_torch_is_small(wheel):
    """Installed 198 MB on Linux with Python 3.11; the page's runtime is 14 MB of the wheel."""
    names = installed_with("run")
    assert {"numpy", "onnxruntime", "pillow", "safetensors"} <= names
    assert not names & {"faiss-cpu", "numba", "pandas", "scipy", "torch", "torchvision"}
    sizes = [
        file.locate().stat().st_size
        for name in names
        for file in metadata.files(name)
        if file.locate().is_file()
    ]
    with zipfile.ZipFile(wheel) as file:
        sizes += [each.file_size for each in file.infolist()]
    assert 100e6 < sum(sizes) < 230e6


def test_every_verb_runs_outside_of_any_clone(call, few_files):
    """And the library is the wheel's."""
    file = Path(call("python", "-c", "import pocketvlad; print(pocketvlad.__file__)").strip())
    assert "elsewhere" in str(file)
    assert not file.is_relative_to(ROOT)
    for verb in VERBS:
        assert f"usage: pocketvlad {verb}" in call("pocketvlad", verb, "--help")
    assert "backbone.conv1.weight" in call("pocketvlad", "inspect", "small.pvlad")
    assert "14 tensors" in call("pocketvlad", "decode", "small.pvlad", "-o", "d.safetensors")
    said = call("pocketvlad", "describe", "d.safetensors", "a.jpg", "b.jpg", "-o", "rows.npz")
    assert said == "rows.npz: 2 descriptors of 8 numbers\n"
    (few_files / "ground_truth" / "hall_1_query.txt").write_text("oxc1_hall_000001 0 0 9 9")
    words = ("--dataset", "oxford5k", "--partial", "--ground-truth", "ground_truth")
    said = call("pocketvlad", "evaluate", *words, "--descriptors", "descriptors.npz")
    assert "oxford5k: 5 of 5063 images, 1 of 55 queries" in said
    words = ("small.pvlad", "a.jpg", "--database", "holiday", "--figure", "answers.png")
    assert "1.000  holiday/0.jpg" in call("pocketvlad", "search", *words)
    words = ("small.pvlad", "--database", "holiday", "-o", "new.pvmap")
    assert "new.pvmap: 12 places, 12 described now" in call("pocketvlad", "index", *words)
    assert "12 places of 8 bytes (int8)" in call("pocketvlad", "inspect", "new.pvmap")
    words = ("base.safetensors", "--calibration", "holiday", "--megabytes", 0.05, *FEW)
    assert "s.pvlad: 0.0" in call("pocketvlad", "compress", *words, "-o", "s.pvlad")
    for name in ("d.safetensors", "rows.npz", "answers.png", "s.pvlad"):
        assert (few_files / name).stat().st_size > 0


def test_the_lines_of_python_run_outside_of_any_clone(call, few_files):
    lines = """
        import pocketvlad
        model = pocketvlad.load("small.pvlad")
        print(model.describe(["a.jpg", "b.jpg"]).shape)
        print(model.search("a.jpg", "holiday/", top=1)[0].path)
        print(pocketvlad.evaluate("descriptors.npz", "ground_truth/").map)
        few = {"crops": 4, "projection_crops": 8, "trials": 2}
        small = pocketvlad.compress(model, photographs="holiday/", megabytes=0.05, **few)
        small.save("smaller.pvlad")
    """
    said = call("python", "-c", textwrap.dedent(lines))
    assert said.startswith("(2, 8)\nholiday/0.jpg\n0.90")
    assert (few_files / "smaller.pvlad").stat().st_size <= 50_000


@pytest.mark.parametrize("verb", [("inspect",), ("decode", "-o", "d.safetensors")])
def test_looking_into_a_file_takes_no_torch(call, verb):
    code = """
        import sys
        from pocketvlad.cli.main import main
        assert main(sys.argv[1:]) == 0
        print("modules", *sys.modules)
    """
    said = call("python", "-c", textwrap.dedent(code), *verb, "small.pvlad")
    modules = said.rpartition("modules ")[2].split()
    assert "numpy" in modules
    assert not {"torch", "pandas", "PIL", "sklearn"} & {name.split(".")[0] for name in modules}


def test_help_is_there_at_once(call):
    """Of five starts the quickest, less what Python itself takes: the machine may be busy."""

    def quickest(*command):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            call(*command)
            times.append(time.perf_counter() - start)
        return min(times)

    assert quickest("pocketvlad", "--help") - quickest("python", "-c", "pass") < 0.25


def pinned():
    """The exact versions of the study's environment, and of what it may have in addition: by
    distribution, for each Python."""
    versions = {}
    lists = ("requirements.txt", "slurm.txt")
    lines = ((ROOT / "envs" / name).read_text().splitlines() for name in lists)
    for line in chain.from_iterable(lines):
        name, version = re.match(r"([\w.-]+)==([\w.]+)", line).groups()
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *chain(*EXTRAS.values())])
def test_every_declared_range_holds_the_studys_version(text):
    requirement = Requirement(text)
    if requirement.name == PROJECT["name"]:
        assert requirement.extras <= EXTRAS.keys()
        return
    assert len(requirement.specifier), f"{text}: from which version on?"
    for version in pinned()[canonicalize_name(requirement.name)]:
        assert requirement.specifier.contains(version)


def imported(paths):
    """The distributions that files import, anywhere in them."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    names -= {*sys.stdlib_module_names, "pocketvlad"}
    return {DISTRIBUTIONS.get(name, name) for name in names}


def declared(*extras):
    texts = [*PROJECT["dependencies"], *(text for name in extras for text in EXTRAS[name])]
    return {Requirement(text).name for text in texts}


def test_every_import_is_declared():
    found = imported((ROOT / "pocketvlad").rglob("*.py"))
    # It takes another numpy, and so an environment of its own.
    assert found - declared(*(EXTRAS.keys() - {"dev"})) == {"nncodec"}
    assert "nncodec==" in (ROOT / "envs" / "nncodec.txt").read_text()


def test_the_command_needs_its_extra_and_no_others():
    doors = [path for name in ("api", "cli") for path in (ROOT / "pocketvlad" / name).rglob("*.py")]
    sheet = ROOT / "pocketvlad" / "report" / "contact_sheet.py"
    needed = package_modules(doors, ROOT)
    assert sheet in needed
    codecs = ROOT / "pocketvlad" / "data" / "codecs.py"  # asks whether it is there
    hdf5 = ROOT / "pocketvlad" / "retrieval" / "descriptor_formats" / "hdf5.py"  # likewise
    utm = ROOT / "pocketvlad" / "data" / "utm.py"
    assert {hdf5, utm} <= set(needed)
    portable = ROOT / "pocketvlad" / "portable"
    session = portable / "session.py"
    exporters = [portable / f"{name}.py" for name in ("model_file", "traced", "weight_forms")]
    exporters.append(ROOT / "pocketvlad" / "api" / "exporting.py")
    assert {session, *exporters} <= set(needed)
    others = (sheet, codecs, hdf5, utm, session, *exporters)
    assert imported(path for path in needed if path not in others) <= declared("torch")
    assert imported([session]) <= declared("run")
    assert imported(exporters) <= declared("torch", "run", "export")
    assert imported([hdf5]) <= declared("hdf5")
    assert imported([utm]) <= declared("positions")
    assert imported([sheet]) <= declared("figures")
    assert imported([codecs]) <= declared("heic")
