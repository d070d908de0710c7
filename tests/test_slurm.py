"""A reduced study `mini` on a Slurm cluster of three nodes, which the tests start and stop.

`make cluster`, or `pytest -m cluster`: minutes. Skipped where Slurm cannot be started.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from slurm_cluster import Cluster, missing, slurm_cluster, wait_until
from workflow_runs import (
    QUICK_ROUNDING,
    STUDIES,
    copy_workflow,
    shrink_cities,
    small_model,
    snakemake,
)

pytestmark = pytest.mark.cluster

STUDY = "reduced.yaml"
LONG = 3600.0  # seconds; a minute or two where nothing else runs
LOCAL = ("--cores", "2", "--configfile", STUDY)
# What the profile leaves to the cluster at hand: this one keeps no accounts, and is quick.
ON_CLUSTER = (
    *("--profile", "profiles/slurm", "--slurm-no-account", "--slurm-keep-successful-logs"),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
    *("--latency-wait", "10", "--group-components", "scores=4", "tables=1000"),
    "--printshellcmds",  # logs of Slurm's jobs then say what Snakemake began in each
    *("--configfile", STUDY),
)


def write_study(folder: Path) -> Path:
    """A copy of the workflow with one model of `mini`, one of its cells and one of `rd`."""
    copy_workflow(folder)
    config = small_model(yaml.safe_load((folder / "config.yaml").read_text()))
    config["study"] = "reduced"
    shrink_cities(config)
    block = {"quantizers": ["kmeans"], "bits": [5], "codebooks": ["fixed"]}
    config["grid"] = [{"thresholds": ["0.01"], "l1": ["0"], **block}]
    config["rd"] = {"distortions": ["0.2"], **QUICK_ROUNDING}
    (folder / STUDY).write_text(yaml.safe_dump(config))
    return folder


def results(folder: Path) -> dict[str, bytes]:
    """What must be the same in every run: tables of scores, and every model file."""
    made = folder / "results" / "reduced"
    names = ["table.csv", "table_seeds.csv", "recall.csv", "baselines.csv", "answer.rst"]
    names += [str(path.relative_to(made)) for path in sorted(made.glob("models/**/*.pvlad"))]
    names += [str(path.relative_to(made)) for path in sorted(made.glob("models/**/*.safetensors"))]
    return {name: (made / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def on_one_machine(tmp_path_factory):
    """The results of the study without a cluster."""
    folder = write_study(tmp_path_factory.mktemp("local") / "clone")
    snakemake(folder, *LOCAL)
    return results(folder)


@pytest.fixture
def plugin():
    if find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("Snakemake's plugin for Slurm is not installed (make slurm)")


@pytest.fixture
def cluster(plugin):
    if reason := missing():
        pytest.skip(reason)
    # Not pytest's folder: the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        with slurm_cluster(folder, memory=8000) as running:
            yield running
    finally:
        shutil.rmtree(folder)


class Run:
    """Snakemake on a cluster, in the background.

    folder: of the study; what it prints goes to `snakemake.txt` there.
    """

    def __init__(self, folder: Path, cluster: Cluster, *targets: str) -> None:
        self._printed = folder / "snakemake.txt"
        with self._printed.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *targets, *ON_CLUSTER],
                cwd=folder,
                env=os.environ | cluster.environment,
                stdout=log,
                stderr=log,
            )

    @property
    def printed(self) -> str:
        return self._printed.read_text(errors="replace")

    def finish(self) -> None:
        """Wait for its end, which must be a success."""
        assert self.process.wait(LONG) == 0, self.printed[-5000:]

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def outputs_by_job(folder: Path) -> dict[str, set[str]]:
    """By number of a job of Slurm what jobs of Snakemake it began: their lines of outputs."""
    logs = folder.glob(".snakemake/slurm_logs/**/*.log")
    return {
        path.stem: set(re.findall(r"^\s*output: (.+)$", path.read_text(errors="replace"), re.M))
        for path in logs
    }


def made_again(folder: Path, hit: set[str]) -> set[str]:
    """Outputs that several jobs of Slurm began, though those before the last were not `hit`."""
    by_job = outputs_by_job(folder)
    found = set()
    for output in set().union(*by_job.values()):
        *earlier, _ = sorted((job for job in by_job if output in by_job[job]), key=int)
        found |= {output} if set(earlier) - hit else set()
    return found


def running(cluster: Cluster, *rules: str) -> list[dict[str, str]]:
    """Jobs that run now and have one of these rules in them."""
    return [job for job in cluster.jobs("RUNNING") if any(rule in job["comment"] for rule in rules)]


def wait_for_job(run: Run, cluster: Cluster, folder: Path, *rules: str) -> dict[str, str]:
    """The first job with one of these rules that is seen at work: it has begun a job of Snakemake's
    and not ended."""

    def at_work() -> list[dict[str, str]]:
        assert run.process.poll() is None, run.printed[-5000:]
        begun = outputs_by_job(folder)
        return [job for job in running(cluster, *rules) if begun.get(job["id"])]

    return wait_until(at_work, LONG, f"a job of {' or '.join(rules)} at work")[0]


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("config", STUDIES)
def test_no_group_waits_for_itself(tmp_path, config):
    """Snakemake refuses groups that paths of jobs leave and enter again, in a dry run, too."""
    folder = copy_workflow(tmp_path / "clone")
    data = tmp_path / "data"
    data.mkdir()
    names = ("oxford_images.tar", "oxford_gt.tgz", "paris_images.tar", "paris_gt.tgz")
    for name in (*names, "vgg16_features.pth"):
        (data / name).touch()
    environment = {"POCKETVLAD_DATA": str(data)}
    options = ("-n", "--profile", "profiles/slurm", "--slurm-status-command", "squeue")
    output = snakemake(folder, *options, "--configfile", config, environment=environment)
    assert "Group job tables" in output


def test_cities_are_indexed_as_on_one_machine(tmp_path, cluster):
    """The first stage alone: two jobs of Slurm, a city each."""
    folder = write_study(tmp_path / "clone")
    with Run(folder, cluster, "data") as run:
        run.finish()
    made = {path: path.read_bytes() for path in folder.glob("results/reduced/data/*/dataset.json")}
    assert len(made) == 2
    assert len(outputs_by_job(folder)) == 2
    shutil.rmtree(folder / "results")
    snakemake(folder, *LOCAL[:2], "data", *LOCAL[2:])
    assert {path: path.read_bytes() for path in made} == made


def test_a_broken_cluster_gives_the_table_of_one_machine(tmp_path, cluster, on_one_machine):
    """A job is cancelled, the controller restarts, a node dies, Snakemake is killed: each costs
    the jobs that it hit."""
    folder = write_study(tmp_path / "clone")
    hit = set()
    with Run(folder, cluster) as run:
        job = wait_for_job(run, cluster, folder, "initialise_model")
        cluster.command("scancel", job["id"])
        hit.add(job["id"])

        wait_for_job(run, cluster, folder, "train_model", "prune_model")
        cluster.restart_controller()

        node = wait_for_job(run, cluster, folder, "prune_model", "round_model")["node"]
        hit |= {job["id"] for job in cluster.jobs("RUNNING") if job["node"] == node}
        cluster.kill_node(node)

        wait_for_job(run, cluster, folder, "evaluate_model")
        run.process.kill()
        run.process.wait()

    # As docs/cluster.md says.
    hit |= {job["id"] for job in cluster.jobs("RUNNING", "PENDING")}
    logs = [path.read_text() for path in folder.glob(".snakemake/log/*.log")]
    [number] = {each for log in logs for each in re.findall(r"SLURM run ID: (\S+)", log)}
    cluster.command("scancel", "--name", number)
    wait_until(lambda: not cluster.jobs("RUNNING", "COMPLETING"), 120, "the end of all jobs")
    snakemake(folder, "--unlock", "--configfile", STUDY)
    with Run(folder, cluster) as run:
        run.finish()

    assert results(folder) == on_one_machine
    assert made_again(folder, hit) == set()
    begun = " ".join(set().union(*outputs_by_job(folder).values()))
    assert all(f"results/reduced/{name}" in begun for name in on_one_machine), "logs say too little"
    assert len(hit) >= 3
