"""What a run makes again is known to the next run where it was killed."""

import json
import subprocess
import sys

import pytest

from pocketvlad.study.remade import mark_outdated, note_end, note_plan

SNAKEFILE = """
import os
from pocketvlad.study.remade import mark_outdated, note_end, note_plan, planned
mark_outdated()
onstart:
    note_plan(planned(workflow.dag))
onsuccess:
    note_end()
rule all:
    input: "d"
rule d:
    input: "c"
    output: "d"
    shell: "cp c d"
rule c:
    input: "b"
    output: "c", temp("c_too")
    shell: "test ! -e fail_c; cp b c; cp b c_too"
rule b:
    input: "a"
    output: "b"
    shell: "test ! -e fail_b; cp a b"
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A function that runs a chain of four files, of which some jobs fail; what it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)

    def run(*options, failing="", content=None):
        if content is not None:
            (tmp_path / "a").write_text(content)
        for name in failing:
            (tmp_path / f"fail_{name}").touch()
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-incomplete"]
        found = subprocess.run([*command, *options], capture_output=True, text=True)
        assert bool(found.returncode) == bool(failing), found.stderr
        for name in failing:
            (tmp_path / f"fail_{name}").unlink()
        return found.stdout + found.stderr

    run(content="old")
    return run


@pytest.mark.parametrize("failing", ["b", "c"])
def test_results_of_a_missing_file_are_made_again(tmp_path, study, failing):
    study(content="new", failing=failing)
    assert not (tmp_path / failing).exists()
    assert (tmp_path / "d").read_text() == "old"
    assert "Nothing to be done" not in study("-n")
    study()
    assert (tmp_path / "d").read_text() == "new"
    assert "Nothing to be done" in study("-n")


def test_another_target_in_between_does_not_make_it_forgotten(tmp_path, study):
    study(content="new", failing="c")
    study("b")
    study()
    assert (tmp_path / "d").read_text() == "new"


def test_two_failures_one_after_the_other(tmp_path, study):
    study(content="new", failing="b")
    study(failing="b")
    study(failing="c")
    study()
    assert (tmp_path / "d").read_text() == "new"


def test_what_a_user_removes_is_not_made_again(tmp_path, study):
    study(content="new")
    (tmp_path / "b").unlink()
    assert "Nothing to be done" in study()
    assert not (tmp_path / "b").exists()


def test_names_of_any_length_are_marked(tmp_path, monkeypatch):
    """As Snakemake itself looks for them."""
    from snakemake.persistence.file import FilePersistence

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / ".snakemake" / "incomplete").mkdir()
    file = "results/" + "/".join(["city" * 40] * 3) + "/scores.json"
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.touch()
    note_plan({"missing": [file, "not there"]})
    mark_outdated()
    marks = FilePersistence(nolock=True)
    assert marks._filter_incomplete_keys({file, "not there", "missing"}) == {file}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', "null"])
def test_a_damaged_note_counts_as_none(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    note = tmp_path / ".snakemake" / "remade.json"
    note.write_text(content)
    mark_outdated()
    (tmp_path / "d").touch()
    note_plan({"c": ["d"], "b": ["c"]})
    assert json.loads(note.read_text()) == {"c": ["d"]}
    note_end()
    assert json.loads(note.read_text()) == {"c": ["d"]}
    (tmp_path / "c").touch()
    note_end()
    assert not note.exists()
