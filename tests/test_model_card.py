"""Model cards: what they say is what file, row and table have; terms are never invented."""

import hashlib
import json
import re

import pandas as pd
import pytest
import yaml
from jinja2 import UndefinedError
from workflow_runs import ROOT

from pocketvlad.data.dataset import describe_counts
from pocketvlad.report.configuration_page import configuration_page, used_versions
from pocketvlad.report.model_card import card_facts, data_terms, model_card, weights_terms
from pocketvlad.report.rows import read_table
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.test_set_columns import by_test_set
from pocketvlad.study.local_data import used_settings

SOURCES = {
    "weights.pth": {"urls": [], "licence": "CC BY 4.0"},
    "silent.pth": {"urls": []},
    "images.tar": {"urls": [], "licence": "for research"},
    "gt.tgz": {"urls": [], "licence": "for research"},
}
HEADINGS = (
    "Model details",
    "Licence of the weights",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"source": "buildings"}, "PocketVLAD's own, under the MIT licence"),
        ({"source": "vgg16-caffe", "file": "weights.pth"}, "weights (weights.pth): CC BY 4.0."),
        (
            {"source": "vgg16-caffe", "file": "weights.pth", "stand_in": True},
            "Derived from stand-in vgg16-caffe weights",
        ),
        ({"source": "vgg16-caffe", "file": "silent.pth"}, "licence is not stated"),
        ({"source": "vgg16-caffe", "file": "/mine/vgg.pth"}, "(vgg.pth): their licence is not"),
    ],
)
def test_terms_of_weights(weights, expected):
    assert expected in weights_terms(weights, SOURCES)


def test_terms_of_data():
    declared = {"images": ["images.tar"], "ground_truth": ["gt.tgz"]}
    assert data_terms(declared, SOURCES) == "for research"
    assert "drawn" in data_terms({"render": {}}, SOURCES)
    assert "no licence stated" in data_terms({"images": ["silent.pth"]}, SOURCES)


def test_only_what_the_study_uses_is_shown():
    config = {
        "study": "mine",
        "cities": {"oxford": "a", "paris": "b"},
        "sources": SOURCES,
        "datasets": {
            "a": {"images": ["images.tar"], "ground_truth": ["gt.tgz"]},
            "b": {"render": {"seed": 1}},
            "c": {"images": ["silent.pth"]},
        },
        "models": {"vgg16": {"weights": {"source": "vgg16-caffe", "file": "weights.pth"}}},
    }
    settings = used_settings(config)
    assert set(settings["datasets"]) == {"a", "b"}
    assert set(settings["sources"]) == {"images.tar", "gt.tgz", "weights.pth"}
    page = configuration_page(settings, {"torch": "2.11.0"})
    text = re.sub(r"<[^>]+>", "", page)
    assert "study: mine" in text
    assert "torch: 2.11.0" in text
    assert "silent.pth" not in text
    assert not re.search(r"(src|href)=", page)


def test_the_configuration_has_every_version_and_letter():
    rows = [{"versions": {"torch": torch, "numpy": "2.4"}} for torch in ("2.10", "2.11", "2.10")]
    assert used_versions(rows) == {"torch": "2.10, 2.11", "numpy": "2.4"}
    page = configuration_page({"datasets": {"Zürich": {}}}, used_versions(rows))
    assert "Zürich" in re.sub(r"<[^>]+>", "", page)
    assert "charset=utf-8" in page


def test_a_card_lies_beside_each_compressed_file(small_study):
    folder, _ = small_study
    results = folder / "results" / "small"
    table = read_table(results / "table.csv")
    cells = (table["version"] != "base").sum()
    cards = sorted((results / "models").rglob("*.md"))
    assert len(cards) == 2 * cells > 0
    for file in (path.with_suffix(".pvlad") for path in cards):
        card = file.with_suffix(".md").read_text()
        assert [f"## {name}" for name in HEADINGS] == re.findall(r"^## .*", card, re.M)
        assert hashlib.sha256(file.read_bytes()).hexdigest() in card
        assert f"{file.stat().st_size:,} bytes" in card
        trained_on = file.relative_to(results / "models").parts[1]
        city = {"oxford": "paris", "paris": "oxford"}[trained_on]
        version = file.relative_to(results / "models").with_suffix("").parts[3:]
        [line] = table[table["version"] == "/".join(version)].to_dict("records")
        for column, asked in (
            (f"drop_{city}_landmarks", "official queries"),
            (f"dense_drop_{city}", "every labelled photograph"),
        ):
            drop = line[column.removesuffix("_landmarks")]
            drop, low, high = (
                fixed(x, 1) for x in (drop, line[f"{column}_low"], line[f"{column}_high"])
            )
            assert f"interval), {asked} | {drop} [{low}, {high}] |" in card
        counts = [
            f"{line[f'{queries}queries_{city}']} of {line[f'{queries}landmarks_{city}']} landmarks"
            for queries in ("", "dense_")
        ]
        assert f"| mAP (%), official queries ({counts[0]}) | {line[f'map_{city}']:.1f} |" in card
        dense = f"| mAP (%), every labelled photograph ({counts[1]}) | "
        assert f"{dense}{line[f'dense_map_{city}']:.1f} |" in card
        assert "This file is of one training, with seed 1;" in card
        assert "± standard deviation" not in card
        assert f"trained on mini-{trained_on}" in card.splitlines()[0]
        trained = results / "models" / "vgg16" / trained_on / "seed-1"
        settings = json.loads((trained / "settings.json").read_text())
        length = settings["rd.length"]["chosen"] if version[0] == "rd" else 16
        assert (f"after its first {length} among them" in card) == (length < 16)
        whole, cut = f": {length} components.", f": the first {length} of 16 components"
        assert f"- **Descriptor**{cut if length < 16 else whole}" in card


