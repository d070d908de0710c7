"""The rehearsal of the study `paper`: its stand-ins have the official form, and it has every job.

The rehearsal itself takes a quarter of an hour: `make rehearsal`, or `pytest -m rehearsal`.
"""

import re
import tarfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import rehearse
from file_server import file_server
from official_archives import CITIES, write_official_archives
from official_weights import write_official_weights
from PIL import Image
from rehearsal_checks import EXPECTED, faults
from test_workflow import COUNTS
from workflow_runs import ROOT, job_counts, load_config, snakemake

from pocketvlad.compression.recipes import columns_of, study_recipes
from pocketvlad.data.dataset import index_dataset, require_boxes_inside
from pocketvlad.data.ground_truth import QueryLists, read_ground_truth
from pocketvlad.data.image_sizes import image_sizes
from pocketvlad.data.unpack import unpack
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.networks.weights.matconvnet_file import read_matconvnet
from pocketvlad.study.config import check_config
from pocketvlad.study.faults import ConfigError

OFFICIAL = {"oxford": 5063, "paris": 6412}  # images in the archives; 20 of Paris cannot be read
KNOWN = QueryLists(
    "louvre_2",
    "louvre",
    "paris_louvre_000135",
    (0, 0, 9, 9),
    good=(),
    ok=("paris_louvre_000135", *(f"paris_louvre_000{n}" for n in range(200, 230))),
    junk=("paris_general_002391",),
)


@pytest.fixture
def complete_config():
    """The rehearsal's, with the official sources and data sets."""
    return load_config(*rehearse.CONFIGS)


