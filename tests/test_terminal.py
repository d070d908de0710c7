"""What the terminal shows of a run: a line a job, why one failed, the table in its width."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from study_tables import study_table

from pocketvlad.report.tables.narrow import narrow_baselines, narrow_table
from pocketvlad.study.terminal import Terminal, make_quiet
from pocketvlad.study.time_left import PlannedJob

JOB = {"wildcards": {"model": "vgg16", "seed": "1"}, "log": []}

FAILED = {**JOB, "rule_msg": None, "indent": False}


UNWRITTEN = """RuleException:
OSError in file "rules/train.smk", line 47:
[Errno 28] No space left on device
  File "tempfile.py", line 501, in __exit__"""


@pytest.fixture
def terminal():
    """Two jobs of a rule and one of another are to run; what is shown comes as a list."""
    shown = []
    made = Terminal(logging.Formatter("usual: %(message)s"), shown=["tabulate_preview"])

    def tell(event=None, message="", level=logging.INFO, at=0.0, **fields):
        record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
        record.created = at
        vars(record).update({"event": event} if event else {}, **fields)
        if made.filter(record):
            shown.append(made.format(record))

    tell("run_info", "Job stats", stats={"train": 1, "score": 2, "total": 3})
    shown.clear()
    # The guess says that a training takes ten times as long.
    guesses = {"train": 30.0, "score": 3.0}
    made.plan(PlannedJob((rule, "vgg16"), guesses[rule]) for rule in ("train", "score", "score"))
    return shown, tell


def run(tell, number, rule, begin, end, done, total=3, **fields):
    tell("job_info", at=begin, jobid=number, rule_name=rule, **JOB | fields)
    tell("job_finished", at=end, job_id=number)
    tell("progress", at=end, done=done, total=total)


def test_a_line_a_job_with_progress_and_time_left(terminal):
    shown, tell = terminal
    run(tell, 7, "train", 0.0, 100.0, done=1)
    # Of `score` there is a guess: a tenth of the one that has ended, one at a time.
    assert shown == ["1 of 3        20 s left  train vgg16 1  (2 min)"]
    run(tell, 8, "score", 100.0, 110.0, done=2)
    assert shown[1:] == ["2 of 3        10 s left  score vgg16 1  (10 s)"]
    run(tell, 9, "score", 110.0, 120.0, done=3)
    assert shown[2:] == ["3 of 3         0 s left  score vgg16 1  (10 s)"]


def test_nothing_is_said_of_the_time_before_it_is_known(terminal):
    shown, tell = terminal
    run(tell, 8, "score", 0.0, 10.0, done=1)
    assert shown == ["1 of 3                   score vgg16 1  (10 s)"]


def test_what_snakemake_says_of_each_job_is_left_out(terminal):
    shown, tell = terminal
    tell("job_started", jobs=[1])
    tell("shellcmd", "python x")
    tell("resources_info", "Provided cores: 2")
    tell(message="Select jobs to execute...")
    assert shown == []
    tell(message="Complete log(s): a.log")
    tell(message="careful", level=logging.WARNING)
    tell("error", "WorkflowError: no", level=logging.ERROR)
    assert shown == [
        "usual: Complete log(s): a.log",
        "usual: careful",
        "usual: WorkflowError: no",
    ]


KILLED = "Command 'python x' died with <Signals.SIGKILL: 9>."
LOG = """10 images
Traceback (most recent call last):
  File "inner.py", line 3
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "outer.py", line 7
    raise ImageError(
image_file.ImageError: 2 images are too small:
  a.jpg
  b.jpg
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            LOG,
            "image_file.ImageError: 2 images are too small:\n    a.jpg\n    b.jpg",
        ),
        ("10 images\n", KILLED),
    ],
)
def test_a_failed_job_has_its_reason_and_its_log(terminal, tmp_path, text, reason):
    shown, tell = terminal
    log = tmp_path / "a.log"
    log.write_text(text)
    fields = {"rule_name": "score", "jobid": 5, **FAILED, "log": [str(log), "a.tsv"]}
    tell("job_info", **fields)
    fault = f"RuleException:\nCalledProcessError in file x:\n{KILLED}"
    tell("error", fault, level=logging.ERROR)
    tell("job_error", level=logging.ERROR, **fields)
    assert shown == [f"FAILED  score vgg16 1\n  {reason}\n  log: {log}"]


