"""The page in a real browser: it recognises, offline too, and says what is wrong."""

import json
import os
import shutil
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import browser
import numpy as np
import pytest
from browser import SCREENS, chromium
from few_files import write_noise
from PIL import Image
from playwright.sync_api import sync_playwright
from workflow_runs import ROOT

import pocketvlad

PAGE = ROOT / "pocketvlad" / "page"
AXE = ROOT / "page" / "node_modules" / "axe-core" / "axe.min.js"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PATIENCE = 90  # seconds
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not PAGE.is_dir(), reason="the page is not built: make page"),
]


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_):
        """Nothing."""


def served(folder, handler=Handler):
    """The address of a folder."""
    handler = partial(handler, directory=folder)
    return browser.served(lambda: ThreadingHTTPServer(("127.0.0.1", 0), handler))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A browser with a profile of its own: service workers need one."""
    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium(), args=OPTIONS, headless=True
        )
        yield context
        context.close()


@pytest.fixture
def city(few_files):
    """A folder as a static host has it."""
    folder = few_files / "city"
    if not folder.is_dir():
        pytest.skip("no city is packed")
    for path in PAGE.iterdir():
        os.link(path, folder / path.name) if path.suffix == ".wasm" else shutil.copy(path, folder)
    change_manifest(folder, threshold=0.5, page={"thumbnails": None, "labels": "labels.json"})
    labels = ["Gate" if number == 0 else None for number in range(12)]
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def change_manifest(folder, **changes):
    path = folder / "city.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def wait(page, condition):
    """The page's policy forbids the waiting of Playwright's own, which evaluates a text."""
    end = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.1)


LOADED = "!document.querySelector('#ask').hidden || !document.querySelector('#error').hidden"
ANSWERED = (
    "!document.querySelector('#error').hidden || document.querySelector('#used').textContent "
    "&& document.querySelector('#answer').ariaBusy === 'false'"
)


@contextmanager
def visit(opened, address, screen="laptop"):
    """The page, loaded; and what it has asked for."""
    page = opened.new_page()
    width, height = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": height})
    page.requests, page.errors = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.add_init_script("addEventListener('answered', ({detail}) => { window.last = detail })")
    page.goto(address)
    wait(page, LOADED)
    yield page
    page.close()


@contextmanager
def blocked(opened, pattern):
    """A page that waits for a file forever."""
    page = opened.new_page()
    page.route(pattern, lambda route: None)
    yield page
    page.unroute_all(behavior="ignoreErrors")
    page.close()


def ask(page, file):
    page.evaluate("document.querySelector('#used').textContent = ''")
    page.set_input_files("#file", file)
    wait(page, ANSWERED)


def first_thumbnail(page):
    """The picture of the best answer; where no service worker does, the page checks it first."""
    wait(page, "document.querySelector('#pictures img').src")
    return page.locator("#pictures img").first


def descriptor(page):
    """Of the last answer."""
    return np.array(page.evaluate("Array.from(window.last.descriptor)"))


def serious(page):
    """What axe-core has to say of a page."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_it_recognises_a_photograph_and_sends_nothing(opened, city, few_files):
    with served(city) as address, visit(opened, address) as page:
        assert page.inner_text("h1") == "Holiday: which place is this?"
        asked = len(page.requests)
        ask(page, few_files / "holiday" / "0.jpg")
        assert page.inner_text("#place") == "Gate"
        assert page.locator("#pictures li").count() == 6
        row = pocketvlad.load("small.pvlad").describe(["holiday/0.jpg"])[0]
        assert np.dot(row, descriptor(page)) > 0.999
        ask(page, few_files / "holiday" / "7.jpg")
        assert page.inner_text("#place") == "7"
        assert all(each.startswith((address, f"blob:{address}")) for each in page.requests)
        later = page.requests[asked:]
        assert [each for each in later if not each.startswith("blob:")] == []
        assert page.errors == []