def pictures():
    """Smooth ones, portraits among them."""
    coarse = np.random.default_rng(0).integers(0, 256, (30, 5, 6, 3), dtype=np.uint8)
    sizes = [(128, 90), (90, 128), (128, 60)] * 10
    return [Image.fromarray(each).resize(size) for each, size in zip(coarse, sizes, strict=True)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The archives of each city, written once."""
    folder = tmp_path_factory.mktemp("mirror")
    known = {"oxford": [], "paris": [KNOWN]}
    return {city: write_official_archives(city, folder, pictures(), known[city]) for city in CITIES}


@pytest.mark.parametrize("city", CITIES)
def test_the_archives_are_a_complete_data_set(tmp_path, written, city):
    declared = CITIES[city].declared()
    names = [*declared["images"], *declared["ground_truth"]]
    assert [path.name for path in written[city]] == names
    *archives, lists = written[city]
    assert unpack(archives, ".jpg", tmp_path / "images") == OFFICIAL[city]
    assert unpack([lists], ".txt", tmp_path / "lists") == 220
    queries = read_ground_truth(tmp_path / "lists", declared.get("query_prefix", ""))
    files = {path.stem: path for path in (tmp_path / "images").iterdir()}
    sizes, damaged = image_sizes(files, iter)
    # Exactly those that the data set leaves out cannot be read.
    assert set(damaged) == set(declared.get("leave_out", []))
    counts = {key: declared[key] for key in ("expected_images", "expected_queries")}
    left_out = declared.get("leave_out", [])
    dataset = index_dataset(city, sizes, queries, leave_out=left_out, faults=damaged, **counts)
    require_boxes_inside(dataset)
    assert len(dataset.sizes) == OFFICIAL[city] - len(left_out)
    assert not dataset.absent
    assert set(dataset.sizes.values()) == {(64, 48), (48, 64)}
    if city == "paris":
        [found] = [query for query in queries if query.name == KNOWN.name]
        assert found == replace(KNOWN, box=found.box)


def test_paris_lies_in_folders_and_two_archives(written):
    first, second, _ = written["paris"]
    held = []
    for path in (first, second):
        with tarfile.open(path) as tar:
            names = tar.getnames()
        form = re.compile(r"paris/([a-z]+)/paris_\1_\d{6}\.jpg")
        assert all(map(form.fullmatch, names))
        held.append({form.fullmatch(name)[1] for name in names})
    assert not held[0] & held[1]
    assert len(held[0] | held[1]) == 12


def test_a_stand_in_fills_a_network_of_its_width(tmp_path, complete_config):
    models = complete_config["models"]
    for model in models.values():
        model["backbone"]["width"] = 0.05
        model["pooling"]["clusters"] = 5
    written = write_official_weights(models, tmp_path, seed=3)
    assert [path.name for path in written] == ["imagenet-caffe-ref.mat", "Pitts30K_struct.mat"]
    bytes_before = [path.read_bytes() for path in written]
    write_official_weights(models, tmp_path, seed=3)
    assert [path.read_bytes() for path in written] == bytes_before
    for model, path in zip(models.values(), written, strict=True):
        network = RetrievalNetwork(Architecture.of(model)).eval()
        source = model["weights"]["source"]
        with pytest.raises(WeightsError, match=r"backbone\.width: 0\.05 does not fit"):
            load_initial_weights(network, source, path, seed=0)
        preprocessing = load_initial_weights(network, source, path, seed=0, stand_in=True)
        np.testing.assert_allclose(preprocessing.mean, (123.68, 116.779, 103.939), rtol=1e-6)
    # The type of a part must fit all the same.
    unfit = Architecture.of(models["alexnet"])
    with pytest.raises(WeightsError, match=r"backbone\.type: 'alexnet' does not fit netvlad"):
        load_initial_weights(
            RetrievalNetwork(unfit), "netvlad-pitts30k", written[1], seed=0, stand_in=True
        )


def test_a_stand_in_of_full_width_has_the_official_tensors(tmp_path):
    """AlexNet's, in MatConvNet's order [H, W, I, O]; I is that of a group."""
    model = load_config(*rehearse.CONFIGS)["models"]["alexnet"]
    model["backbone"]["width"] = 1.0
    [path] = write_official_weights({"alexnet": model}, tmp_path, seed=3)
    shapes = [layer.arrays[0].shape for layer in read_matconvnet(path).layers[:5]]
    assert shapes == [
        (11, 11, 3, 96),
        (5, 5, 48, 256),
        (3, 3, 256, 384),
        (3, 3, 192, 384),
        (3, 3, 192, 256),
    ]


def test_the_config_says_that_weights_are_stand_ins(complete_config):
    check_config(complete_config)
    weights = complete_config["models"]["vgg16"]["weights"]
    del weights["stand_in"]
    with pytest.raises(ConfigError, match=r"vgg16\.backbone\.width: 0\.125 does not fit"):
        check_config(complete_config)
    weights["stand_in"] = True
    complete_config["models"]["alexnet"]["weights"] = {"source": "random", "stand_in": True}
    with pytest.raises(ConfigError, match=r"alexnet\.weights\.stand_in: random needs no file"):
        check_config(complete_config)


def test_what_is_declared_of_a_file_is_declared_of_its_stand_in(tmp_path):
    content = {"gt_files_170407.tgz": b"lists", "paris_1-v1.tgz": b"one", "paris_2-v1.tgz": b"two"}
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    with file_server() as server:
        sources = rehearse.served_sources([tmp_path / name for name in content], server)
    known = {name: set(source) - {"urls", "licence"} for name, source in sources.items()}
    assert known == {
        "gt_files_170407.tgz": {"checksum", "size"},
        "paris_1-v1.tgz": {"size"},
        "paris_2-v1.tgz": set(),
    }
    assert sources["paris_1-v1.tgz"]["size"] == 3


def priorities(output):
    """(rule, priority) of the jobs of a dry run."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", output, re.M)
    for name, lines in jobs:
        found = re.search(r"^    priority: (\d+)$", lines, re.M)
        yield name, int(found[1]) if found else 0


def test_it_has_every_job_of_the_paper_and_writes_elsewhere(tmp_path):
    """From a folder of its own. What comes from elsewhere is fetched and looked through before
    anything is trained, also where one job runs at a time."""
    output = snakemake(
        tmp_path,
        *("-n", "--snakefile", str(ROOT / "Snakefile"), "--configfile"),
        *map(str, rehearse.CONFIGS),
    )
    assert job_counts(output) == COUNTS["config/paper.yaml"]
    assert "results/rehearsal/table.csv" in output
    assert "results/paper" not in output
    found = set(priorities(output))
    first = {"download_source", "extract_archives", "index_dataset"}
    data = {priority for name, priority in found if name in first}
    assert min(data) > max(priority for name, priority in found if name not in first)