def test_a_job_for_which_snakemake_could_not_write_says_what_to_do(terminal, tmp_path):
    """The disk was full before the job could begin: it has no log."""
    shown, tell = terminal
    fields = {"rule_name": "score", "jobid": 5, **FAILED, "log": [str(tmp_path / "a.log")]}
    tell("job_info", **fields)
    tell("error", UNWRITTEN, level=logging.ERROR)
    tell("job_error", level=logging.ERROR, **fields)
    fault = f"{Path.cwd()}: [Errno 28] No space left on device; make room on the disk"
    assert shown[0].startswith(f"FAILED  score vgg16 1\n  {fault}")
    assert len(shown) == 1
    # What is no refusal is shown as it is.
    tell("error", "OSError in file x:\n[Errno 5] Input/output error", level=logging.ERROR)
    assert "Input/output error" in shown[1]


def test_a_job_that_a_cluster_ended_has_the_reason_that_the_cluster_gave(terminal, tmp_path):
    """It killed the job, or never began it: the job's own log says nothing."""
    shown, tell = terminal
    (cluster := tmp_path / "slurm-7.log").write_text("Killed\n")
    fields = {**FAILED, "log": [str(tmp_path / "a.log"), "a.tsv", str(cluster)]}
    message = "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'."
    tell("error", f"CalledProcessError\n{KILLED}", level=logging.ERROR)
    tell("job_error", level=logging.ERROR, rule_name="train", jobid=4, **FAILED)
    shown.clear()
    tell(
        "job_error",
        level=logging.ERROR,
        rule_name="score",
        jobid=5,
        **fields | {"rule_msg": message},
    )
    assert shown == [f"FAILED  score\n  {message}\n  log: {cluster}"]
    # The reason of one job is not that of the next.
    tell("job_error", level=logging.ERROR, rule_name="score", jobid=6, **FAILED)
    assert shown[1:] == ["FAILED  score\n  no reason is known\n  log: none"]


def test_of_a_group_only_the_job_that_failed_is_called_failed(terminal, tmp_path):
    shown, tell = terminal
    (log := tmp_path / "a.log").write_text(LOG)
    (other := tmp_path / "b.log").write_text("10 images\n")
    tell("group_error", "Error in group scores", level=logging.ERROR)
    for number, path in enumerate([other, log]):
        fields = {**FAILED, "log": [str(path)], "indent": True}
        tell("job_error", level=logging.ERROR, rule_name="score", jobid=number, **fields)
    first, *others = filter(None, shown)
    assert first == "usual: Error in group scores"
    assert [each.splitlines()[-1] for each in others] == [f"  log: {log}"]


def test_what_somebody_has_to_know_is_below_the_jobs_line(terminal, tmp_path):
    shown, tell = terminal
    logs = {name: tmp_path / f"{name}.log" for name in ("few", "many", "none")}
    logs["few"].write_text("images: 3\nnote: left out: a\x07.jpg is empty\n17 images\n")
    logs["many"].write_text("".join(f"note: left out: {number}.jpg\n" for number in range(7)))
    logs["none"].write_text("17 images, none of which needs a note: \n")
    for number, log in enumerate(logs.values(), 1):
        run(tell, number, "score", 0.0, 10.0, done=number, log=[str(log)])
    few, many, none = shown
    assert few.splitlines()[1:] == ["  note: left out: a\x07.jpg is empty", f"  log: {logs['few']}"]
    assert many.splitlines()[1:] == [
        *(f"  note: left out: {number}.jpg" for number in range(5)),
        "  note: 2 more, in the log",
        f"  log: {logs['many']}",
    ]
    assert "\n" not in none


def test_the_preview_is_shown_when_it_is_there(terminal, tmp_path):
    shown, tell = terminal
    log = tmp_path / "preview.log"
    log.write_text("model  MB\n")
    run(tell, 3, "tabulate_preview", 0.0, 1.0, done=1, log=[str(log)], wildcards=None)
    assert shown[0].splitlines()[1:] == ["", "model  MB"]