def test_a_part_of_the_picture_is_marked(opened, city, few_files):
    with served(city) as address, visit(opened, address) as page:
        ask(page, few_files / "holiday" / "7.jpg")
        whole = descriptor(page)
        frame = page.locator("#picture").bounding_box()
        begin = frame["x"] + frame["width"] / 4, frame["y"] + frame["height"] / 4
        end = begin[0] + frame["width"] / 2, begin[1] + frame["height"] / 2
        page.evaluate("document.querySelector('#used').textContent = ''")
        page.mouse.move(*begin)
        page.mouse.down()
        page.mouse.move(*end, steps=4)
        page.mouse.up()
        wait(page, ANSWERED)
        assert page.is_visible("#box")
        marked = descriptor(page)
        assert 0.2 < np.dot(whole, marked) < 0.9999
        page.evaluate("document.querySelector('#used').textContent = ''")
        page.locator("#whole").press("Enter")
        wait(page, ANSWERED)
        assert np.dot(whole, descriptor(page)) > 0.99999


def mark(page, left, top, right, bottom):
    """Mark a part with the sliders, in hundredths, and wait for the answer to it."""
    page.evaluate("document.querySelector('#used').textContent = ''")
    page.evaluate(
        """(places) => {
          for (const [id, place] of Object.entries(places)) {
            const slider = document.getElementById(id);
            slider.value = place;
            slider.dispatchEvent(new Event("input"));
          }
          document.getElementById("bottom").dispatchEvent(new Event("change"));
        }""",
        {"left": left, "top": top, "right": right, "bottom": bottom},
    )
    wait(page, ANSWERED)


def touch(session, kind, *places):
    """Fingers on the screen, all that are down; one that is left out is lifted."""
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_second_finger_changes_no_box_that_the_first_one_draws(opened, city, few_files):
    with served(city) as address, visit(opened, address) as page:
        ask(page, few_files / "holiday" / "7.jpg")
        page.locator("#picture").scroll_into_view_if_needed()
        frame = page.locator("#picture").bounding_box()

        def place(x, y):
            return frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]

        page.evaluate("document.querySelector('#used').textContent = ''")
        session = opened.new_cdp_session(page)
        touch(session, "touchStart", place(0.2, 0.2))
        touch(session, "touchMove", place(0.6, 0.6))
        touch(session, "touchStart", place(0.6, 0.6), place(0.9, 0.1))
        touch(session, "touchMove", place(0.6, 0.6))
        touch(session, "touchMove", place(0.7, 0.7))
        touch(session, "touchEnd")
        wait(page, ANSWERED)
        shown = page.evaluate(
            "['left', 'top', 'width', 'height'].map((side) => "
            "parseFloat(document.querySelector('#box').style[side]))"
        )
        np.testing.assert_allclose(shown, [20, 20, 50, 50], atol=1)


WATCH_WORKER = """
  window.asked = 0;
  window.answers = [];
  const { postMessage } = Worker.prototype;
  const hear = ({ data }) => data.kind === "answer" && answers.push(data.id);
  Worker.prototype.postMessage = function (message) {
    if (!asked++) this.addEventListener("message", hear);
    return postMessage.call(this, message);
  };
  null;
"""
MARK_LEFT = """(left) => {
  const slider = document.getElementById("left");
  slider.value = left;
  for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind));
}"""


def test_of_many_questions_the_last_is_answered(opened, city, few_files):
    """As where an arrow key is held."""
    with served(city) as address, visit(opened, address) as page:
        ask(page, few_files / "holiday" / "7.jpg")
        page.evaluate(WATCH_WORKER)
        page.evaluate("document.querySelector('#used').textContent = ''")
        page.evaluate(f"for (let left = 1; left <= 40; left++) ({MARK_LEFT})(left)")
        wait(page, ANSWERED)
        time.sleep(0.5)  # for answers that nobody waits for
        assert page.evaluate("asked") == 40
        assert page.evaluate("answers.length") <= 2
        last = descriptor(page)
        mark(page, 40, 0, 100, 100)
        assert np.dot(last, descriptor(page)) > 0.99999


SLOW_DECODING = """
  const { decode } = HTMLImageElement.prototype;
  const held = new Promise((done) => (window.decodeNow = done));
  HTMLImageElement.prototype.decode = async function () {
    await held;
    return decode.call(this);
  };
  null;
"""