@pytest.fixture
def one_file(small_study):
    """A compressed file of the small study, its row, both tables, and the settings."""
    folder, _ = small_study
    results = folder / "results" / "small"
    file = next((results / "models" / "vgg16" / "paris").rglob("*-fixed.pvlad"))
    part = file.relative_to(results / "models").with_suffix(".json")
    row = json.loads((results / "scores" / part).read_text())
    tables = [read_table(results / name) for name in ("table.csv", "table_seeds.csv")]
    config = {"sources": {}} | yaml.safe_load((folder / "small.yaml").read_text())
    return file, row, *tables, used_settings(config)


def test_the_card_of_a_file_has_its_own_seed_and_the_spread_of_its_cell(one_file):
    file, row, table, by_seed, settings = one_file
    spreads = {"drop_oxford_spread": 1.25, "dense_drop_oxford_spread": 2.75}
    cell = table["version"] == row["version"]
    table = table.assign(seeds="1 2 3", **spreads)
    table.loc[cell, ["drop_oxford", "drop_oxford_landmarks_low"]] = 7.0, 6.5
    table.loc[cell, ["drop_oxford_landmarks_high", "dense_drop_oxford"]] = 8.0, 9.0
    table.loc[cell, ["dense_drop_oxford_low", "dense_drop_oxford_high"]] = 4.0, 11.0
    others = by_seed.assign(seed=2, drop_oxford=99.0)
    facts = card_facts(file, row, table, pd.concat([others, by_seed]), settings)
    card = model_card((ROOT / "report" / "model_card.md.jinja").read_text(), facts)
    own = by_seed.loc[by_seed["version"] == row["version"], "drop_oxford"].item()
    assert f"interval), official queries | {fixed(own, 1)} [" in card
    mean = "| the same drop, mean of seeds 1, 2, 3 ± standard deviation |"
    assert re.findall(rf"{re.escape(mean)} (.*?) \|", card) == [
        "7.0 ± 1.2 [6.5, 8.0]",
        "9.0 ± 2.8 [4.0, 11.0]",
    ]
    assert "This file is of one training, with seed 1;" in card
    assert "Of a new training expect the mean drop of seeds 1, 2, 3, within its interval" in card
    assert "for other trainings, too" in card


def test_the_card_of_a_file_has_its_scores_on_test_sets(one_file):
    """Those of the file and of its base model, here as if the test set were the other city."""
    file, row, table, by_seed, settings = one_file
    scores = file.parents[6] / "scores" / "vgg16" / "paris" / "seed-1" / "base.json"
    base = json.loads(scores.read_text())
    located = [
        {key: value for key, value in each.items() if "map" not in key and "average" not in key}
        for each in (base, row)
    ]
    rows = [each | {"test_city": "home"} for each in (base, row)]
    rows += [each | {"test_city": "lane"} for each in located]
    tested = by_test_set(rows, ["home", "lane"], ["oxford", "paris"])
    template = (ROOT / "report" / "model_card.md.jinja").read_text()
    card = model_card(template, card_facts(file, row, table, by_seed, settings, tested))
    before = model_card(template, card_facts(file, row, table, by_seed, settings))
    home = card.split("| on mini-oxford (test set `home`)")[1].split("\n\n")[0]
    # The same queries, so the same mAP, drop and interval as in the first table.
    for line in before.split("| on mini-oxford |")[1].split("\n\n")[0].splitlines():
        if line.startswith(("| mAP", "| drop")):
            assert line in home
    lane = card.split("| on mini-oxford (test set `lane`)")[1].split("\n\n")[0]
    assert "mAP" not in lane
    asked, own = len(row["recall_first_right"]), fixed(100 * row["recall"]["1"], 1)
    for each in (home, lane):
        assert f"| R@1 (%, 95 % interval), within 25 m ({asked} queries) | {own} [" in each
        lost = fixed(100 * (base["recall"]["1"] - row["recall"]["1"]), 1)
        assert f"| drop of R@1 (points, 95 % interval) | {lost} [" in each
    counts = describe_counts(row["test_dataset"])
    assert f"Test set `lane`, mini-oxford: {counts}. Terms: drawn by" in card
    assert "No image of these was used" in card
    assert "test set" not in before


