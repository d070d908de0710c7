"""The rehearsal of the study `paper`: its stand-ins have the official form, and it has every job.

The rehearsal itself takes half an hour: `make rehearsal`, or `pytest -m rehearsal`.
"""

import re
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rehearse
import yaml
from file_server import file_server
from official_archives import CITIES, write_official_archives
from official_weights import write_official_weights
from PIL import Image
from rehearsal_checks import faults
from test_workflow import COUNTS
from workflow_runs import ROOT, job_counts, snakemake

from pocketvlad.data.dataset import index_dataset, require_boxes_inside
from pocketvlad.data.ground_truth import QueryLists, read_ground_truth
from pocketvlad.data.image_sizes import image_sizes
from pocketvlad.data.unpack import unpack
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.networks.weights.matconvnet_file import read_matconvnet
from pocketvlad.study.config import ConfigError, check_config

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
    config = rehearse.merged_config()
    for name in ("sources", "datasets"):
        config |= yaml.safe_load((rehearse.OFFICIAL.with_name(f"{name}.yaml")).read_text())
    return config


def pictures():
    """Smooth ones, a portrait among them."""
    generator = np.random.default_rng(0)
    shapes = ((90, 128), (128, 90), (60, 128))
    coarse = generator.integers(0, 256, (3, 5, 6, 3), dtype=np.uint8)
    return {
        f"x_{n}": Image.fromarray(coarse[n]).resize((width, height))
        for n, (height, width) in enumerate(shapes)
    }


@pytest.mark.parametrize("city", CITIES)
def test_the_archives_are_a_complete_data_set(tmp_path, city):
    known = [KNOWN] if city == "paris" else []
    written = write_official_archives(city, tmp_path, pictures(), known)
    declared = CITIES[city].declared()
    assert [path.name for path in written] == [*declared["images"], *declared["ground_truth"]]
    *archives, lists = written
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
    assert {size for size in dataset.sizes.values()} == {(64, 48), (48, 64)}
    if known:
        [found] = [query for query in queries if query.name == KNOWN.name]
        assert found == replace(KNOWN, box=found.box)


def test_paris_lies_in_folders_and_two_archives(tmp_path):
    first, second, _ = write_official_archives("paris", tmp_path, pictures())
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
    model = rehearse.merged_config()["models"]["alexnet"]
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


def test_the_checks_find_what_is_missing(tmp_path):
    """Of a folder with an empty study: everything."""
    results = tmp_path / "results" / "rehearsal"
    (results / "plots").mkdir(parents=True)
    (results / "plots" / "run-time.csv").write_text("rule,jobs,measured\nx,2,1\n")
    ...


@pytest.mark.rehearsal
def test_the_whole_rehearsal(tmp_path):
    assert rehearse.main(["--folder", str(tmp_path / "rehearsal")]) == 0