@pytest.mark.parametrize("asked", ["dryrun", "verbose", "printshellcmds", "quiet"])
def test_what_the_user_asks_for_is_left_as_it_is(asked):
    logger, handler = logging.Logger("snakemake"), logging.StreamHandler()
    handler.name, usual = "DefaultStreamHandler", logging.Formatter()
    handler.setFormatter(usual)
    logger.addHandler(handler)
    nothing = dict.fromkeys(("dryrun", "verbose", "printshellcmds"), False) | {"quiet": set()}
    make_quiet(SimpleNamespace(**nothing | {asked: {"rules"}}), logger)
    assert handler.formatter is usual
    make_quiet(SimpleNamespace(**nothing), logger)
    assert isinstance(handler.formatter, Terminal)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_of_the_table_is_wider_than_the_terminal(tmp_path, width):
    table = study_table()
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    head, *lines, _ = narrow_table(path, width).splitlines()
    assert max(map(len, [head, *lines])) <= width
    assert len(lines) == len(table)
    if width == 120:
        drops = [float(line.split()[-1]) for line in lines]
        assert drops == pytest.approx(list(table["dense_drop_mean"]), abs=0.051)


@pytest.mark.parametrize("width", [1, 9, 37, 38, 39, 45, 52, 60, 67, 78])
def test_no_number_of_a_table_is_cut(tmp_path, width):
    """That of 126.24 MB would become another one."""
    path = tmp_path / "table.csv"
    study_table().to_csv(path, index=False)
    whole = [line.split() for line in narrow_table(path, 200).splitlines()[:-1]]
    for line, words in zip(narrow_table(path, width).splitlines()[:-1], whole, strict=True):
        shown = line.split()
        if len(shown) > 1:
            assert set(shown) <= set(words)


def test_the_table_says_by_which_queries_and_has_no_negative_zero(tmp_path):
    path = tmp_path / "table.csv"
    table = study_table().assign(dense_drop_mean=-0.04)
    table.to_csv(path, index=False)
    *lines, notes = narrow_table(path, 80).splitlines()
    assert {line.split()[-1] for line in lines} == {"drop", "0.0"}
    assert notes == "mAP in %, dense queries   * smallest at no drop   + smallest within 2 points"
    table[[name for name in table if "dense" not in name]].to_csv(path, index=False)
    *_, notes = narrow_table(path, 80).splitlines()
    assert notes == (
        "mAP in %, official queries   * smallest at no drop   + smallest within 2 points"
    )


def test_columns_are_left_out_by_what_they_are_worth(tmp_path):
    """Cities go before the ratio, and the ratio before the drop."""
    path = tmp_path / "table.csv"
    study_table().to_csv(path, index=False)
    heads = [narrow_table(path, width).splitlines()[0].split() for width in range(40, 130, 2)]
    left_out = [set(heads[-1]) - set(head) for head in heads]
    assert all("drop" not in gone or "smaller" in gone for gone in left_out)
    assert all("smaller" not in gone or {"oxford", "paris"} <= gone for gone in left_out)


def test_a_test_set_has_the_figure_of_the_queries_that_it_has(tmp_path):
    """The official ones where it has no dense ones; none where positions alone are known."""
    path = tmp_path / "table.csv"
    table = study_table()
    for name in ("york", "bath", "leeds"):
        table[f"dataset_{name}"] = name
    table.assign(dense_map_york=12.34, map_york=1.0, map_bath=45.67).to_csv(path, index=False)
    head, first, *_ = narrow_table(path, 200).splitlines()
    assert "york  official bath  drop" in head
    assert " ".join(first.split()).rpartition(" ")[0].endswith(" 12.3 45.7")
    assert "leeds" not in head


def test_baselines_by_queries(tmp_path):
    path = tmp_path / "baselines.csv"
    path.write_text(
        "model,state,map_oxford,dense_map_oxford,seeds\n"
        "histogram,,30.88,18.09,\nvgg16,trained,78.9,74,1\n"
    )
    assert narrow_baselines(path, 80).splitlines() == [
        "               oxford  dense oxford",
        "histogram        30.9          18.1",
        "vgg16 trained    78.9          74.0",
    ]
