"""The workflow as a user runs it: job counts, a whole small study, reruns of what changed."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from file_server import body, file_server
from PIL import Image
from workflow_runs import CROPS, ROOT, copy_workflow, job_counts, snakemake

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.report.rows import read_table
from pocketvlad.util.seeds import derive_seed


def from_scores(models: int, places: bool = True, drawn: str = "plot_layers") -> dict[str, int]:
    """The jobs that follow the scores of a study.

    Args:
        places: of cities whose images have positions, as those that are drawn have.
        drawn: what draws the layers of models, whether they are pruned or not.
    """
    one_a_model = dict.fromkeys((drawn, "draw_retrieval"), models)
    once = ("tabulate_results", "plot_results", "plot_run_time", "answer_question")
    once += ("show_configuration", *("tabulate_recall",) * places)
    others = dict.fromkeys((*once, "write_model_cards", "all"), 1)
    return one_a_model | others


def of_speed(models: int) -> dict[str, int]:
    """The jobs that measure what a photograph costs."""
    return {"measure_speed": models, "tabulate_speed": 1}


def of_maps(descriptions: int) -> dict[str, int]:
    """The jobs that weigh the map of one model.

    Args:
        descriptions: its versions, in both directions.
    """
    return {"describe_cities": descriptions, "code_maps": 2, "tabulate_maps": 1}


SUBSET, PHONE = "config/subset.yaml", "config/phone.yaml"
# What hardly anything renews: no score.
FROM_NOTHING = {"tell_city": 1}
# Jobs of one complete run; from nothing, in an empty directory.
COUNTS = {
    "config.yaml": {
        "render_city": 2,
        "extract_archives": 4,
        "index_dataset": 2,
        "evaluate_histogram": 2,
        "tabulate_layers": 3,
        "initialise_model": 10,  # 3 models, 2 directions; 2 models at random, too
        "train_model": 6,
        "prune_model": 22,  # 2 models x 2 directions x (4 thresholds, one with L1), and of lite0
        "quantize_model": 72,  # of each 4 x 2 quantizers x 2 bit widths, and L1; 4 of lite0
        "train_codebook": 4,
        "round_model": 12,  # 3 models, 2 directions, 2 distortions
        "evaluate_model": 102,  # and, of 6 base models, random and initial where they are trained
        **from_scores(3),
        **of_speed(3),
        **of_maps(2),  # the base model of one
        **FROM_NOTHING,
    },
    SUBSET: {
        "extract_archives": 4,
        "index_dataset": 2,
        "evaluate_histogram": 2,
        "tabulate_layers": 1,
        "initialise_model": 6,  # 2 directions x 3 seeds
        "train_model": 6,
        "prune_model": 12,  # 2 directions, 2 thresholds, 3 seeds
        "quantize_model": 24,  # of each direction and threshold 2 x 2, and 1 of the other seeds
        "train_codebook": 2,
        "round_model": 22,  # of each direction 3 distortions with 3 seeds, 2 with one
        "evaluate_model": 60,
        **from_scores(1, places=False),
        **of_speed(1),
        **of_maps(6),  # base and 2 of rd, of the first seed
        **FROM_NOTHING,
    },
    PHONE: {
        "extract_archives": 4,
        "index_dataset": 2,
        "evaluate_histogram": 2,
        "tabulate_layers": 1,
        "initialise_model": 6,  # 2 directions x 3 seeds
        "train_model": 6,
        "prune_model": 4,  # 2 directions, 2 thresholds
        "quantize_model": 16,  # of each 2 x 2
        "round_model": 20,  # of each direction 2 distortions with 3 seeds, 4 with one
        "evaluate_model": 42,  # nothing is trained: the initial network is the base model
        **from_scores(1, places=False),
        **of_speed(1),
        "plot_studies": 1,
        **of_maps(6),  # base and 2 of rd
        **FROM_NOTHING,
    },
    # `rd` alone, of the same cities and base models.
    " ".join(CROPS): {
        "extract_archives": 4,
        "index_dataset": 2,
        "evaluate_histogram": 2,
        "tabulate_layers": 1,
        "initialise_model": 6,
        "train_model": 6,
        "round_model": 12,  # 2 directions, 2 distortions, 3 seeds
        "evaluate_model": 24,
        **from_scores(1, places=False, drawn="plot_bytes"),
        **of_speed(1),
        **FROM_NOTHING,
    },
    "config/paper.yaml": {
        "download_source": 7,  # two archives of Oxford, three of Paris, two files of weights
        "extract_archives": 4,
        "index_dataset": 2,
        "evaluate_histogram": 2,
        "tabulate_layers": 2,
        "initialise_model": 4,
        "train_model": 4,
        "prune_model": 20,
        "quantize_model": 72,  # 4 x (4 thresholds x 2 quantizers x 2 bit widths, and L1 x 2)
        "train_codebook": 32,
        "evaluate_model": 112,
        **from_scores(2, places=False),
        **of_speed(2),
        **FROM_NOTHING,
    },
}


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Empty files in place of the subset's."""
    data = tmp_path / "photographs"
    data.mkdir()
    for name in ("oxford_images.tar", "oxford_gt.tgz", "paris_images.tar", "paris_gt.tgz"):
        (data / name).touch()
    (data / "vgg16_features.pth").touch()
    monkeypatch.setenv("POCKETVLAD_DATA", str(data))


