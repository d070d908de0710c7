"""The fault harness sees what it is for: a process is found, a damaged result is no survival."""

import json
import re
import subprocess
import sys
from base64 import urlsafe_b64encode
from random import Random

import pytest
from faults.campaign import drawn
from faults.kinds import all_kinds
from faults.processes import jobs_in, now, processes_in
from faults.reduced import ASKED, NEVER, STUDIES
from faults.study import NotSurvivedError, Reference, Study
from workflow_runs import ROOT, job_counts, snakemake

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness reads Linux's /proc")

FORKED = """
import sys, time
log = open("logs/small/train_model/vgg16.log", "w")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def study(tmp_path):
    for part in ("reference/results/small", "clone/results/small", "clone/logs/small/train_model"):
        (tmp_path / part).mkdir(parents=True)
    reference = Reference(tmp_path / "reference", "small", {}, {})
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


def note(folder, file, rule, inputs, begin, end, there=True):
    """What Snakemake keeps of a file that a job has made."""
    name = urlsafe_b64encode(file.encode()).decode()
    path = folder / ".snakemake" / "metadata" / f"@{name[:5]}" / name[5:]
    path.parent.mkdir(parents=True, exist_ok=True)
    code = f'    "../workflow_scripts/{rule}_it.py"\n'
    record = {"rule": rule, "code": code, "input": inputs, "starttime": begin, "endtime": end}
    path.write_text(json.dumps(record))
    if there:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)


@pytest.fixture
def noted(tmp_path):
    """A folder in which a study has run."""
    note(tmp_path, "results/small/table.csv", "tabulate", ["results/small/a"], 9.0, 9.5)
    note(tmp_path, "results/small/a", "train", ["results/small/b", "config.yaml"], 4.0, 7.0)
    note(tmp_path, "results/small/b", "draw", [], 1.0, 3.0, there=False)
    note(tmp_path, "results/small/c", "train", [], 2.0, 3.0)
    return tmp_path


def test_a_reference_knows_who_made_what_and_how_long_it_took(noted):
    whole = Reference.of(noted, "small")
    assert whole.made == {
        "train": ["results/small/c", "results/small/a"],
        "tabulate": ["results/small/table.csv"],
    }
    assert whole.seconds == {"draw": 2.0, "train": 3.0, "tabulate": 0.5}
    assert whole.passing == {"results/small/b"}
    assert whole.scripts == {"draw": "draw_it", "train": "train_it", "tabulate": "tabulate_it"}
    # Names of rules are no files: they stand for all.
    assert Reference.of(noted, "small", ["all", "results/small/a"]) == whole
    part = Reference.of(noted, "small", ["results/small/a"])
    assert part.made == {"train": ["results/small/a"]}
    assert part.passing == {"results/small/b"}


def test_what_is_missing_is_left_to_do(noted, tmp_path):
    clone = Study(tmp_path / "clone", "small", Reference.of(noted, "small"))
    made = clone.results / "c"
    made.parent.mkdir(parents=True)
    made.write_text("results/small/c")
    assert clone.has_left("train")
    aims = set()
    for seed in range(40):
        clone.aim("train", Random(seed))
        aims.add(tuple(clone.aimed))
    assert aims == {(), ("results/small/a",)}
    with pytest.raises(NotSurvivedError, match="results/small/a of train is missing"):
        clone.check_all()
    (clone.results / "a").write_text("results/small/a")
    assert not clone.has_left("train")
    clone.aim("train", Random(1))
    assert clone.aimed == ()
    (clone.results / "table.csv").write_text("results/small/table.csv")
    (clone.results / "b").touch()
    with pytest.raises(NotSurvivedError, match="results/small/b is left"):
        clone.check_all()


def all_rules():
    """Names of the workflow's rules that make something."""
    texts = [path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]]
    parts = [part for text in texts for part in re.split(r"^(?=(?:use )?rule )", text, flags=re.M)]
    heads = [re.match(r"(?:use rule \w+ as|rule) (\w+)", part) for part in parts]
    return {
        head[1]
        for head, part in zip(heads, parts, strict=True)
        if head and ("output:" in part or part.startswith("use"))
    }


def test_every_rule_is_disturbed_in_one_of_the_studies(tmp_path):
    """By their dry runs: a new rule has to come into one of them, or into `NEVER`."""
    found = {}
    for name, prepare in STUDIES.items():
        folder = tmp_path / name
        folder.mkdir()
        with prepare(folder) as study:
            study.write_clone(folder / "clone")
            data = {"POCKETVLAD_DATA": str(folder / "clone" / "data")}
            asked = ("-n", "--", *study.targets)
            found[name] = set(job_counts(snakemake(folder / "clone", *asked, environment=data)))
    rules = all_rules()
    assert set(ASKED) == (found["asked"] - found["plain"]) & rules
    assert (found["asked"] | found["plain"]) & rules == rules - NEVER.keys()
