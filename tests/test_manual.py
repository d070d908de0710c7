"""docs/config.md says what is declared, all of it."""

import re

import pytest
import yaml
from workflow_runs import ROOT, STUDIES

from pocketvlad.study.declaration import Study
from pocketvlad.study.manual import main, manual
from pocketvlad.util.settings import declared

PAGE = ROOT / "docs" / "config.md"


def test_the_page_is_up_to_date(tmp_path):
    main([str(tmp_path / "config.md")])
    assert (tmp_path / "config.md").read_text() == manual()
    assert PAGE.read_text() == manual(), "a declaration has changed; run `make manual`"


def all_fields(cls):
    for each in declared(cls):
        yield each
        if each.section:
            yield from all_fields(each.section)


def test_it_has_a_line_for_every_key():
    lines = re.findall(r"^\| `(\w+)` \|", manual(), re.M)
    assert lines.count("image_size") == 5
    assert set(lines) >= {each.name for each in all_fields(Study)}


def test_its_links_lead_somewhere():
    headings = re.findall(r"^## (.*)$", manual(), re.M)
    # As GitHub makes them.
    anchors = [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings]
    assert len(set(anchors)) == len(anchors)
    links = re.findall(r"\]\(#([^)]*)\)", manual())
    assert links
    assert set(links) <= set(anchors)


@pytest.mark.parametrize("name", STUDIES)
def test_every_key_of_a_study_is_in_it(name):
    def keys(node, cls):
        for each in declared(cls):
            if each.name in node:
                yield each.name
                if each.section and each.kind is each.section:
                    yield from keys(node[each.name], each.section)

    for key in keys(yaml.safe_load((ROOT / name).read_text()), Study):
        assert f"\n| `{key}` |" in manual(), key


def test_what_a_line_says():
    lines = manual().splitlines()
    assert "| `margin` | a number, above 0 | `0.1` | the triplet loss's margin m |" in lines
    (line,) = (each for each in lines if each.startswith("| `cluster_bits` |"))
    assert "| a whole number, from 1 to 8 | `6` |" in line
    (line,) = (each for each in lines if each.startswith("| `cities` |"))
    assert "each name lower-case letters and digits, each value a data set's name |  |" in line