@pytest.mark.parametrize("config", COUNTS)
def test_job_counts_from_nothing(tmp_path, photographs, config):
    folder = copy_workflow(tmp_path / "clone")
    assert job_counts(snakemake(folder, "-n", "--configfile", *config.split())) == COUNTS[config]


def made_by_make(folder: Path, target: str) -> dict[str, int]:
    """The jobs that Snakemake would run, called as the Makefile calls it."""
    command = ["make", "-n", "-f", str(ROOT / "Makefile"), target, "INSTALLED=", "CORES=2"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    [line] = [line for line in run.stdout.splitlines() if line.startswith(".venv/bin/snakemake ")]
    return job_counts(snakemake(folder, "-n", *shlex.split(line)[1:]))


@pytest.mark.parametrize(
    ("target", "config"),
    [
        ("run", "config.yaml"),
        ("subset", SUBSET),
        ("subset-crops", " ".join(CROPS)),
        ("phone", PHONE),
    ],
)
def test_make_runs_the_studies(tmp_path, photographs, target, config):
    preview = {"tabulate_preview": 1} if target == "run" else {}
    assert made_by_make(copy_workflow(tmp_path / "clone"), target) == COUNTS[config] | preview


def test_make_picture_is_of_the_studies_that_have_run(tmp_path, photographs):
    folder = copy_workflow(tmp_path / "clone")
    found = made_by_make(folder, "picture")
    assert found["plot_studies"] == 1
    assert found["evaluate_model"] == COUNTS[PHONE]["evaluate_model"]
    picture = ("-n", "results/phone/plots/studies.svg", "--configfile", PHONE)
    assert "results/subset/table.csv" not in snakemake(folder, *picture)
    (folder / "results" / "subset").mkdir(parents=True)
    (folder / "results" / "subset" / "table.csv").touch()
    assert "results/phone/table.csv, results/subset/table.csv" in snakemake(folder, *picture)


def test_rivals_come_when_they_are_asked_for(tmp_path, photographs):
    found = made_by_make(copy_workflow(tmp_path / "clone"), "bench")
    # Of each direction: float16, int8, Deep Compression, nncodec, OPTQ, CERWU
    # and product quantization once; and of 2 cells our format, zstd and xz. The study's
    # own table, and nothing after it.
    study = COUNTS[SUBSET]
    after = (*from_scores(1), *of_speed(1), *of_maps(1), "tabulate_layers", *FROM_NOTHING)
    assert found == {name: count for name, count in study.items() if name not in after} | {
        "tabulate_results": 1,
        "compress_rival": 14,
        "compress_symbols": 12,
        "evaluate_rival": 14,
        "tabulate_rivals": 1,
        "rivals": 1,
    }


def test_job_counts_of_the_catalogs_snakefile(tmp_path):
    """It lies elsewhere, and must ask for the same."""
    folder = copy_workflow(tmp_path / "clone")
    counts = job_counts(snakemake(folder, "-n", "-s", "workflow/Snakefile"))
    expected = COUNTS["config.yaml"] | {"everything": 1}
    assert counts == {name: count for name, count in expected.items() if name != "all"}


@pytest.mark.parametrize("name", ["alexnet", "scores"])
def test_the_preview_is_of_the_first_model_whatever_the_study_is_called(tmp_path, name):
    folder = copy_workflow(tmp_path / "clone")
    counts = []
    for study in ("other", name):
        config = yaml.safe_load((folder / "config.yaml").read_text())
        (folder / "own.yaml").write_text(yaml.safe_dump(config | {"study": study}))
        target = f"results/{study}/preview.txt"
        counts.append(job_counts(snakemake(folder, "-n", target, "--configfile", "own.yaml")))
    assert counts[0] == counts[1]
    assert counts[0]["train_model"] == 2


@pytest.mark.parametrize("config", [(), ("--configfile", str(ROOT / "config.yaml"))])
def test_the_workflow_runs_in_another_folder(tmp_path, config):
    """The official data sets and the default study are beside the Snakefile."""
    target = ("-n", "data", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path))
    found = job_counts(snakemake(ROOT, *target, *config))
    assert found == {"render_city": 2, "extract_archives": 4, "index_dataset": 2, "data": 1}


