"""What jobs write gets its name when it is complete, whoever writes it."""

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from workflow_runs import ROOT

from pocketvlad.compression.rd.budget import Trial
from pocketvlad.compression.rd.trials import write_trials
from pocketvlad.data.image_folder import link_images
from pocketvlad.format.tensor_file import write_tensors
from pocketvlad.report.figures.style import save_figure
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.fine_tuning import EpochRecord
from pocketvlad.training.history import write_history
from pocketvlad.util import file_lock
from pocketvlad.util.atomic import replacing
from pocketvlad.util.whole_file import write_csv, write_text
from pocketvlad.util.whole_folder import FolderInUseError, replacing_folder


class KilledError(BaseException):
    """In place of SIGKILL at the last moment."""


WRITERS = {
    "text": lambda path: write_text(path, "a"),
    "table": lambda path: write_csv(path, pd.DataFrame({"a": [1]})),
    "history": lambda path: write_history(path, [EpochRecord(0, None, None)]),
    "trials": lambda path: write_trials(path, [Trial(0.1, 2, 3.0)]),
    "large figure.jpg": lambda path: save_figure(plt.figure(figsize=(9, 9)), [path]),
    "figure.png": lambda path: save_figure(plt.figure(figsize=(1, 1)), [path]),
    "tensors": lambda path: write_tensors(path, {"a": np.zeros(3, np.float32)}, {}),
    "checkpoint": lambda path: Checkpoint(path, "x").save({"history": []}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_has_no_name_before_it_is_complete(tmp_path, monkeypatch, name):
    path = tmp_path / name

    def replace(source, target):
        assert Path(source).stat().st_size
        assert Path(source).name.startswith(".")
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(KilledError):
            WRITERS[name](path)
    assert not path.exists()
    WRITERS[name](path)
    assert path.stat().st_size


@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_is_cut_short_has_no_name(tmp_path, name):
    """As by a full disk: of what is written at once the system takes a part, and says how much."""
    import resource

    WRITERS[name](tmp_path / name)
    size = (tmp_path / name).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / f"again-{name}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    try:
        with pytest.raises(Exception, match=r"(?i)too large|os error 27|iostream"):
            WRITERS[name](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.exists()


def test_a_folder_of_links_has_no_name_before_it_is_complete(photograph, tmp_path, monkeypatch):
    photograph("photographs/a.jpg")
    target = tmp_path / "images"

    def rename(*_):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        with pytest.raises(KilledError):
            link_images(tmp_path / "photographs", target)
    assert not target.exists()
    link_images(tmp_path / "photographs", target)
    assert [path.name for path in target.iterdir()] == ["a.jpg"]


def test_a_folder_is_one_process_alone_until_it_has_its_name(tmp_path, monkeypatch):
    """Another that comes just before finds the folder locked: nothing of it is half written."""
    target, rename, came = tmp_path / "city", Path.rename, []

    def interrupted(path, name):
        if not came:
            other = replacing_folder(target)
            came.append(other)
            with pytest.raises(FolderInUseError, match="city is being written by another run"):
                (other.__enter__() / "half").touch()
        return rename(path, name)

    monkeypatch.setattr(Path, "rename", interrupted)
    with replacing_folder(target) as unfinished:
        (unfinished / "whole").touch()
    assert came
    assert [path.name for path in target.iterdir()] == ["whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["city"]
    with replacing_folder(target) as unfinished:
        assert not list(unfinished.iterdir())


def test_a_lock_that_is_removed_locks_nothing(tmp_path, monkeypatch):
    """A process that opens it just before waits for none that is gone, and shares it with none."""
    target, real, came = tmp_path / "city", file_lock.try_lock, []
    first = replacing_folder(target)
    (first.__enter__() / "one").touch()

    def late(file):
        if not came:
            came.append(file)
            first.__exit__(None, None, None)  # between the other's opening and its locking
        return real(file)

    monkeypatch.setattr(file_lock, "try_lock", late)
    with replacing_folder(target) as unfinished:
        (unfinished / "two").touch()
        with pytest.raises(FolderInUseError), replacing_folder(target):
            pass
    assert [path.name for path in target.iterdir()] == ["two"]


def test_a_process_that_is_killed_leaves_a_folder_to_the_next(tmp_path):
    target = tmp_path / "city"
    code = """
import os, pathlib, sys
from pocketvlad.util.whole_folder import replacing_folder
with replacing_folder(pathlib.Path(sys.argv[1])) as unfinished:
    (unfinished / "half").touch()
    os.kill(os.getpid(), 9)
"""
    path = {"PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", code, target], env=os.environ | path)
    assert killed.returncode == -9
    assert not target.exists()
    with replacing_folder(target) as unfinished:
        (unfinished / "whole").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["city"]
    assert [path.name for path in target.iterdir()] == ["whole"]


# Methods that write under the name they are given, as it is.
PLAIN = {"write_text", "write_bytes", "to_csv", "to_json", "savefig", "touch"}


@pytest.mark.parametrize(
    "script", sorted((ROOT / "workflow_scripts").glob("*.py")), ids=lambda path: path.stem
)
def test_scripts_write_whole_files_only(script):
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            plain = name in PLAIN and isinstance(node.func, ast.Attribute)
            found = f"{script.name}:{node.lineno}: {name}"
            assert not plain, found
            assert name != "open", found


def test_what_a_killed_process_has_left_is_removed_by_the_next(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / f".a.csv.{gone.pid}.part.csv"
    alive = tmp_path / f".a.csv.{os.getppid()}.part.csv"
    other = tmp_path / f".b.csv.{gone.pid}.part.csv"
    for path in (left, alive, other):
        path.touch()
    write_text(tmp_path / "a.csv", "a")
    assert not left.exists()
    assert alive.exists()
    assert other.exists()


def test_a_full_disk_is_named_whatever_the_writer_says(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(OSError, match=r"No space left.*a\.safetensors") as caught, replacing(path):
        raise RuntimeError("I/O error: No space left on device (os error 28)")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(RuntimeError, match="something else"), replacing(path):
        raise RuntimeError("something else")