def test_the_card_of_a_model_that_was_not_trained_says_so(one_file):
    file, row, table, by_seed, settings = one_file
    template = (ROOT / "report" / "model_card.md.jinja").read_text()
    facts = card_facts(file, row, table, by_seed, settings)
    trained = model_card(template, facts)
    assert "Fine-tuned with the loss `triplet` for 1 epochs" in trained
    assert "Landmarks held out of this city chose the epoch." in trained
    facts = card_facts(file, row | {"epochs": 0}, table, by_seed, settings) | {"epochs": 0}
    card = model_card(template, facts)
    assert "compressed on mini-paris" in card.splitlines()[0]
    assert "Nothing was fine-tuned before compression; compression\nlearnt from the float" in card
    assert "The weights were then compressed on mini-paris" in card
    assert "This file is of one compression, with seed 1;" in card
    for words in ("Fine-tuned", "chose the epoch", "triplet"):
        assert words not in card


@pytest.mark.parametrize("drawn", [(), ("mini-paris",), ("mini-oxford", "mini-paris")])
def test_the_card_says_of_training_and_test_apart_whether_they_are_drawn(one_file, drawn):
    """Trained on Paris, tested on Oxford."""
    file, row, table, by_seed, settings = one_file
    datasets = {name: {"folder": name} for name in settings["datasets"]} | {
        name: settings["datasets"][name] for name in drawn
    }
    facts = card_facts(file, row, table, by_seed, settings | {"datasets": datasets})
    card = model_card((ROOT / "report" / "model_card.md.jinja").read_text(), facts)
    assert ("say nothing of photographs" in card) == ("mini-oxford" in drawn)
    assert ("Photographs were not\ntested" in card) == ("mini-oxford" in drawn)
    assert ("The scores are of mini-oxford, and of places" in card) == ("mini-oxford" not in drawn)
    assert ("It has seen no photographs of buildings: mini-paris" in card) == (
        drawn == ("mini-paris",)
    )
    assert ("show people, nothing was done" in card) == (not drawn)


def test_the_card_says_that_queries_are_missing(one_file):
    file, row, table, by_seed, settings = one_file
    template = (ROOT / "report" / "model_card.md.jinja").read_text()
    counts = row["test_dataset"]
    counts = counts | {"expected_images": counts["images"]}
    for missing in (0, 1):
        counts = counts | {"expected_queries": counts["queries"] + missing}
        facts = card_facts(file, row | {"test_dataset": counts}, table, by_seed, settings)
        said = "Only a part of the data set was there" in model_card(template, facts)
        assert said == bool(missing)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "0.7/l1-0/kmeans-5-fixed"}, "0 rows of .*, seed 1; run"),
        ({"seed": 9}, "0 rows of vgg16, .*, seed 9; run the table again"),
    ],
)
def test_facts_that_contradict_each_other_are_refused(one_file, change, message):
    file, row, table, by_seed, settings = one_file
    with pytest.raises(ValueError, match=message):
        card_facts(file, row | change, table, by_seed, settings)


def test_a_pipe_in_the_name_of_a_data_set_makes_no_column():
    text = (ROOT / "report" / "model_card.md.jinja").read_text()
    heads = [
        line for line in text.splitlines() if re.match(r"\| .*(test\.name|set\.dataset)", line)
    ]
    assert len(heads) == 3
    facts = {"test": {"name": "a|b"}, "set": {"dataset": "a|b", "role": "x"}, "ranks": (1, 5, 10)}
    columns = [len(re.findall(r"(?<!\\)\|", model_card(line, facts))) - 1 for line in heads]
    assert columns == [3, 3, 6]


def test_a_template_may_name_only_facts():
    with pytest.raises(UndefinedError, match="sise"):
        model_card("{{ sise }}", {"size": 3})
    template = (ROOT / "report" / "model_card.md.jinja").read_text()
    with pytest.raises(UndefinedError):
        model_card(template, {})