@pytest.fixture
def complete(tmp_path, complete_config):
    """A folder that has all that the checks look for."""
    results = tmp_path / "results" / "rehearsal"
    for part in ("plots", "models", "checkpoints"):
        (results / part).mkdir(parents=True)
    counts = {"images_oxford": 5063, "images_paris": 6392, "queries_oxford": 55}
    lines = []
    for model in ("alexnet", "vgg16"):
        for version in ("base", *(each.version for each in study_recipes(complete_config))):
            line = {"model": model, "version": version, **columns_of(version), **counts}
            line |= {
                "queries_paris": 55,
                "dense_map_oxford": 40.0,
                "dense_map_paris": 60.0,
                "dense_drop_mean": 0.2,
                "dense_drop_mean_spread": float("nan"),
            }
            line |= {"weights": "stand-in some", "ratio": 1.0, "file_mb": 9.0}
            if version != "base":
                line |= {"ratio": 10.0, "file_mb": line["bits"] / 10}
            lines.append(line)
            for city in CITIES if version != "base" else ():
                file = results / "models" / model / city / f"{version}.pvlad"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
                file.with_suffix(".md").touch()
    pd.DataFrame(lines).to_csv(results / "table.csv", index=False)
    for name in EXPECTED:
        (results / name).write_text("x" * 200)
    (results / "plots" / "run-time.csv").write_text("rule,jobs,measured\nx,2,2\n")
    resources = tmp_path / "resources"
    resources.mkdir()
    for name in ("paris_1-v1.tgz", "paris_2-v1.tgz", "paris_120310.tgz", "imagenet-caffe-ref.mat"):
        (resources / f"{name}.lock.json").write_text('{"checksum": "sha256:0", "size": 1}')
    return tmp_path


def test_a_complete_rehearsal_has_no_faults(complete):
    assert list(faults(complete)) == []


def worse_table(**changes):
    """A change of the table: the last line has these values."""

    def change(folder):
        path = folder / "results" / "rehearsal" / "table.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        for name, value in changes.items():
            table.loc[len(table) - 1, name] = value
        table.to_csv(path, index=False)

    return change


def shorter_table(folder):
    path = folder / "results" / "rehearsal" / "table.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shorter_table, "rows by model"),
        (worse_table(images_paris="6391"), r"images_paris is \[6391, 6392\]; 6392 expected"),
        (worse_table(dense_map_oxford=""), "map_oxford is missing in 1 rows"),
        (worse_table(recipe="base", dense_map_paris="4"), "map_paris of a base model"),
        (worse_table(dense_drop_mean=""), "drop_mean is missing in 1 rows"),
        (worse_table(weights="netvlad-pitts30k"), "stand-ins"),
        (worse_table(ratio="0.9"), "no smaller than the float32"),
        (worse_table(bits="5", file_mb="99"), "5 bits is no smaller"),
        (
            worse_table(threshold="0.001", bits="8", dense_map_paris="29"),
            "paris has more than halv",
        ),
    ],
)
def test_the_checks_find_what_is_wrong_in_the_table(complete, change, message):
    change(complete)
    assert re.search(message, "\n".join(faults(complete)))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("results/rehearsal/report.html", "missing or empty"),
        ("results/rehearsal/models/vgg16/paris/0.01/l1-0/kmeans-5-fixed.pvlad", "103 compressed"),
        ("results/rehearsal/models/vgg16/paris/0.01/l1-0/kmeans-5-fixed.md", "has no card"),
        ("resources/paris_2-v1.tgz.lock.json", "does not record the first download"),
    ],
)
def test_the_checks_find_what_is_missing(complete, file, message):
    (complete / file).unlink()
    assert re.search(message, "\n".join(faults(complete)))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("resources/paris_1-v1.tgz.part", "left behind"),
        ("resources/oxbuild_images-v1.tgz.lock.json", "a lock file and a checksum"),
        ("results/rehearsal/checkpoints/x.pt", "not empty"),
    ],
)
def test_the_checks_find_what_should_not_be_there(complete, file, message):
    (complete / file).write_text("{}")
    assert re.search(message, "\n".join(faults(complete)))


@pytest.mark.rehearsal
def test_the_whole_rehearsal(tmp_path):
    assert rehearse.main(["--folder", str(tmp_path / "rehearsal")]) == 0
