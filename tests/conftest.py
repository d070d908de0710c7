"""What several tests need: small pictures, small cities, the real subset where it is present."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from few_files import write_few_files
from filelock import FileLock
from hypothesis import settings
from networks import random_network
from PIL import Image
from training_cities import training_images
from workflow_runs import copy_workflow, small_study_config, snakemake
from xdist.scheduler import LoadScopeScheduling

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.query import Query

# The same examples in every run: a failure here is one anywhere.
settings.register_profile("reproducible", derandomize=True)
settings.load_profile("reproducible")

ROOT = Path(__file__).resolve().parent.parent


# The longest files, in this order: the first makes the study that most others wait for
# (`finished_study`), and the second needs none.
FIRST = ("test_workflow.py", "test_real_subset.py", "test_faults.py", "test_own_city.py")

# The marks of tests that may take hours.
TAKE_LONG = ("cluster", "faults", "rehearsal")


def pytest_collection_modifyitems(items):
    """The files that run the workflow begin first: they take longest."""
    for item in items:
        if any(map(item.get_closest_marker, TAKE_LONG)):
            item.add_marker(pytest.mark.timeout(0))

    def rank(item) -> int:
        if item.path.name in FIRST:
            return FIRST.index(item.path.name)
        runs = hasattr(item.module, "snakemake") or "small_study" in item.fixturenames
        return len(FIRST) if runs else len(FIRST) + 1

    # What a file needs once decides for all of it: it is handed out whole.
    ranks: dict[str, int] = {}
    for item in items:
        ranks[item.path.name] = min(rank(item), ranks.get(item.path.name, len(FIRST) + 1))
    items.sort(key=lambda item: ranks[item.path.name])


def pytest_xdist_make_scheduler(config, log):
    return WholeFiles(config, log)


class WholeFiles(LoadScopeScheduling):
    """Hands out files of tests whole."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]


@pytest.fixture
def photograph(tmp_path):
    """A function that writes a JPEG of smooth random colours and returns its path."""

    def write(name: str = "picture.jpg", width: int = 200, height: int = 150, seed: int = 0):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(
            path, quality=95
        )
        return path

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real subset; the test is skipped where it is absent."""
    folder = Path(os.environ.get("POCKETVLAD_DATA", ROOT.parent / "shared" / "real"))
    if not (folder / "oxford_images.tar").is_file():
        pytest.skip(f"the real subset is not in {folder}; set POCKETVLAD_DATA to its folder")
    return folder


@pytest.fixture
def city(photograph):
    """Three landmarks of four pictures each (one smooth pattern, two sizes), four others."""
    sizes = {}
    for number, letter in enumerate("abcx"):
        for k in range(4):
            size = (80, 70) if k % 2 else (90, 90)
            seed = number if letter != "x" else 100 + k
            path = photograph(f"city/{letter}{k}.jpg", *size, seed=seed)
            sizes[path.stem] = size
    queries = tuple(
        Query(
            f"{letter}_1",
            letter,
            f"{letter}0",
            (0, 0, 50, 50),
            good=tuple(f"{letter}{k}" for k in range(4)),
            ok=(),
            junk=(),
        )
        for letter in "abc"
    )
    dataset = Dataset("city", "original", dict(sorted(sizes.items())), {}, queries, 16, 3)
    return training_images(dataset, path.parent)


@pytest.fixture
def network():
    return random_network()


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory):
    """A copy of the workflow in which a small study has run from nothing; its first output.

    All processes that run tests share it, so it is not to be changed.
    """
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    folder, output = common / "finished study", common / "finished study.txt"
    with FileLock(common / "finished study.lock"):
        if not output.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
            copy_workflow(folder)
            config = small_study_config(yaml.safe_load((folder / "config.yaml").read_text()))
            (folder / "small.yaml").write_text(yaml.safe_dump(config))
            said = snakemake(folder, "--cores", "2", "--configfile", "small.yaml")
            output.write_text(said)
    return folder, output.read_text()


@pytest.fixture(scope="module")
def small_study(finished_study, tmp_path_factory):
    """A copy of the finished study of a test file's own; its first output."""
    folder = tmp_path_factory.mktemp("study") / "clone"
    shutil.copytree(finished_study[0], folder, symlinks=True)
    return folder, finished_study[1]


@pytest.fixture(scope="session")
def written_few_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few")
    write_few_files(folder)
    return folder


@pytest.fixture
def few_files(written_few_files, tmp_path, monkeypatch):
    """A folder of one's own with the files of `few_files.py`, and in it."""
    folder = tmp_path / "few"
    shutil.copytree(written_few_files, folder)
    monkeypatch.chdir(folder)
    return folder