def write_study(folder: Path, name: str, **changes: object) -> str:
    """The default study with changed sections, as a config file of that name."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    (folder / name).write_text(yaml.safe_dump(config | changes))
    return name


OFFICIAL = {"oxford": "oxford5k", "paris": "paris6k"}
REVISITED = {"oxford": "roxford5k", "paris": "rparis6k"}


@pytest.mark.parametrize(
    ("cities", "local", "downloads"),
    [
        (OFFICIAL, [], 6),  # Oxford's two archives, Paris's three, and the weights
        (OFFICIAL, ["paris_2-v1.tgz", "gt_files_170407.tgz", "Pitts30K_struct.mat"], 3),
        (REVISITED, [], 6),  # two pickles in place of the archives of lists
        (REVISITED, ["gnd_rparis6k.pkl", "oxbuild_images-v1.tgz"], 4),
    ],
)
def test_what_is_not_there_would_be_downloaded(tmp_path, monkeypatch, cities, local, downloads):
    """A dry run with official data and weights: it needs no network, and local copies count."""
    data = tmp_path / "data"
    data.mkdir()
    for name in local:
        (data / name).touch()
    monkeypatch.setenv("POCKETVLAD_DATA", str(data))
    for protocol in ("http", "https"):
        monkeypatch.setenv(f"{protocol}_proxy", "http://127.0.0.1:9")
    folder = copy_workflow(tmp_path / "clone")
    vgg16 = {
        "backbone": {"type": "vgg16", "width": 1.0},
        "pooling": {"type": "netvlad", "clusters": 64},
        "projection": {"type": "pca-whitening", "length": 4096},
    }
    weights = {"source": "vgg16-caffe", "file": "Pitts30K_struct.mat"}
    study = write_study(
        folder,
        "official.yaml",
        cities=cities,
        models={"vgg16": vgg16 | {"weights": weights}},
    )
    output = snakemake(folder, "-n", "train", "--configfile", study)
    counts = job_counts(output)
    assert counts["download_source"] == downloads
    for name in local:
        assert str(data / name) in output
        assert f"resources/{name}" not in output
    assert "resources/paris_1-v1.tgz" in output


def test_a_download_is_not_repeated(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = copy_workflow(tmp_path / "clone")
    target = folder / "resources" / "city.tgz"

    def run(*options: str) -> str:
        return snakemake(
            folder, "--cores", "1", *options, "--configfile", study, "--", "resources/city.tgz"
        )

    with file_server() as server:
        urls = [server.put("/city.tgz", body(b"the archive"))]
        study = write_study(folder, "study.yaml", sources={"city.tgz": {"urls": urls}})
        run()
        assert target.read_bytes() == b"the archive"
        assert (folder / "resources" / "city.tgz.lock.json").is_file()
        # Neither a new mirror nor an edited downloader asks for it again.
        with open(folder / "pocketvlad" / "data" / "transfer.py", "a") as module:
            module.write("EDITED = True\n")
        urls.insert(0, server.put("/mirror", body(b"the archive")))
        write_study(folder, "study.yaml", sources={"city.tgz": {"urls": urls}})
        assert job_counts(run("-n")) == {}
        # An edited script does; the file is held against the lock file, and kept.
        (folder / "workflow_scripts" / "download_source.py").touch()
        assert job_counts(run()) == {"download_source": 1}
        assert target.read_bytes() == b"the archive"
        assert server.asked("/city.tgz") == [None]
        assert server.asked("/mirror") == []
        assert job_counts(run("-n")) == {}


def test_a_training_waits_for_the_networks_that_its_loss_asks(tmp_path):
    folder = copy_workflow(tmp_path / "clone")
    training = yaml.safe_load((ROOT / "config.yaml").read_text())["training"]
    loss = {"type": "distillation", "models": ["alexnet", "vgg16"]}
    study = write_study(folder, "asking.yaml", training=training | {"loss": loss})
    model = "results/mini/models/vgg16/paris/seed-1/base.safetensors"
    counts = job_counts(snakemake(folder, "-n", model, "--configfile", study))
    assert (counts["initialise_model"], counts["train_model"]) == (2, 1)


def test_a_wrong_config_stops_before_any_job(tmp_path):
    folder = copy_workflow(tmp_path / "clone")
    output = snakemake(folder, "-n", "--config", "sede=3", check=False)
    assert "unknown key: sede" in output
    assert "Job stats" not in output


def test_the_whole_study_runs(small_study):
    folder, output = small_study
    results = folder / "results" / "small"
    table = read_table(results / "table.csv")
    assert list(table["recipe"]) == ["base", "pruned", "pruned", "rounded"]
    assert list(table["quantizer"]) == ["", "kmeans", "kmeans", ""]
    assert list(table["codebook"]) == ["", "fixed", "trained", ""]
    assert list(table["bits"].fillna(0)) == [32, 5, 5, 0]
    assert list(table["threshold"]) == ["", "0.01", "0.01", ""]
    assert list(table["distortion"]) == ["", "", "", "0.2"]
    assert list(table["paper_ratio"].isna()) == [False, False, False, True]
    cell = table.iloc[1]
    # 1.04 deviations of bell-shaped weights are 70 %.
    assert 60 < cell["pruned_percent"] < 80
    for city in ("oxford", "paris"):
        assert 0 < cell[f"map_{city}"] <= 100
        expected = table[f"map_{city}"][0] - cell[f"map_{city}"]
        assert cell[f"drop_{city}"] == pytest.approx(expected, abs=1e-3)
        expected = table[f"dense_map_{city}"][0] - cell[f"dense_map_{city}"]
        assert cell[f"dense_drop_{city}"] == pytest.approx(expected, abs=1e-3)
        index = json.loads((results / "data" / city / "dataset.json").read_text())
        labelled = {
            (query["landmark"], image)
            for query in index["queries"]
            for image in (*query["good"], *query["ok"])
        }
        assert cell[f"dense_queries_{city}"] == len(labelled) > cell[f"queries_{city}"]
        assert cell[f"landmarks_{city}"] == cell[f"dense_landmarks_{city}"] == 4
        # The size in the table is the file's own.
        trained_on = {"oxford": "paris", "paris": "oxford"}[city]
        made = results / "models" / "vgg16" / trained_on / "seed-1"
        file = made / "0.01" / "l1-0" / "kmeans-5-fixed.pvlad"
        assert cell[f"file_bytes_{city}"] == file.stat().st_size
        with Image.open(results / "plots" / f"retrieval-vgg16-{city}.jpg") as sheet:
            assert sheet.height > 4 * 300  # of each landmark a query
    for name in ("size", "pruning", "weights-vgg16", "bytes-vgg16", "run-time"):
        assert (results / "plots" / f"{name}.svg").read_text().startswith("<?xml")
        with Image.open(results / "plots" / f"{name}.png") as picture:
            assert picture.width > 500
    by_layer = pd.read_csv(results / "plots" / "bytes-vgg16.csv")
    sizes = table.loc[table["best_no_drop"] | table["best_2_points"], "file_mb"]
    smallest = sizes.iloc[0] if len(sizes) else table["file_mb"].min()
    assert by_layer["compressed_bytes"].sum() == pytest.approx(1e6 * smallest, rel=1e-4)
    run_time = pd.read_csv(results / "plots" / "run-time.csv")
    assert (run_time["measured"] == run_time["jobs"]).all()
    assert (run_time["seconds_total"] > 0).all()
    for suffix in ("tex", "html"):
        assert "vgg16" in (results / f"table.{suffix}").read_text()
    assert "## vgg16" in (results / "table.md").read_text()
    assert "Baselines, mAP in % by city:" in output
    assert not list(results.rglob("*.part"))
    assert not list((results / "checkpoints").glob("*"))
    # Nothing is written outside the study's own folders.
    for top in ("results", "logs", "benchmarks"):
        assert [path.name for path in (folder / top).iterdir()] == ["small"]


def origin_of(path: Path) -> dict:
    """What a model file says of how it was made."""
    return read_contents(path).header["origin"]


def test_seeds_are_derived_as_when_a_study_had_one(small_study):
    """From the same texts, so that models stay the same to the byte."""
    folder, _ = small_study
    for city in ("oxford", "paris"):
        made = folder / "results" / "small" / "models" / "vgg16" / city / "seed-1"
        pruned = origin_of(made / "0.01" / "l1-0" / "pruned.safetensors")
        assert pruned["seed"] == derive_seed(f"1/vgg16/{city}/initial")
        assert pruned["training"]["seed"] == derive_seed(f"1/vgg16/{city}/base")
        assert pruned["pruning"]["seed"] == derive_seed(f"1/vgg16/{city}/0.01")
        with open_compressed(made / "0.01" / "l1-0" / "kmeans-5-trained.pvlad") as model:
            found = model.header["compression"]["training"]["seed"]
        assert found == derive_seed(f"1/vgg16/{city}/0.01/codebook")


def test_every_column_is_explained(small_study):
    folder, _ = small_study
    table = pd.read_csv(folder / "results" / "small" / "table.csv")
    readme = (ROOT / "results" / "README.md").read_text()
    cities = ("oxford", "paris")
    explained = {
        name.replace("<city>", city)
        for name in re.findall(r"`([a-z0-9_<>]+)`", readme.split("## Columns")[1])
        for city in cities
    }
    assert set(table.columns) <= explained


def test_recall_is_tabulated(small_study):
    """Of every line of the table, from the scores; every column is explained."""
    results = small_study[0] / "results" / "small"
    table = pd.read_csv(results / "recall.csv").set_index("version")
    assert set(table.index) == set(pd.read_csv(results / "table.csv")["version"])
    for training, city in (("oxford", "paris"), ("paris", "oxford")):
        row = json.loads((results / f"scores/vgg16/{training}/seed-1/base.json").read_text())
        found = [100 * row["recall"][n] for n in ("1", "5", "10", "20")]
        line = table.loc["base"]
        assert [line[f"recall_at_{n}_{city}"] for n in (1, 5, 10, 20)] == pytest.approx(found)
        assert found == sorted(found)
        assert found[-1] > 0
        first = row["recall_first_right"]
        assert len(first) == line[f"recall_queries_{city}"] == 8
        without = sum(place == 0 for place in first.values())
        assert without == row["recall_without_positives"] < 8
    readme = (ROOT / "results" / "README.md").read_text()
    names = re.findall(r"`([a-zN0-9_<>]+)`", readme.split("## Recall@N")[1].split("## ")[0])
    explained = {
        name.replace("<city>", city).replace("<N>", n)
        for name in names
        for city in ("oxford", "paris")
        for n in ("1", "5", "10", "20")
    }
    assert set(table.columns) <= explained
    assert "R@1 oxford" in (results / "recall.md").read_text()


def test_speed_is_tabulated(small_study):
    """One line a measured file, whose figures are those of the files."""
    results = small_study[0] / "results" / "small"
    table = pd.read_csv(results / "speed.csv").set_index("version")
    assert list(table.index) == ["base", "0.01/l1-0/kmeans-5-fixed", "rd/0.2"]
    made = results / "models" / "vgg16" / "paris" / "seed-1"
    for version, line in table.iterrows():
        suffix = "safetensors" if version == "base" else "pvlad"
        size = (made / f"{version}.{suffix}").stat().st_size
        assert line["file_mb"] == pytest.approx(size / 1e6, rel=1e-5)
    assert set(table["places"]) == {34}
    assert set(table["threads"]) == {1}
    assert list(table["extract_ms"].isna()) == [False, True, True]
    settings = json.loads((made / "settings.json").read_text())
    assert list(table["length"]) == [16, 16, settings["rd.length"]["chosen"]]
    readme = (ROOT / "results" / "README.md").read_text().split("## Speed")[1].split("\n## ")[0]
    for name in ("model", "version", *table.columns):
        assert f"`{name}`" in readme
    assert "on one thread of" in (results / "speed.md").read_text()
    assert 'id="speed-caption"' in (results / "speed_fragment.html").read_text()


def test_a_second_run_has_nothing_to_do(small_study):
    folder, _ = small_study
    output = snakemake(folder, "--cores", "2", "--configfile", "small.yaml")
    assert "Nothing to be done" in output


def test_deleted_benchmarks_train_nothing_again(small_study):
    folder, _ = small_study
    benchmarks = folder / "benchmarks"
    benchmarks.rename(folder / "elsewhere")
    try:
        assert dry_run(folder) == {}
    finally:
        (folder / "elsewhere").rename(benchmarks)


def dry_run(folder: Path) -> dict[str, int]:
    return job_counts(snakemake(folder, "-n", "--configfile", "small.yaml"))


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("report/figures/size.py", {"plot_results": 1, "all": 1}),
        ("report/figures/run_time.py", {"plot_run_time": 1, "all": 1}),
        (
            "compression/quantize.py",
            {
                "quantize_model": 2,
                "train_codebook": 2,
                "round_model": 2,
                "evaluate_model": 6,
                **from_scores(1),
                **of_speed(1),
            },
        ),
        (
            "compression/quantizers/kmeans.py",
            {
                "quantize_model": 2,
                "train_codebook": 2,
                "round_model": 2,
                "evaluate_model": 6,
                **from_scores(1),
                **of_speed(1),
            },
        ),
        # What a recipe is called makes no model and no score anew.
        (
            "compression/recipes/pruned.py",
            {**FROM_NOTHING, "tabulate_speed": 1, **from_scores(1)},
        ),
        # A part that the study's model has, and what others may have.
        (
            "networks/backbones/vgg16.py",
            {
                "tabulate_layers": 1,
                "initialise_model": 4,
                "train_model": 2,
                "prune_model": 2,
                "quantize_model": 2,
                "train_codebook": 2,
                "choose_settings": 2,
                "round_model": 2,
                "evaluate_model": 12,
                **from_scores(1),
                **of_speed(1),
            },
        ),
        (
            "compression/rd/rounding.py",
            {"round_model": 2, "evaluate_model": 2, **from_scores(1), **of_speed(1)},
        ),
        (
            "compression/rd/length_choice.py",
            {
                "choose_settings": 2,
                "round_model": 2,
                "evaluate_model": 2,
                **from_scores(1),
                **of_speed(1),
            },
        ),
        (
            "compression/iterative_pruning.py",
            {
                "prune_model": 2,
                "quantize_model": 2,
                "train_codebook": 2,
                "evaluate_model": 4,
                **from_scores(1),
                **of_speed(1),
            },
        ),
    ],
)
def test_editing_a_module_reruns_the_jobs_that_use_it(small_study, module, expected):
    folder, _ = small_study
    path = folder / "pocketvlad" / module
    before = path.read_text()
    path.write_text(before + "\nEDITED = True\n")
    try:
        assert dry_run(folder) == expected
    finally:
        path.write_text(before)


def test_editing_what_the_study_does_not_name_reruns_nothing(small_study):
    folder, _ = small_study
    names = ("networks/backbones/alexnet", "networks/poolings/gem", "data/protocols/revisited")
    paths = [folder / "pocketvlad" / f"{name}.py" for name in names]
    before = [path.read_text() for path in paths]
    for path, text in zip(paths, before, strict=True):
        path.write_text(text + "\nEDITED = True\n")
    try:
        assert dry_run(folder) == {}
    finally:
        for path, text in zip(paths, before, strict=True):
            path.write_text(text)


def test_modules_edited_back_rerun_nothing(small_study):
    """After those before: neither the edit nor the dates of the files have left anything."""
    assert dry_run(small_study[0]) == {}


def test_what_a_failed_run_has_begun_to_make_again_is_not_forgotten(small_study):
    """Snakemake alone would take what follows from a missing file for finished."""
    folder, _ = small_study
    path = folder / "pocketvlad" / "baselines" / "color_histogram.py"
    before, table = path.read_text(), folder / "results" / "small" / "table.csv"
    expected_table = table.read_bytes()
    path.write_text(before + "\nEDITED = True\n")
    expected = dry_run(folder)
    assert expected["evaluate_histogram"] == 2
    path.write_text(before + "\nraise RuntimeError('of a test')\n")
    run = ("--cores", "2", "--configfile", "small.yaml")
    assert "RuntimeError: of a test" in snakemake(folder, *run, check=False)
    for text in (before + "\nEDITED = True\n", before):
        path.write_text(text)
        assert dry_run(folder) == expected
    snakemake(folder, *run)
    assert dry_run(folder) == {}
    assert table.read_bytes() == expected_table


@pytest.fixture
def changed(small_study):
    """A function that gives the jobs of the small study with other sections, in a dry run."""
    folder, _ = small_study
    file = folder / "changed.yaml"

    def counts(**sections: object) -> dict[str, int]:
        config = yaml.safe_load((folder / "small.yaml").read_text())
        file.write_text(yaml.safe_dump(config | sections))
        return job_counts(snakemake(folder, "-n", "--configfile", file.name))

    return counts


def grid_and_rounding(folder: Path) -> tuple[dict, dict]:
    """The one block of the small study's grid, and its section `rd`."""
    config = yaml.safe_load((folder / "small.yaml").read_text())
    [block] = config["grid"]
    return block, config["rd"]


