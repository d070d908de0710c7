"""A packed city in a real browser, from its first to its last step."""

import browser
import numpy as np
from few_files import write_models, write_noise
from test_page_browser import ask, first_thumbnail, opened, visit  # noqa: F401
from test_page_browser import pytestmark as needed

import pocketvlad
from pocketvlad.packing.city_server import city_server

pytestmark = needed


def served(folder):
    """The address of a city, as `pocketvlad serve` has it."""
    return browser.served(lambda: city_server(folder, 0))


def assert_answers(page, answers):
    """The last question was answered as Python answers it."""
    found = page.evaluate("window.last.found")
    assert [each["file"] for each in found] == [str(each.path) for each in answers]
    similarities = [each["similarity"] for each in found]
    np.testing.assert_allclose(similarities, [each.similarity for each in answers], atol=1e-3)


def test_a_city_of_vgg16_answers_as_python_does(opened, few_files):  # noqa: F811
    write_models(few_files, "vgg16", 0.125)
    pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "old-town")
    with pocketvlad.load("old-town") as city:
        expected = city.search("holiday/7.jpg", top=6)
    with served(few_files / "old-town") as place, visit(opened, place) as page:
        ask(page, few_files / "holiday" / "7.jpg")
        assert_answers(page, expected)
        assert page.errors == []


def test_a_packed_city_recognises_itself(opened, few_files):  # noqa: F811
    model = pocketvlad.load("small.pvlad")
    made = pocketvlad.pack(model, "holiday", "old-town", labels={"7": "Hall", "3.jpg": "Gate"})
    write_noise("noise.png")
    with pocketvlad.load("old-town") as city:
        expected = {name: city.search(name, top=6) for name in ("holiday/7.jpg", "noise.png")}
    assert expected["noise.png"][0].similarity < made.calibration.threshold
    with served(few_files / "old-town") as place, visit(opened, place) as page:
        assert page.inner_text("h1") == "old-town: which place is this?"
        for name, answers in expected.items():
            ask(page, few_files / name)
            assert_answers(page, answers)
            assert page.locator("#pictures img").count() == 6
            width = "(each) => each.decode().then(() => each.naturalWidth)"
            assert first_thumbnail(page).evaluate(width) == 160
            if name == "holiday/7.jpg":
                assert page.inner_text("#place") == "Hall"
        assert page.inner_text("#place") == "I do not know this place"
        assert page.errors == []