def test_the_picture_before_is_not_asked_about_while_the_next_is_decoded(opened, city, few_files):
    with served(city) as address, visit(opened, address) as page:
        ask(page, few_files / "holiday" / "0.jpg")
        assert page.inner_text("#place") == "Gate"
        page.evaluate(WATCH_WORKER)
        page.evaluate(SLOW_DECODING)
        page.evaluate("document.querySelector('#used').textContent = ''")
        page.set_input_files("#file", few_files / "holiday" / "7.jpg")
        wait(page, "document.querySelector('#answer').hidden")
        page.evaluate(MARK_LEFT, 30)
        page.locator("#whole").press("Enter")
        assert page.evaluate("asked") == 0
        assert page.is_hidden("#answer")
        page.evaluate("decodeNow()")
        wait(page, ANSWERED)
        assert page.evaluate("asked") == 1
        assert page.inner_text("#place") == "7"
        assert page.is_hidden("#box")


def test_a_part_is_marked_of_more_pixels_than_a_canvas_has(opened, city, few_files, tmp_path):
    """The browser's copy of such a photograph is smaller than what is shown."""
    large = Image.new("RGB", (10000, 7500), "grey")
    with Image.open(few_files / "holiday" / "0.jpg") as photograph:
        large.paste(photograph.resize((3000, 2250)), (6800, 5000))
    large.resize((2500, 1875)).save(tmp_path / "small.jpg")
    large.save(tmp_path / "large.jpg")
    with served(city) as address, visit(opened, address) as page:
        found = []
        for name in ("small.jpg", "large.jpg"):
            ask(page, tmp_path / name)
            mark(page, 68, 67, 98, 97)
            assert page.is_hidden("#error")
            found.append(descriptor(page))
        assert np.dot(*found) > 0.99


def test_what_is_like_nothing_is_not_known(opened, city, few_files):
    change_manifest(city, threshold=1)
    write_noise(few_files / "noise.png")
    with served(city) as address, visit(opened, address) as page:
        ask(page, few_files / "noise.png")
        assert page.inner_text("#place") == "I do not know this place"


def test_it_works_without_a_network_after_the_first_visit(opened, city, few_files):
    with served(city) as address:
        with visit(opened, address) as page:
            wait(page, "document.querySelector('#offline').textContent")
            assert "without a network" in page.inner_text("#offline")
        opened.set_offline(True)
    try:
        with visit(opened, address, "phone") as page:
            ask(page, few_files / "holiday" / "0.jpg")
            assert page.inner_text("#place") == "Gate"
    finally:
        opened.set_offline(False)


def test_the_camera_takes_a_photograph(opened, city):
    with served(city) as address, visit(opened, address) as page:
        page.click("#take")
        wait(page, "document.querySelector('#video').videoWidth > 0")
        page.click("#shoot")
        wait(page, ANSWERED)
        assert page.is_hidden("#error")
        assert not page.evaluate("document.querySelector('#camera').open")


SLOW_CAMERA = """
  window.streams = [];
  window.seconds = { prompt: 0, start: 0 };
  const after = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await after(seconds.prompt);
    const stream = await given(wanted);
    streams.push(stream);
    return stream;
  };
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = async function () {
    await after(seconds.start);
    return play.call(this);
  };
  null;
"""
REFUSE = """
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("", "NotAllowedError");
  };
  null;
"""
LIVE = "streams.filter((each) => each.getTracks().some((track) => track.readyState === 'live'))"


@contextmanager
def visit_with_slow_camera(opened, address, **seconds):
    with visit(opened, address) as page:
        page.evaluate(SLOW_CAMERA)
        page.evaluate("(found) => Object.assign(seconds, found)", seconds)
        yield page


@pytest.mark.parametrize("what", ["prompt", "start"])
@pytest.mark.parametrize("way", ["Escape", "Cancel"])
def test_a_camera_that_is_not_wanted_any_more_is_switched_off(opened, city, what, way):
    """While the visitor is asked for it, and while it starts."""
    with served(city) as address, visit_with_slow_camera(opened, address, **{what: 1}) as page:
        page.click("#take")
        time.sleep(0.4)
        page.keyboard.press("Escape") if way == "Escape" else page.click("#cancel")
        wait(page, "!document.querySelector('#camera').open")
        wait(page, "streams.length === 1")
        wait(page, f"{LIVE}.length === 0")
        assert page.is_hidden("#error")
        page.evaluate("Object.assign(seconds, { prompt: 0, start: 0 })")
        page.click("#take")
        page.click("#shoot")
        wait(page, ANSWERED)
        assert page.is_hidden("#error")
        wait(page, f"{LIVE}.length === 0")


