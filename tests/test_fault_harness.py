"""The fault harness sees what it is for: a process is found, a damaged result is no survival."""

import subprocess
import sys
from random import Random

import pytest
from faults.campaign import drawn
from faults.kinds import all_kinds
from faults.processes import jobs_in, now, processes_in
from faults.study import NotSurvivedError, Reference, Study

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness reads Linux's /proc")

FORKED = """
import sys, time
log = open("logs/small/train_model/vgg16.log", "w")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def study(tmp_path):
    for part in ("reference", "clone/results/small", "clone/logs/small/train_model"):
        (tmp_path / part).mkdir(parents=True)
    reference = Reference(tmp_path / "reference", {}, [])
    return Study(tmp_path / "clone", "small", reference)


def start(folder, source, name=None):
    command = [sys.executable, "-c", source]
    if name:
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(source)
        command = [sys.executable, str(folder / name)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("name", [None, ".snakemake/scripts/tmpab_1.train_model.py"])
def test_a_job_is_found_by_its_script_or_its_log(study, tmp_path, name):
    begin = now()
    source = FORKED if name is None else FORKED.replace("log =", "#")
    with start(study.folder, source, name) as process:
        assert [found.number for found in jobs_in(study.folder, "train_model")] == [process.pid]
        assert jobs_in(study.folder, "train_model", since=now() + 1) == []
        assert jobs_in(study.folder, "train_model", since=begin - 1) != []
        assert jobs_in(study.folder, "model") == []
        other = tmp_path / "clone2"
        other.mkdir()
        assert list(processes_in(other)) == []
        study.kill_all()
        assert process.wait(10) == -9


@pytest.mark.parametrize("content", ["a,", "b,a", ""])
def test_a_file_that_is_not_whole_is_no_survival(study, content):
    (study.reference.results / "table.csv").write_text("a,b")
    (study.results / ".table.csv.7.part.csv").write_text("a")
    study.check_files()
    (study.results / "table.csv").write_text(content)
    with pytest.raises(NotSurvivedError, match=r"table\.csv"):
        study.check_files()
    (study.results / "table.csv").write_text("a,b")
    study.check_files()
    (study.results / "other.csv").write_text("a,b")
    with pytest.raises(NotSurvivedError, match=r"other\.csv.*no such file"):
        study.check_files()


def test_a_damaged_checkpoint_is_no_survival(study):
    (study.results / "checkpoints").mkdir()
    (study.results / "checkpoints" / "a.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(NotSurvivedError, match="damaged"):
        study.check_files()


@pytest.mark.parametrize(
    ("again", "survived"),
    [
        ("epoch 2 of 3: epoch 3 of 3:", True),
        ("epoch 3 of 3:", True),  # it was over, but for what follows its last print
        ("epoch 1 of 3: epoch 2 of 3:", False),
    ],
)
def test_an_epoch_that_was_over_is_not_done_again(study, again, survived):
    log = study.folder / "logs/small/train_model/vgg16.log"
    log.write_text("epoch 1 of 3:\nepoch 2 of 3:\n")
    study.begun[log] = (log.stat().st_mtime_ns - 1, ["epoch 1 of 3", "epoch 2 of 3"])
    log.write_text(again.replace(": ", ":\n"))
    if survived:
        study.check_epochs()
    else:
        with pytest.raises(NotSurvivedError, match="epoch 1 of 3 again"):
            study.check_epochs()


def test_faults_are_drawn_by_the_seed_and_meet_every_rule():
    kinds, rules = all_kinds(), ["extract_archives", *(f"rule_{number}" for number in range(20))]
    found = drawn(300, kinds, rules, Random(1))
    assert found == drawn(300, kinds, rules, Random(1)) != drawn(300, kinds, rules, Random(2))
    assert {rule for kind, rule in found if kind.name == "job killed"} == set(rules)
    counts = [sum(kind is each for kind, _ in found) for each in kinds]
    assert min(counts) >= 300 // 20