def test_one_more_cell_runs_its_own_jobs_only(small_study, changed):
    block, _ = grid_and_rounding(small_study[0])
    more = block | {"thresholds": ["0.05"], "codebooks": ["fixed"]}
    assert changed(grid=[block, more]) == {
        "prune_model": 2,
        "quantize_model": 2,
        "evaluate_model": 2,
        **from_scores(1),
    }


def test_another_way_to_recover_rounds_no_model_again(small_study, changed):
    recovery = yaml.safe_load((small_study[0] / "small.yaml").read_text())["recovery"]
    more = recovery["reconstruction"] | {"iterations": 21}
    assert changed(recovery=recovery | {"reconstruction": more, "image_size": 68}) == {
        "prune_model": 2,
        "quantize_model": 2,
        "train_codebook": 2,
        "evaluate_model": 4,
        **from_scores(1),
        **of_speed(1),
    }


def test_one_more_seed_runs_its_own_jobs_only(changed):
    assert changed(seeds=[1, 8]) == {
        "initialise_model": 2,
        "train_model": 2,
        "prune_model": 2,
        "quantize_model": 2,
        "train_codebook": 2,
        "choose_settings": 2,
        "round_model": 2,
        "evaluate_model": 10,  # initial, base and three cells
        **from_scores(1),
    }


