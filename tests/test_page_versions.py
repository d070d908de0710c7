"""A city that is packed again, in the browser of a visitor who knows the one before: all that is
shown is of one version, and what was kept for times without a network stays until more is."""

import json
import shutil
import time
from contextlib import contextmanager
from functools import partial

import pytest
from PIL import Image
from test_page_browser import (  # noqa: F401
    Handler,
    ask,
    change_manifest,
    first_thumbnail,
    opened,
    visit,
    wait,
)
from test_page_browser import pytestmark as needed
from test_page_browser import served as served_by

import pocketvlad
from pocketvlad.util.checksum import file_digest

pytestmark = needed

NEEDED = "document.querySelector('#offline').textContent.includes('need a network next time')"
KEPT = "document.querySelector('#offline').textContent.includes('without a network')"


class KeepingHandler(Handler):
    """As hosts of static files have it: browsers may keep a file for ten minutes."""

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


served = partial(served_by, handler=KeepingHandler)


@pytest.fixture
def cities(few_files):
    """Two versions of a city: title, name and thumbnail of the first photograph differ."""
    model = pocketvlad.load("small.pvlad")
    for number, name in enumerate(["Gate", "Hall"]):
        pocketvlad.pack(model, "holiday", f"city{number}", labels={"0": name}, title=name)
        thumbnail = few_files / f"city{number}" / "thumbnails" / "0.jpg"
        Image.new("RGB", (160, 120), ["red", "blue"][number]).save(thumbnail)
        digests = json.loads((few_files / f"city{number}" / "thumbnails.json").read_text())
        list_digests(few_files / f"city{number}", digests)
    return few_files / "city0", few_files / "city1"


def list_digests(city, digests):
    digests[0] = file_digest(city / "thumbnails" / "0.jpg", "sha256")
    (city / "thumbnails.json").write_text(json.dumps(digests))
    listed = json.loads((city / "city.json").read_text())["digests"]
    listed["thumbnails.json"] = file_digest(city / "thumbnails.json", "sha256")
    change_manifest(city, digests=listed)


def upload(city, folder, *names):
    """Some files of a city, or all."""
    for name in names or [path.name for path in city.iterdir()]:
        source = city / name
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy(source, folder / name)


@pytest.fixture
def folder(cities, tmp_path):
    """What is on the server: the first version."""
    made = tmp_path / "server"
    made.mkdir()
    upload(cities[0], made)
    return made


@contextmanager
def offline(opened):  # noqa: F811
    opened.set_offline(True)
    yield
    opened.set_offline(False)


@contextmanager
def without_service_workers(opened):  # noqa: F811
    page = opened.new_page()
    page.add_init_script("delete Navigator.prototype.serviceWorker")
    yield page
    page.close()


def shown(page, few_files):
    """Title, name and the colour of the thumbnail of what the page says of the first photograph."""
    assert page.is_hidden("#error"), page.inner_text("#error")
    ask(page, few_files / "holiday" / "0.jpg")
    assert page.is_hidden("#error"), page.inner_text("#error")
    red = first_thumbnail(page).evaluate("""async (image) => {
      await image.decode();
      const context = new OffscreenCanvas(1, 1).getContext("2d");
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, 1, 1).data[0] > 99;
    }""")
    title = page.inner_text("h1").split(":")[0]
    return title, page.inner_text("#place"), "red" if red else "blue"


FIRST, SECOND = ("Gate", "Gate", "red"), ("Hall", "Hall", "blue")


def test_a_city_that_is_packed_again_is_seen_and_kept(opened, cities, folder, few_files):  # noqa: F811
    with served(folder) as address:
        with visit(opened, address) as page:
            assert shown(page, few_files) == FIRST
            wait(page, KEPT)
        upload(cities[1], folder)
        with visit(opened, address) as page:
            assert shown(page, few_files) == SECOND
            wait(page, KEPT)
        with offline(opened), visit(opened, address) as page:
            assert shown(page, few_files) == SECOND
        names = opened_caches(opened, address)
        assert len(names) == 2, names  # the page and one city


def opened_caches(opened, address):  # noqa: F811
    with visit(opened, address) as page:
        found = page.evaluate("caches.keys()")
    return [name for name in found if name.endswith(f" {address}")]


@pytest.mark.parametrize(
    "names",
    [("city.json",), ("city.json", "labels.json"), ("city.json", "thumbnails.json", "model.pvlad")],
)
def test_a_city_that_is_half_uploaded_leaves_the_old_one(
    opened,  # noqa: F811
    cities,
    folder,
    few_files,
    names,
):
    with served(folder) as address:
        with visit(opened, address) as page:
            assert shown(page, few_files) == FIRST
            wait(page, KEPT)
        upload(cities[1], folder, *names)
        if "model.pvlad" in names:
            (folder / "model.pvlad").unlink()
        for _ in range(2):
            with visit(opened, address) as page:
                assert shown(page, few_files) == FIRST
                assert "the version that this browser has kept" in page.inner_text("#offline")
            with offline(opened), visit(opened, address) as page:
                assert shown(page, few_files) == FIRST
        upload(cities[1], folder)
        with visit(opened, address) as page:
            assert shown(page, few_files) == SECOND
            wait(page, KEPT)


