"""The report in a real browser: all there, nothing from elsewhere, no errors, fit for a phone."""

from types import SimpleNamespace

import pytest
import yaml
from browser import SCREENS, browser, chromium, watched_page
from docutils.core import publish_parts
from jinja2 import Environment
from PIL import Image
from snakemake.utils import update_config
from workflow_runs import OFFICIAL, ROOT, snakemake

NO_NETWORK = {f"{protocol}_proxy": "http://127.0.0.1:9" for protocol in ("http", "https")}


@pytest.fixture(scope="module")
def report(small_study):
    """The small study's report, made without a network, and its results."""
    folder, _ = small_study
    results = folder / "results" / "small"
    options = ("--report-stylesheet", "report/style.css", "--configfile", "small.yaml")
    file = "results/small/report.html"
    snakemake(folder, "--report", file, *options, environment=NO_NETWORK)
    return folder / file, results


@pytest.fixture(scope="module")
def started():
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with browser(executable) as running:
        yield running


@pytest.fixture(params=SCREENS)
def watched(request, started, report):
    with watched_page(started, report[0], request.param) as opened:
        yield opened


@pytest.mark.parametrize(
    ("config", "marked"),
    [
        (["config.yaml"], "These cities are drawn"),
        (["config/subset.yaml"], "Only a part"),
        (["config/paper.yaml", "config/rehearsal.yaml"], "A rehearsal with stand-in weights"),
    ],
)
def test_the_front_page_says_what_the_data_are(tmp_path, monkeypatch, config, marked):
    study = {}
    for file in config:
        update_config(study, yaml.safe_load((ROOT / file).read_text()))
    shared = yaml.safe_load((ROOT / OFFICIAL / "datasets.yaml").read_text())["datasets"]
    study["datasets"] = shared | study.get("datasets", {})
    answer = tmp_path / "results" / study["study"] / "answer.rst"
    answer.parent.mkdir(parents=True)
    answer.write_text("The answer.\n")
    for name in ("table", "speed", "map", "city"):
        (answer.parent / f"{name}_fragment.html").write_text(f"<p>The {name}.</p>")
    monkeypatch.chdir(tmp_path)
    # As Snakemake does it.
    template = Environment(trim_blocks=True, lstrip_blocks=True).from_string(
        (ROOT / "report" / "front_page.rst").read_text()
    )
    text = template.render(snakemake=SimpleNamespace(config=study))
    page = publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["html_body"]
    assert "The answer." in page
    assert "The table." in page
    assert "The speed." in page
    assert "The city." in page
    assert ("The map." in page) == ("map" in study)
    for sentence in ("These cities are drawn", "Only a part", "A rehearsal with stand-in weights"):
        assert (sentence in page) == (sentence == marked)


def fits(page):
    """Whether nothing sticks out of the window."""
    return page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_the_front_page(watched, report, tmp_path):
    page = watched.page
    front = page.locator(".prose")
    front.wait_for()
    text = " ".join(front.inner_text().split())
    assert "How small can the file of a place recognition network become" in text
    answer = (report[1] / "answer.rst").read_text()
    assert answer.split("\n\n")[0] in text
    assert "make check-claims" in text
    assert "No city of this study has been packed" in text
    assert front.locator("table").first.locator("tbody tr").count() >= 1
    assert "kmeans" in front.locator(".results").first.inner_text()
    # What docutils could not read would be told in the page.
    assert page.locator(".system-message").count() == 0
    page.locator("#rulegraph canvas, #rulegraph svg").first.wait_for()
    assert fits(page)
    assert front.bounding_box()["width"] <= page.viewport_size["width"]
    picture = tmp_path / "front.png"
    page.screenshot(path=picture)
    with Image.open(picture) as image:
        assert image.size == tuple(page.viewport_size.values())
        assert len(image.getcolors(maxcolors=1 << 24)) > 20
    assert watched.errors == []
    assert [
        url for url in watched.requests if not url.startswith(("file:", "data:", "blob:"))
    ] == []


def test_every_result_is_shown_and_explained(watched):
    page = watched.page
    page.locator(".prose").wait_for()
    results = page.evaluate("results")
    assert {"table.csv", "table.html", "size.svg", "run-time.svg", "configuration.html"} <= {
        result["name"] for result in results.values()
    }
    assert set(page.evaluate("categories")) == {"Table", "Figures", "Configuration"}
    for category in page.evaluate("Object.keys(categories)"):
        page.evaluate("category => app.showCategory(category)", category)
        page.locator("nav tbody tr").first.wait_for()
        assert fits(page), category
    for path, result in results.items():
        assert result["caption"].strip(), path
        assert result["labels"], path
        view = {"resultPath": path, "contentPath": result["data_uri"]}
        if result["mime_type"].startswith("image/"):
            page.evaluate("view => app.setView({content: 'img', ...view})", view)
            image = page.locator(f'img[src="{result["data_uri"]}"]')
            image.wait_for()
            page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())
            assert fits(page), path
        elif result["mime_type"] == "text/html":
            page.evaluate("view => app.setView({content: 'html', ...view})", view)
            page.frame_locator("iframe").locator("body").wait_for()
            assert page.frame_locator("iframe").locator("body").inner_text().strip()
    assert watched.errors == []


def test_the_menu_leads_to_run_times_and_results(watched, tmp_path):
    page = watched.page
    menu = page.locator("nav")
    menu.get_by_text("Statistics").click()
    for chart in ("#runtimes", "#timeline"):
        page.locator(f"{chart} canvas, {chart} svg").first.wait_for()
    page.screenshot(path=tmp_path / "statistics.png")
    menu.get_by_text("Configuration").click()
    menu.locator("tbody tr a").first.click()
    shown = page.frame_locator("iframe").locator("pre")
    shown.wait_for()
    assert "study: small" in shown.inner_text()
    assert "torch:" in shown.inner_text()
    assert watched.errors == []
