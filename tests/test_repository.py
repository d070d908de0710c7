"""What others read of the repository: citation, licence, the catalog, continuous integration."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from workflow_runs import ROOT


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("citation-file-format", "CITATION.cff"),
        ("github-workflows", ".github/workflows/ci.yml"),
        ("github-workflows", ".github/workflows/city.yml"),
        ("github-workflows", ".github/workflows/rehearsal.yml"),
    ],
)
def test_files_of_a_public_format_are_valid(schema, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    run = subprocess.run([*command, file], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_paper_is_cited():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert [each["doi"] for each in citation["references"]] == ["10.1109/ACPR.2017.154"]
    # The one that docs/method.md names.
    assert citation["references"][0]["doi"] in (ROOT / "docs" / "method.md").read_text()


def test_version_and_licence_are_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_continuous_integration_runs_the_same_script():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert ".ci/run" in commands
    # The study, its report and its claims, by the README's commands.
    makefile = (ROOT / "Makefile").read_text()
    targets = {command.removeprefix("make ") for command in commands if command != ".ci/run"}
    assert targets == {"run", "report", "check-claims"}
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)
    [kept] = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    for path in ("results/mini/table.*", "results/mini/report.html", "logs/mini/"):
        assert path in kept.split()


def test_the_paper_is_rehearsed_every_week():
    rehearsal = yaml.safe_load((ROOT / ".github" / "workflows" / "rehearsal.yml").read_text())
    [schedule] = rehearsal[True]["schedule"]  # YAML reads `on` as true
    assert re.fullmatch(r"\d+ \d+ \* \* \d", schedule["cron"])
    [job] = rehearsal["jobs"].values()
    assert "make rehearsal" in [step.get("run") for step in job["steps"]]
    command = ["make", "--no-print-directory", "-n", "rehearsal", "INSTALLED=", "CORES=2"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split()[1:] == [".venv/bin/python", "tests/rehearse.py", "--cores", "2"]


def test_a_city_is_published_without_secrets():
    text = (ROOT / ".github" / "workflows" / "city.yml").read_text()
    assert "secrets" not in text
    jobs = yaml.safe_load(text)["jobs"]
    [command] = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert command == "make city"
    command = ["make", "--no-print-directory", "-n", "city", "INSTALLED=", "CORES=2", "-o", "page"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    words = ".venv/bin/snakemake --cores 2 city --configfile config.yaml"
    assert run.stdout.splitlines() == [words]
    [published] = [
        step["with"]["path"]
        for step in jobs["pack"]["steps"]
        if "upload-pages-artifact" in step.get("uses", "")
    ]
    study = yaml.safe_load((ROOT / "config.yaml").read_text())["study"]
    assert published == f"results/{study}/city"


def test_the_workflow_catalog_accepts_the_repository():
    """Its rules for standardised usage: these three files, and the words by which it is found."""
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True
    assert isinstance(usage["mandatory-flags"]["flags"], list)
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    # With a folder `rules`, its files must be known by their suffix.
    assert list((ROOT / "rules").glob("*.smk"))


def test_the_configs_manual_knows_every_section():
    manual = (ROOT / "config" / "README.md").read_text()
    for section in yaml.safe_load((ROOT / "config" / "subset.yaml").read_text()):
        if section != "data_folder":
            assert f"`{section}`" in manual, section


BIN = f"BIN={Path(sys.executable).parent}"


@pytest.mark.parametrize(
    ("config", "study"),
    [
        ("config.yaml", "mini"),
        ("config/phone.yaml", "phone"),
        ("config/subset.yaml config/subset-crops.yaml", "subset-crops"),
        ("config/subset.yaml {}", "own"),  # a file as users write it
    ],
)
def test_make_report_is_about_the_study_of_its_configs(tmp_path, config, study):
    (tmp_path / "own.yaml").write_text("study:   'own'   # mine\nseeds: [1]\n")
    config = config.format(tmp_path / "own.yaml")
    command = ["make", "-n", "report", f"CONFIG={config}", "INSTALLED=", BIN]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"--configfile {config} --report results/{study}/report.html" in run.stdout


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("nowhere.yaml", "nowhere.yaml is missing; give a study's config with CONFIG="),
        ("{}", 'seeds.yaml has no study: name the config that it is laid over before it, CONFIG="'),
    ],
)
def test_make_report_names_the_config_that_is_none(tmp_path, config, message):
    (tmp_path / "seeds.yaml").write_text("seeds: [1, 2]\n")
    config = config.format(tmp_path / "seeds.yaml")
    command = ["make", "report", f"CONFIG={config}", "INSTALLED=", BIN]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stderr.count(message) == 1
    assert "missing: run the study" not in run.stderr


@pytest.mark.parametrize(
    ("target", "program", "paths"),
    [
        ("rehearsal", ".venv/bin/python", [""]),
        ("faults", ".venv/bin/python", ["tests", ""]),
        ("fuzz", ".venv-fuzz/bin/python", [".venv/lib/python3.11/site-packages"]),
    ],
)
def test_make_works_in_a_folder_with_a_space_in_its_name(tmp_path, target, program, paths):
    folder = tmp_path / "two words"
    (folder / ".venv/lib/python3.11/site-packages").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    # In place of the environments and of what they are made from.
    for name in ("pyproject.toml", "envs/requirements.txt", "envs/fuzz.txt", ".venv/installed"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / program).parent.mkdir(parents=True)
    (folder / ".venv-fuzz").mkdir(exist_ok=True)
    (folder / ".venv-fuzz/installed").touch()
    (folder / program).write_text('#!/bin/sh\nprintf "%s" "$PYTHONPATH" > found\n')
    (folder / program).chmod(0o755)
    run = subprocess.run(["make", target], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = (folder / "found").read_text().split(":")
    assert [Path(path) for path in found] == [folder / path for path in paths]


def test_make_bench_makes_the_environment_first():
    assert re.search(r"^bench:.* nncodec$", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize(
    ("there", "missing"), [([], "table.csv"), (["table.csv"], "speed.csv")], ids=["none", "a part"]
)
def test_make_report_asks_for_a_study_that_has_run(tmp_path, there, missing):
    """To its end: what packs a city makes the table, and nothing beside it."""
    (tmp_path / "config.yaml").write_text("study: none\n")
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "study_name.py", tmp_path / "tools")
    (tmp_path / "results" / "none").mkdir(parents=True)
    for name in there:
        (tmp_path / "results" / "none" / name).touch()
    command = ["make", "-f", str(ROOT / "Makefile"), "report", "INSTALLED=", BIN]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode != 0
    assert f"results/none/{missing} is missing: run the study first" in run.stderr