def test_a_second_tap_on_the_camera_does_nothing(opened, city):
    with served(city) as address, visit_with_slow_camera(opened, address, prompt=0.5) as page:
        page.evaluate("for (const _ of [1, 2]) document.querySelector('#take').click()")
        page.click("#shoot")
        wait(page, ANSWERED)
        assert page.is_hidden("#error")
        assert page.evaluate("streams.length") == 1
        wait(page, f"{LIVE}.length === 0")


def test_a_camera_that_is_refused_is_told(opened, city):
    with served(city) as address, visit(opened, address) as page:
        page.evaluate(REFUSE)
        page.click("#take")
        wait(page, "!document.querySelector('#error').hidden")
        assert "The camera cannot be used (NotAllowedError)" in page.inner_text("#error")
        assert not page.evaluate("document.querySelector('#camera').open")


def require_fit(page):
    """Nothing serious stands in anybody's way, and nothing leaves the screen to the side."""
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("screen", "scheme"), [("laptop", "light"), ("phone", "dark")])
def test_nothing_serious_stands_in_anybodys_way(opened, city, few_files, screen, scheme):
    with served(city) as address, visit(opened, address, screen) as page:
        page.emulate_media(color_scheme=scheme)
        require_fit(page)  # ready
        page.set_input_files("#file", few_files / "ground_truth" / "hall_1_query.txt")
        wait(page, "!document.querySelector('#error').hidden")
        require_fit(page)
        ask(page, few_files / "holiday" / "0.jpg")
        page.locator("summary").press("Enter")
        page.evaluate("document.querySelector('#used').textContent = ''")
        page.locator("#left").press("ArrowRight")
        wait(page, ANSWERED)
        assert page.is_visible("#box")
        assert page.is_visible("#whole")
        require_fit(page)  # answered, a part marked
        page.click("#take")
        wait(page, "document.querySelector('#video').videoWidth > 0")
        require_fit(page)
        page.click("#cancel")


@pytest.mark.parametrize(("screen", "scheme"), [("phone", "light"), ("laptop", "dark")])
def test_nor_where_the_city_is_missing_or_a_place_unknown(opened, city, few_files, screen, scheme):
    change_manifest(city, threshold=1)
    write_noise(few_files / "noise.png")
    with served(city) as address:
        with visit(opened, address, screen) as page:
            page.emulate_media(color_scheme=scheme)
            ask(page, few_files / "noise.png")
            assert page.inner_text("#place") == "I do not know this place"
            require_fit(page)
        with blocked(opened, "**/worker.js") as page:
            page.emulate_media(color_scheme=scheme)
            page.goto(address)
            assert page.is_visible("#progress")
            require_fit(page)  # loading, which never ends here
        (city / "model.pvlad").unlink()
    with served(city) as address, visit(opened, address, screen) as page:
        page.emulate_media(color_scheme=scheme)
        assert page.is_visible("#error")
        require_fit(page)


def damaged(city):
    data = bytearray((city / "model.pvlad").read_bytes())
    data[-1] ^= 1
    (city / "model.pvlad").write_bytes(data)


def cut(city):
    (city / "map.pvmap").write_bytes((city / "map.pvmap").read_bytes()[:-9])


def of_another_model(city):
    files = json.loads((city / "city.json").read_text())["files"]
    path = city / files["weights"]["name"]
    listed = json.loads(path.read_text())
    path.write_text(json.dumps(listed | {"model_sha256": "0" * 64}))
    files["weights"]["bytes"] = path.stat().st_size
    change_manifest(city, files=files)


def page_for_file(city):
    name = "ort-wasm-simd-threaded.wasm"
    (city / name).unlink()
    (city / name).mkdir()
    (city / name / "index.html").write_text("<p>no such file</p>")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damaged, "model.pvlad: layer projection.bias: damaged"),
        (cut, "map.pvmap has"),
        (of_another_model, "another model"),
        (page_for_file, "has sent a page in place of ort-wasm"),
        (lambda city: (city / "graph.onnx").unlink(), "graph.onnx is missing on the server"),
        (lambda city: (city / "worker.js").unlink(), "worker.js cannot be loaded"),
        (lambda city: (city / "city.json").write_text("{"), "city.json is no JSON"),
    ],
)
def test_a_city_that_is_not_whole_is_told_by_name(opened, city, harm, message):
    harm(city)
    with served(city) as address, visit(opened, address) as page:
        assert message in page.inner_text("#error")
        assert page.is_hidden("#ask")