def test_another_order_makes_the_tables_again(finished_study, tmp_path):
    """Lines stand in the order of the models; means over seeds, and their intervals, depend on
    that of the seeds."""
    folder = tmp_path / "clone"
    shutil.copytree(finished_study[0], folder, symlinks=True)
    config = yaml.safe_load((folder / "small.yaml").read_text())
    [(model, declared)] = config["models"].items()
    # In place of two more trainings, and of another model.
    for first in list((folder / "results").rglob("seed-1")):
        for seed in (8, 9):
            shutil.copytree(first, first.with_name(f"seed-{seed}"))
    for path in list((folder / "results").rglob(f"*{model}*")):
        copied = shutil.copytree if path.is_dir() else shutil.copyfile
        copied(path, path.with_name(path.name.replace(model, "another")))

    def write(name: str, seeds: list[int], **sections: object) -> tuple[str, str]:
        models = {model: declared, "another": declared}
        changed = config | {"models": models} | sections | {"seeds": seeds}
        (folder / name).write_text(yaml.safe_dump(changed, sort_keys=False))
        return "--configfile", name

    whole = write("whole.yaml", [1, 8, 9])
    snakemake(folder, "--cores", "1", "--touch", *whole)
    assert job_counts(snakemake(folder, "-n", *whole)) == {}
    tables = {"tabulate_results", "tabulate_recall"}
    own = config["rd"] | {"seeds": [1, 9, 8]}
    turned = {"another": declared, model: declared}
    for written, expected in (
        (write("other.yaml", [1, 9, 8]), tables),
        (write("own.yaml", [1, 8, 9], rd=own), tables),
        (write("models.yaml", [1, 8, 9], models=turned), tables | {"tabulate_speed"}),
    ):
        counts = job_counts(snakemake(folder, "-n", *written))
        assert counts.keys() >= expected
        assert not counts.keys() & {"train_model", "evaluate_model"}


