"""Every study's config is valid; every mistake gets the key, the value and the remedy."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from workflow_runs import OFFICIAL

from pocketvlad.data.declarations import data_folder, local_file
from pocketvlad.study.config import ConfigError, check_config, embedded_weights, require_local_data

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "config" / "schema.yaml"


def load(name):
    config = yaml.safe_load((ROOT / name).read_text())
    for section in ("sources", "datasets"):
        shared = yaml.safe_load((ROOT / OFFICIAL / f"{section}.yaml").read_text())[section]
        config[section] = {**shared, **config.get(section, {})}
    return config


@pytest.mark.parametrize("name", ["config.yaml", "config/subset.yaml"])
def test_the_studies_are_valid(name):
    check_config(load(name), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("sed",), 1, r"unknown key: sed; known are study, seed"),
        (("training", "epoch"), 3, r"unknown key in training: epoch"),
        (("training", "learning_rate"), "1e-3", r"training\.learning_rate: '1e-3'.*1\.0e-3"),
        (("models", "vgg16", "width"), 1.5, r"models\.vgg16\.width: 1\.5.*at most 1"),
        (("grid", 0, "bits"), [8, 9], r"grid\.0\.bits\.1: 9"),
        (("grid", 0, "quantizers"), ["median"], r"'median'.*uniform"),
        (("grid", 0, "thresholds"), ["0.002"], r"grid\.0.*'0\.002' has no cutoff.*0\.001"),
        (("grid", 0, "l1"), ["1e-5"], r"grid\.0\.l1\.0: '1e-5'.*0\.00001"),
        (("recovery", "objective"), "triplets", r"recovery\.objective: 'triplets'.*distillation"),
        (("pruning", "thresholds"), {"1e-05": 1.0}, r"pruning\.thresholds.*'1e-05'.*decimal"),
        (("pruning", "thresholds"), {"0.010": 1.0}, r"'0\.010'"),
        (("cities", "paris"), "london", r"cities\.paris: no data set is called 'london'.*mini-"),
        (("cities", "paris"), "mini-oxford", r"both roles have the same data set"),
        (("models", "vgg16", "weights"), {"source": "vgg16-caffe"}, r"weights\.file: missing"),
        (
            ("datasets", "oxford5k", "images"),
            ["oxbuild.tgz"],
            r"datasets\.oxford5k\.images\.0: no source is called 'oxbuild\.tgz'; add it to sources",
        ),
        (
            ("datasets", "oxford5k", "images"),
            [{"urls": ["https://x/y"]}],
            r"oxford5k\.images\.0: \{'urls'.*write the name of an entry of sources",
        ),
        (
            ("datasets", "oxford5k", "ground_truth"),
            ["gnd_roxford5k.pkl"],
            r"oxford5k\.ground_truth: gnd_roxford5k\.pkl is for the revisited .*`protocol: revisit",
        ),
        (
            ("datasets", "roxford5k", "ground_truth"),
            ["gt_files_170407.tgz"],
            r"roxford5k\.ground_truth: gt_files_170407\.tgz is for the original protocol",
        ),
        (
            ("datasets", "roxford5k", "ground_truth"),
            ["gnd_roxford5k.pkl", "gnd_rparis6k.pkl"],
            r"roxford5k\.ground_truth: gnd_roxford5k\.pkl is one of 2; write it alone",
        ),
        (("datasets", "roxford5k", "protocol"), "revised", r"protocol: 'revised'.*original"),
        (("datasets", "mini-paris", "protocol"), "revisited", r"mini-paris\.protocol.*remove it"),
        (
            ("cities", "paris"),
            "roxford5k",
            r"oxford has the original protocol, paris has the revisited .*two data sets of one",
        ),
        (
            ("datasets", "york"),
            {"folder": "york"},
            r"missing key in datasets\.york: ground_truth \(folder needs it\); add it",
        ),
        (
            ("datasets", "york"),
            {"images": ["paris_1-v1.tgz"], "ground_truth": "x.csv", "expected_images": 9},
            r"missing key in datasets\.york: expected_queries \(images needs it\)",
        ),
        (("datasets", "york"), {"ground_truth": "x.csv"}, r"york: .*one of images .*, folder"),
        (
            ("datasets", "york"),
            {"folder": "york", "images": ["paris_1-v1.tgz"], "ground_truth": "x.csv"},
            r"datasets\.york: .*one of images .*, folder",
        ),
        (("datasets", "mini-paris", "ground_truth"), "x.csv", r"ground_truth: 'x\.csv'.*remove it"),
        (
            ("datasets", "york"),
            {"folder": 3, "ground_truth": "x"},
            r"york\.folder: 3 .*a folder of",
        ),
        (("datasets", "york"), {"folder": "y", "ground_truth": []}, r"ground_truth: \[\].*\.csv"),
        (("sources", "paris_1-v1.tgz", "urls"), [], r"paris_1-v1\.tgz\.urls: \[\].*preference"),
        (("sources", "paris_1-v1.tgz", "urls"), ["ftp://x/y"], r"urls\.0: 'ftp://x/y'.*https://"),
        (("sources", "paris_1-v1.tgz", "checksum"), "md5:12", r"checksum: 'md5:12'.*sha256-prefix"),
        (("sources", "paris_1-v1.tgz", "checksum"), "sha256-prefix:1234567", r"8 or more digits"),
        (("sources", "paris_1-v1.tgz", "size"), "2 GB", r"size: '2 GB'.*number of bytes"),
        (("sources", "paris_1-v1.tgz", "license"), "MIT", r"unknown key in sources.*licence"),
        (("sources", "../x"), {"urls": ["https://x/y"]}, r"sources: the name '\.\./x'.*file name"),
        (("models", "vgg16", "weights", "mean"), [0, 0, 0], r"unknown key in .*weights: mean"),
        (("models", "vgg16", "preprocessing"), "torchvision", r"unknown key.*: preprocessing"),
        (("protocol", "mean"), [123, 117, 104], r"unknown key in protocol: mean"),
        (("models", "alexnet-torchvision"), {}, r"models.*'alexnet-torchvision'.*lower-case"),
        (("study",), "../up", r"study: '\.\./up'.*lower-case"),
    ],
)
def test_mistakes_are_explained(path, value, message):
    config = copy.deepcopy(load("config.yaml"))
    section = config
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    with pytest.raises(ConfigError, match=message):
        check_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": [{"drop": 0}]}, r"rd\.targets\.0\.drop: 0 .*above 0"),
        ({"targets": [{"drop": 1, "megabytes": 4}]}, r"rd\.targets\.0: .*one key"),
        ({"targets": [{"size": 4}]}, r"unknown key in rd\.targets\.0: size; known are drop, mega"),
        ({"targets": [{"drop": 1}], "trials": 0}, r"rd\.trials: 0 .*6 unless told"),
        ({"distortions": None}, r"rd: .*distortions, targets, or both"),
    ],
)
def test_mistakes_in_targets_are_explained(changes, message):
    config = load("config/subset.yaml")
    config["rd"] |= changes
    config["rd"] = {key: value for key, value in config["rd"].items() if value is not None}
    with pytest.raises(ConfigError, match=message):
        check_config(config, SCHEMA)


def test_targets_do_without_distortions():
    config = load("config/subset.yaml")
    del config["rd"]["distortions"]
    config["rd"]["targets"] = [{"drop": 0.5}, {"megabytes": 4}]
    check_config(config, SCHEMA)


def test_both_forms_of_a_city_of_ones_own_are_valid(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETVLAD_DATA", str(tmp_path))
    config = load("config.yaml")
    config["datasets"]["york"] = {"folder": "york", "ground_truth": "york.csv"}
    config["datasets"]["bath"] = {
        "folder": str(tmp_path / "bath"),
        "ground_truth": ["gt_files_170407.tgz"],
        "query_prefix": "oxc1_",
    }
    config["cities"] = {"york": "york", "bath": "bath"}
    check_config(config, SCHEMA)
    (tmp_path / "bath").touch()
    with pytest.raises(ConfigError) as failure:
        require_local_data(config)
    lines = str(failure.value).splitlines()[1:]
    assert [line.split(";")[0].strip() for line in lines] == [
        f"datasets.york.folder: {tmp_path}/york is missing",
        f"datasets.york.ground_truth: {tmp_path}/york.csv is missing",
        f"datasets.bath.folder: {tmp_path}/bath is not a folder",
    ]
    assert all("`data_folder`" in line and "POCKETVLAD_DATA" in line for line in lines)
    (tmp_path / "bath").unlink()
    for city in ("york", "bath"):
        (tmp_path / city).mkdir()
    (tmp_path / "york.csv").touch()
    require_local_data(config)


def test_a_descriptor_is_not_kept_longer_than_it_is():
    config = load("config/subset.yaml")
    config["rd"]["length"] = 512
    check_config(config, SCHEMA)
    config["rd"]["length"] = 513
    message = (
        r"rd\.length: 513 is more than the 512 .* models\.vgg16\.descriptor; write 512 or less"
    )
    with pytest.raises(ConfigError, match=message):
        check_config(config, SCHEMA)


def test_revisited_cities_are_a_valid_study():
    config = load("config.yaml")
    config["cities"] = {"oxford": "roxford5k", "paris": "rparis6k"}
    check_config(config, SCHEMA)


def with_weights(source, **changes):
    """The config with a model of full width that starts from `source`."""
    config = load("config.yaml")
    weights = {"source": source, "file": "some.file"}
    model = {"backbone": "vgg16", "width": 1.0, "clusters": 64, "descriptor": 4096}
    config["models"] = {"some": {**model, "weights": weights, **changes}}
    return config


@pytest.mark.parametrize(
    ("source", "backbone"),
    [
        ("vgg16-caffe", "vgg16"),
        ("vgg16-torchvision", "vgg16"),
        ("netvlad-pitts30k", "vgg16"),
        ("alexnet-caffe", "alexnet"),
        ("alexnet-torchvision", "alexnet-torchvision"),
    ],
)
def test_weights_are_for_one_backbone(source, backbone):
    for other in ("alexnet", "alexnet-torchvision", "vgg16"):
        config = with_weights(source, backbone=other)
        if other == backbone:
            check_config(config, SCHEMA)
        else:
            message = f"models.some.weights.source: '{source}' is for the backbone '{backbone}'"
            with pytest.raises(ConfigError, match=message):
                check_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clusters": 32}, r"models\.some\.clusters: 32 does not fit .*; write 64"),
        ({"descriptor": 4097}, r"models\.some\.descriptor: 4097 is more .*; write 4096 or less"),
        ({"width": 0.5}, r"models\.some\.width: 0\.5 does not fit netvlad-pitts30k weights"),
        ({"descriptor": 512}, None),
    ],
)
def test_the_pitts30k_weights_have_64_clusters_and_4096_dimensions(changes, message):
    config = with_weights("netvlad-pitts30k", **changes)
    if message is None:
        check_config(config, SCHEMA)
    else:
        with pytest.raises(ConfigError, match=message):
            check_config(config, SCHEMA)


def test_embedded_weights_are_named_by_backbone_and_width():
    path = embedded_weights("alexnet-torchvision", 0.25)
    assert path.name == "alexnet-torchvision-0.25.safetensors"
    assert path.parent == embedded_weights("alexnet", 0.25).parent


def test_all_mistakes_are_told_at_once():
    config = copy.deepcopy(load("config.yaml"))
    del config["seed"]
    config["compute"]["threads"] = 0
    with pytest.raises(ConfigError, match=r"(?s)missing key: seed.*compute.threads: 0"):
        check_config(config, SCHEMA)


def test_every_key_of_the_schema_has_a_remedy():
    def walk(node, path):
        for name, child in node.get("properties", {}).items():
            assert "description" in child or "$ref" in child, f"{path}.{name}"
            walk(child, f"{path}.{name}")
        for part in ("items", "propertyNames", "additionalProperties"):
            if isinstance(node.get(part), dict) and "$ref" not in node[part]:
                assert "description" in node[part], f"{path} {part}"
                walk(node[part], f"{path} {part}")

    schema = yaml.safe_load(SCHEMA.read_text())
    walk(schema, "")
    for name, definition in schema["$defs"].items():
        assert "description" in definition, name
        walk(definition, name)


def test_local_files_start_from_the_data_folder(monkeypatch):
    monkeypatch.delenv("POCKETVLAD_DATA", raising=False)
    folder = data_folder({"data_folder": "photos"})
    assert local_file("file:a.tar", folder) == Path("photos/a.tar")
    assert local_file("file:///x/a.tar", folder) == Path("/x/a.tar")
    monkeypatch.setenv("POCKETVLAD_DATA", "/elsewhere")
    assert data_folder({"data_folder": "photos"}) == Path("/elsewhere")


def test_the_environments_agree():
    """The short list, the exact versions and the conda file name the same packages."""
    chosen = {
        re.match(r"[\w.-]+", line).group().lower(): line.split("#")[0].strip()
        for line in (ROOT / "envs" / "requirements.in").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    }
    exact = {}
    for line in (ROOT / "envs" / "requirements.txt").read_text().splitlines():
        requirement = line.split(";")[0].strip()
        assert re.fullmatch(r"[\w.-]+==[\w.+]+", requirement), f"not an exact version: {line}"
        exact.setdefault(requirement.split("==")[0].lower(), []).append(requirement)
    for name, line in chosen.items():
        assert name in exact, f"{name} is chosen but not pinned; run `make lock`"
        if "==" in line:
            assert exact[name] == [line]
    conda = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text())
    assert {"pip": ["-r requirements.txt"]} in conda["dependencies"]
    python = next(d for d in conda["dependencies"] if str(d).startswith("python="))
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()
    assert python == "python=3.11"
