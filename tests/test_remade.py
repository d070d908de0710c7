"""What a run makes again is known to the next run where it was killed."""

import json
import subprocess
import sys
import time
from base64 import urlsafe_b64encode

import pytest

from pocketvlad.study.remade import mark_outdated, note_end, note_plan

SNAKEFILE = """
import os
from pocketvlad.study.remade import mark_outdated, note_end, note_plan, planned
from pocketvlad.study.run_lock import alone, begin_run, run_begun
begin_run()
mark_outdated()
onstart:
    run_begun()
    note_plan(planned(workflow.dag), alone())
onsuccess:
    note_end({str(file) for job in workflow.dag.jobs for file in job.output})
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
    shell: "touch started_b; while test -e wait_b; do sleep 0.1; done; test ! -e fail_b; cp a b"
rule other:
    output: "other"
    shell: "touch other"
"""
COMMAND = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-incomplete"]


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
        found = subprocess.run([*COMMAND, *options], capture_output=True, text=True)
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


@pytest.mark.parametrize("failing", ["b", "c"])
def test_a_run_for_a_few_targets_does_not_know_what_follows(tmp_path, study, failing):
    """Its jobs are not those that make `d`."""
    study(failing, content="new", failing=failing)
    assert not (tmp_path / failing).exists()
    study()
    assert (tmp_path / "d").read_text() == "new"
    assert "Nothing to be done" in study("-n")


def test_a_run_beside_it_forgets_nothing(tmp_path, study):
    (tmp_path / "started_b").unlink()
    (tmp_path / "wait_b").touch()
    (tmp_path / "a").write_text("new")
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as first:
        while not (tmp_path / "started_b").exists():
            assert first.poll() is None
            time.sleep(0.1)
        study("other")
        (tmp_path / "fail_b").touch()
        (tmp_path / "wait_b").unlink()
        first.communicate()
    assert first.returncode
    (tmp_path / "fail_b").unlink()
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
    note_plan({"missing": [file, "not there"]}, alone=True)
    mark_outdated()
    marks = FilePersistence(nolock=True)
    assert marks._filter_incomplete_keys({file, "not there", "missing"}) == {file}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', "null"])
def test_a_damaged_note_counts_as_none(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    plans = tmp_path / ".snakemake" / "remade"
    plans.mkdir(parents=True)
    (plans / "earlier.json").write_text(content)
    record = tmp_path / ".snakemake" / "metadata" / urlsafe_b64encode(b"d").decode()
    record.parent.mkdir()
    record.write_text(content)
    mark_outdated()
    (tmp_path / "d").touch()
    note_plan({"c": ["d"], "b": ["c"]}, alone=False)
    assert (plans / "earlier.json").exists()
    note_plan({"c": ["d"], "b": ["c"]}, alone=True)
    [note] = plans.iterdir()
    assert json.loads(note.read_text()) == {"c": ["d"], "b": []}
    mark_outdated()
    assert [each.name for each in (tmp_path / ".snakemake" / "incomplete").iterdir()] == [
        record.name
    ]
    (tmp_path / "b").touch()
    note_end({"b"})
    assert json.loads(note.read_text()) == {"c": ["d"]}
    (tmp_path / "c").touch()
    note_end({"c"})
    assert not note.exists()


def test_what_a_study_no_longer_makes_is_made_again_once(tmp_path, study):
    """A cell that failed, and was taken out of the config."""
    rules = (tmp_path / "Snakefile").read_text()
    with_more = rules.replace('input: "c"\n    output: "d"', 'input: "c", "other"\n    output: "d"')
    assert with_more != rules
    (tmp_path / "Snakefile").write_text(with_more.replace("touch other", "false"))
    first = subprocess.run(COMMAND, capture_output=True, text=True)
    assert first.returncode
    (tmp_path / "Snakefile").write_text(rules)
    study()
    assert "Nothing to be done" in study()
    assert "Nothing to be done" in study("-n")