def broken_off(handler, path):
    """Half of a file, and no more."""
    handler.send_response(200)
    handler.send_header("Content-Type", handler.guess_type(path))
    handler.send_header("Content-Length", str(path.stat().st_size))
    handler.end_headers()
    handler.wfile.write(path.read_bytes()[: path.stat().st_size // 2])
    handler.close_connection = True


def busy(handler, path):
    handler.send_error(503)


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("map.pvmap", broken_off, "map.pvmap broke off on its way"),
        ("city.json", broken_off, "city.json broke off on its way"),
        ("ort-wasm-simd-threaded.wasm", broken_off, "threaded.wasm cannot be compiled ("),
        ("map.pvmap", busy, "the server does not give map.pvmap now (503); load the page again"),
    ],
)
def test_a_file_that_does_not_come_is_told_by_name(opened, city, name, answer, message):
    """What the visitor is to do is not to pack the city again."""

    class Failing(Handler):
        def do_GET(self):
            path = Path(self.translate_path(self.path))
            answer(self, path) if path.name == name else super().do_GET()

    with served(city, Failing) as address, visit(opened, address) as page:
        assert message in page.inner_text("#error")
        assert page.is_hidden("#ask")


def no_code(city):
    """A file of the right length that no browser compiles."""
    name = "ort-wasm-simd-threaded.wasm"
    content = bytearray((city / name).read_bytes())
    content[1_000_000:1_000_400] = b"\xff" * 400
    (city / name).unlink()  # the page's own is linked to it
    (city / name).write_bytes(content)


def test_a_runtime_that_the_browser_cannot_compile_is_told_by_name(opened, city):
    no_code(city)
    with served(city) as address, visit(opened, address) as page:
        said = page.inner_text("#error")
        assert said.startswith("ort-wasm-simd-threaded.wasm cannot be compiled (")
        assert "take a newer browser, or pack the city again" in said


def test_what_is_no_picture_is_told(opened, city, tmp_path, few_files):
    (tmp_path / "odd.jpg").write_bytes(b"no picture")
    with served(city) as address, visit(opened, address) as page:
        page.set_input_files("#file", tmp_path / "odd.jpg")
        wait(page, "!document.querySelector('#error').hidden")
        assert "no picture that the browser can read" in page.inner_text("#error")
        ask(page, few_files / "holiday" / "0.jpg")
        assert page.is_hidden("#error")
        assert page.inner_text("#place") == "Gate"


def test_an_answer_goes_with_its_picture(opened, city, tmp_path, few_files):
    """No picture that fails has the answer to another one beside it."""
    Image.new("RGB", (20, 20), "red").save(tmp_path / "tiny.png")
    with served(city) as address, visit(opened, address) as page:
        failing(page, tmp_path / "tiny.png")  # the first picture of all
        assert page.is_hidden("#answer")
        ask(page, few_files / "holiday" / "0.jpg")
        assert page.inner_text("#place") == "Gate"
        failing(page, tmp_path / "tiny.png")
        assert page.is_visible("#picture")
        assert page.is_hidden("#answer")
        assert page.text_content("#answer").split() == ["Sureness"]  # the meter's label
        assert page.locator("#pictures li").count() == 0
        ask(page, few_files / "holiday" / "0.jpg")
        assert page.inner_text("#place") == "Gate"
        assert page.is_visible("#answer")
        page.evaluate("document.querySelector('#error').hidden = true")
        mark(page, 10, 10, 20, 90)
        assert "too small" in page.inner_text("#error")
        assert page.is_hidden("#answer")
        mark(page, 10, 10, 90, 90)
        assert page.is_visible("#answer")


def test_a_camera_that_fails_takes_no_answer_away(opened, city, few_files):
    with served(city) as address, visit(opened, address) as page:
        ask(page, few_files / "holiday" / "0.jpg")
        page.evaluate(REFUSE)
        page.click("#take")
        wait(page, "!document.querySelector('#error').hidden")
        assert page.inner_text("#place") == "Gate"


def failing(page, file):
    page.set_input_files("#file", file)
    wait(page, "!document.querySelector('#error').hidden")
    assert "too small" in page.inner_text("#error")
