"""Model cards: what they say is what file, row and table have; terms are never invented."""

import hashlib
import json
import re

import pytest
from jinja2 import UndefinedError
from workflow_runs import ROOT

from pocketvlad.report.configuration_page import configuration_page
from pocketvlad.report.model_card import card_facts, data_terms, model_card, weights_terms
from pocketvlad.report.rows import read_table
from pocketvlad.report.tables.drops import fixed
from pocketvlad.study.config import used_settings

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
        version = file.relative_to(results / "models").with_suffix("").parts[2:]
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
        counts = line[f"queries_{city}"], line[f"dense_queries_{city}"]
        assert f"| mAP (%), official queries ({counts[0]}) | {line[f'map_{city}']:.1f} |" in card
        dense = f"| mAP (%), every labelled photograph ({counts[1]}) | "
        assert f"{dense}{line[f'dense_map_{city}']:.1f} |" in card
        assert f"trained on mini-{trained_on}" in card.splitlines()[0]
        assert ("after its first 12 among them" in card) == (version[0] == "rd")


def test_facts_that_contradict_each_other_are_refused(small_study):
    folder, _ = small_study
    results = folder / "results" / "small"
    file = next(results.rglob("*-fixed.pvlad"))
    part = file.relative_to(results / "models").with_suffix(".json")
    row = json.loads((results / "scores" / part).read_text())
    table = read_table(results / "table.csv")
    with pytest.raises(ValueError, match="0 rows"):
        card_facts(
            file,
            row | {"version": "0.7/l1-0/kmeans-5-fixed"},
            table,
            {"datasets": {}, "sources": {}},
        )


def test_a_template_may_name_only_facts():
    with pytest.raises(UndefinedError, match="sise"):
        model_card("{{ sise }}", {"size": 3})
    template = (ROOT / "report" / "model_card.md.jinja").read_text()
    with pytest.raises(UndefinedError):
        model_card(template, {})
