"""The time that is left of a run, against how a run went on in fact."""

import csv

import pytest
from workflow_runs import ROOT, load_config

from pocketvlad.study.config import with_defaults
from pocketvlad.study.files import StudyFiles
from pocketvlad.study.requests import Job, usual_seconds
from pocketvlad.study.time_left import PlannedJob, TimeLeft

CORES = 2


def recorded() -> list[tuple[str, str, float, float]]:
    """Rule, model, and seconds of begin and end of each job of a run of `mini` on two cores, as
    Snakemake has logged it, to a second."""
    with open(ROOT / "tests" / "expected" / "recorded_run.csv", newline="") as file:
        rows = csv.DictReader(file)
        return [(r["rule"], r["model"], float(r["begun"]), float(r["ended"])) for r in rows]


def planned() -> list[PlannedJob]:
    config = with_defaults(load_config(ROOT / "config.yaml"))
    files, found = StudyFiles(config, "results"), []
    for rule, model, _, _ in recorded():
        roles = ("oxford",) if rule == "render_city" else ("oxford", "paris")
        seconds = usual_seconds(rule, Job(config, files, model or None, roles))
        threads = CORES if rule == "measure_speed" else 1
        found.append(PlannedJob((rule, model), seconds, threads))
    return found


def estimates() -> dict[float, float | None]:
    """By second of the run what was said when a job had just ended."""
    left, said, events = TimeLeft(planned()), {}, []
    for number, (rule, model, begun, ended) in enumerate(recorded()):
        # Ends come before begins of the same second; of a job of no time they do not.
        events += [(begun, 1 + (ended == begun) * number, "begin", number, (rule, model))]
        events += [(ended, (ended == begun) * (number + 1.5), "end", number, None)]
    for at, _, what, number, kind in sorted(events, key=lambda each: each[:2]):
        if what == "begin":
            left.begin(number, kind, at)
        else:
            left.end(number, at)
            said[at] = left.seconds(at)
    return said


def test_what_is_said_is_what_follows():
    said, end = estimates(), max(ended for *_, ended in recorded())
    first = min(at for at, seconds in said.items() if seconds is not None)
    assert 0.1 * end < first < 0.2 * end  # not from the drawing of cities alone
    for share in (0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        at = max(second for second in said if second <= share * end)
        assert 1 / 1.4 < said[at] / (end - at) < 1.4, share
    ratios = [said[at] / (end - at) for at in said if first <= at < 0.9 * end]
    assert 0.5 < min(ratios) < max(ratios) < 2


def kinds(*names):
    """A job of each, of which a guess says 10 s."""
    return [PlannedJob(tuple(name.split()), 10.0) for name in names]


def run(left, number, kind, begin, end):
    left.begin(number, tuple(kind.split()), begin)
    left.end(number, end)


def test_a_job_takes_what_those_of_its_model_took_else_those_of_its_rule_else_all():
    names = ["train large", "train large", "train small", "score large", "draw -"]
    left = TimeLeft([*kinds(*names), PlannedJob(("draw", "slow"), 20.0)])
    run(left, 1, "train large", 0, 40)
    # Known is the rule of three jobs: 30 of 70 guessed seconds.
    assert left.seconds(40) is None
    run(left, 2, "score large", 40, 60)
    # One after the other: `train large` 40 s, `train small` as guessed beside it 40, and both of
    # `draw`, guessed at 30, by the two that ended: three times the guess.
    assert left.seconds(60) == pytest.approx(40 + 40 + 30 * 60 / 20)


def test_jobs_at_once_share_the_time():
    left = TimeLeft(kinds(*["train a"] * 6))
    for number in (1, 2):
        left.begin(number, ("train", "a"), 0)
    for number in (1, 2):
        left.end(number, 20)
    assert left.seconds(20) == pytest.approx(4 * 20 / 2)
    left.begin(3, ("train", "a"), 20)
    left.begin(4, ("train", "a"), 20)
    assert left.seconds(35) == pytest.approx((4 * 20 - 2 * 15) / 2)


def test_a_job_that_failed_does_not_run_for_ever():
    """It is still to be done, and one of its like took 20 s of the one core."""
    left = TimeLeft(kinds(*["train a"] * 6))
    left.begin(1, ("train", "a"), 0)
    left.fail(1)
    run(left, 2, "train a", 0, 20)
    run(left, 3, "train a", 20, 40)
    assert left.seconds(40) == pytest.approx(4 * 20)


def test_a_job_on_all_cores_leaves_none_to_others():
    left = TimeLeft([*kinds("train a", "train b"), *[PlannedJob(("time", "a"), 10.0, 2)] * 3])
    for number, kind in ((1, "a"), (2, "b")):
        left.begin(number, ("train", kind), 0)
    for number in (1, 2):
        left.end(number, 10)
    run(left, 3, "time a", 10, 20)
    assert left.seconds(20) == pytest.approx(20)


def test_jobs_that_nobody_planned_are_left_out():
    left = TimeLeft(kinds("train a", "train a"))
    run(left, 9, "other -", 0, 5)
    assert left.seconds(5) is None
    run(left, 1, "train a", 5, 15)
    assert left.seconds(15) == pytest.approx(10)