def test_a_block_with_one_seed_runs_nothing_of_the_other(small_study, changed):
    block, _ = grid_and_rounding(small_study[0])
    assert changed(seeds=[1, 8], grid=[block | {"seeds": [1]}]) == {
        "initialise_model": 2,
        "train_model": 2,
        "choose_settings": 2,
        "round_model": 2,
        "evaluate_model": 6,
        **from_scores(1),
    }


def test_seeds_that_sections_had_anyway_make_no_model_again(small_study, changed):
    block, rounding = grid_and_rounding(small_study[0])
    one = {"seeds": [1]}
    # What shows the config, or may cite it.
    expected = {"show_configuration": 1, "write_model_cards": 1, "all": 1}
    assert changed(grid=[block | one], rd=rounding | one) == expected


def test_a_second_seed_is_trained_beside_the_first(small_study):
    """Last of all that use the study: it changes it."""
    folder, _ = small_study
    config = yaml.safe_load((folder / "small.yaml").read_text())
    config["seeds"] = [1, 8]
    for section in (*config["grid"], config["rd"]):
        section["seeds"] = [1]
    (folder / "small.yaml").write_text(yaml.safe_dump(config))
    results = folder / "results" / "small"
    files = [path for path in (results / "models").rglob("seed-1/**/*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    output = snakemake(folder, "--cores", "2", "--configfile", "small.yaml")
    assert job_counts(output) == {
        "initialise_model": 2,
        "train_model": 2,
        "evaluate_model": 4,
        **from_scores(1),
    }
    for path, content in before.items():
        assert path.suffix == ".md" or path.read_bytes() == content, path
    table = read_table(results / "table_seeds.csv")
    assert list(table.loc[table["version"] == "base", "seed"]) == [1, 8]
    assert list(table.loc[table["version"] != "base", "seed"]) == [1, 1, 1]
    scores = [
        json.loads((results / f"scores/vgg16/paris/seed-{seed}/base.json").read_text())
        for seed in (1, 8)
    ]
    assert [row["seed"] for row in scores] == [1, 8]
    assert list(table.loc[table["version"] == "base", "map_oxford"]) == pytest.approx(
        [100 * row["map"] for row in scores], rel=1e-5
    )
    models = results / "models" / "vgg16" / "paris"
    assert before[models / "seed-1" / "base.safetensors"] != (
        (models / "seed-8" / "base.safetensors").read_bytes()
    )
    assert origin_of(models / "seed-8" / "base.safetensors")["training"]["seed"] == derive_seed(
        "8/vgg16/paris/base"
    )
    assert dry_run(folder) == {}