def test_a_city_is_kept_with_its_own_pictures(opened, cities, folder, few_files):  # noqa: F811
    with served(folder) as address:
        with visit(opened, address) as page:
            wait(page, KEPT)
        upload(cities[1], folder)
        upload(cities[0], folder, "thumbnails")
        with visit(opened, address) as page:
            ask(page, few_files / "holiday" / "0.jpg")
            assert page.inner_text("#place") == "Hall"
            wait(page, "document.querySelector('#offline').textContent")
            assert "This version of the city cannot be kept" in page.inner_text("#offline")
            assert "none, or another file" in page.inner_text("#offline")
        with offline(opened), visit(opened, address) as page:
            assert shown(page, few_files) == FIRST
        upload(cities[1], folder, "thumbnails")
        with visit(opened, address) as page:
            wait(page, KEPT)
            assert shown(page, few_files) == SECOND


@pytest.mark.parametrize("status", [403, 410, 503])
def test_a_server_that_refuses_the_manifest_leaves_the_kept_city_and_is_told(
    opened,  # noqa: F811
    folder,
    few_files,
    status,
):
    class Refusing(KeepingHandler):
        refuses = False

        def send_head(self):
            if not (self.refuses and self.path.startswith("/city.json")):
                return super().send_head()
            self.send_error(status)
            return None

    with served_by(folder, Refusing) as address:
        with visit(opened, address) as page:
            wait(page, KEPT)
        Refusing.refuses = True
        with visit(opened, address) as page:
            assert shown(page, few_files) == FIRST
            said = page.inner_text("#offline")
            assert "the version that this browser has kept" in said
            assert f"({status})" in said


def test_a_thumbnail_of_another_version_is_left_out_without_a_service_worker(
    opened,  # noqa: F811
    cities,
    folder,
    few_files,
):
    with served(folder) as address, without_service_workers(opened) as page:
        page.goto(address)
        wait(page, NEEDED)
        assert shown(page, few_files) == FIRST
        assert page.evaluate("document.querySelector('#pictures img').src").startswith("blob:")
    upload(cities[1], folder, "thumbnails")
    with served(folder) as address, without_service_workers(opened) as page:
        page.goto(address)
        wait(page, NEEDED)
        ask(page, few_files / "holiday" / "0.jpg")
        images = "Array.from(document.querySelectorAll('#pictures img'))"
        wait(page, f"{images}.filter((each) => each.src).length === 5")  # all the others
        time.sleep(0.5)
        assert page.evaluate(f"{images}.map((each) => Boolean(each.src))") == [False] + 5 * [True]
        assert page.evaluate(f"{images}[0].alt") == "Gate"


def test_a_new_visitor_is_told_of_two_versions(opened, cities, folder):  # noqa: F811
    upload(cities[1], folder, "city.json")
    with served(folder) as address, visit(opened, address) as page:
        assert "not of the same version as city.json" in page.inner_text("#error")
        assert page.is_hidden("#ask")


def test_a_page_of_two_versions_is_not_kept(opened, folder):  # noqa: F811
    """Only what the service worker was built with."""
    whole = (folder / "page.js").read_text()
    with served(folder) as address:
        (folder / "page.js").write_text(whole + "//")
        with visit(opened, address) as page:
            wait(page, NEEDED)
            assert "not all of one version" in page.inner_text("#offline")
            assert page.evaluate(
                "navigator.serviceWorker.getRegistration().then((found) => !found?.active)"
            )
        (folder / "page.js").write_text(whole)
        with visit(opened, address) as page:
            wait(page, KEPT)


def test_a_device_without_room_is_told(opened, folder):  # noqa: F811
    """Neither the page nor the city fits."""
    with served(folder) as address:
        page = opened.new_page()
        session = opened.new_cdp_session(page)
        limit = {"origin": address.rstrip("/"), "quotaSize": 100_000}
        session.send("Storage.overrideQuotaForOrigin", limit)
        page.goto(address)
        wait(page, NEEDED)
        assert "there is no room" in page.inner_text("#offline")
        session.send("Storage.overrideQuotaForOrigin", {"origin": limit["origin"]})
        page.close()


def test_a_browser_without_service_workers_is_told(opened, folder):  # noqa: F811
    with served(folder) as address, without_service_workers(opened) as page:
        page.goto(address)
        wait(page, NEEDED)
        assert "as in some private windows" in page.inner_text("#offline")


def test_a_city_without_digests_is_kept_as_well(opened, folder, few_files):  # noqa: F811
    """Cities of other programs."""
    change_manifest(folder, digests={}, page={"thumbnails": "thumbnails", "labels": "labels.json"})
    with served(folder) as address:
        with visit(opened, address) as page:
            wait(page, KEPT)
        with offline(opened), visit(opened, address) as page:
            assert shown(page, few_files) == FIRST
