"""The page in Chromium: its answers beside Python's, what memory it takes, and how long.

    python tests/benchmark_page.py MODEL results/phone/data/oxford [--part agreement]
        [--part memory] [--city packed] [--browser-option=--js-flags=--liftoff-only]

MODEL is a `.pvlad` file; the folder is that of a data set in a study's results. The city is packed
into a temporary folder, unless `--city` names a folder to keep it in, or that has it. The page must
be built (`make page`), and Chromium installed. Not collected by pytest.

`agreement` compares descriptors of photographs over the whole data set, and first answers of all
official queries (with their boxes) and all dense ones.

`memory` opens the page as a first visitor does, asks for pictures, and for one of 12 million
pixels. Figures are of the process that shows the page, beyond an empty page of the same server:
anonymous memory (`RssAnon`), which is the process's own. "Most" is the most that was seen every 20
ms since the line before; V8 compiles what is used often once more, and needs memory for that.
Times are of a machine that may be busy, seconds of a core are not.
"""

import argparse
import os
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from browser import chromium, served
from page_agreement import answers, cosines
from page_worker import page_worker
from PIL import Image
from playwright.sync_api import sync_playwright
from quiet_chromium import QuietChromium, quiet_chromium
from test_page_browser import ANSWERED, LOADED, OPTIONS

import pocketvlad
from pocketvlad.data.dataset import Dataset, read_dataset
from pocketvlad.data.dense import dense_queries
from pocketvlad.packing.city_server import city_server

PATIENCE = 300  # seconds
QUIET = 10  # seconds without a question, before what is left is measured
LARGE = (4000, 3000)  # pixels of a phone's photograph
PICTURES = 8


def spread(names: Sequence[str], count: int) -> list[str]:
    """`count` of them, as far apart as they can be."""
    return [names[place * len(names) // count] for place in range(min(count, len(names)))]


def print_agreement(city: Path, dataset: Dataset, images: Path, count: int, options) -> None:
    paths = [images / f"{name}.jpg" for name in spread(dataset.images, count)]
    queries = {"official": dataset.queries, "dense": dense_queries(dataset.queries)}
    with (
        served(lambda: city_server(city, 0)) as place,
        sync_playwright() as playwright,
        pocketvlad.load(city) as loaded,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=options)
        with page_worker(browser.new_context(), place) as worker:
            found = cosines(loaded, worker, paths)
            print(
                f"cosine to Python's descriptor, {len(found)} photographs: least "
                f"{found.min():.9f}, median {np.median(found):.9f}",
                flush=True,
            )
            for kind, each in queries.items():
                asked = [(images / f"{query.image}.jpg", query.box) for query in each]
                told = answers(loaded, worker, asked)
                print(
                    f"{len(each)} {kind} queries: {told.same.sum()} with the same first answer, "
                    f"{told.same_other.sum()} with the same first other photograph; "
                    f"{np.median(told.seconds):.2f} s each (median)",
                    flush=True,
                )
        browser.close()


def own_memory(pid: int) -> int:
    """Bytes of anonymous memory."""
    try:
        return 1024 * int(
            re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]
        )
    except OSError:  # it has ended
        return 0


def core_seconds(pid: int) -> float:
    """User and system, since it began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """What a page takes, now and at most, beyond an empty page that is shown now."""

    def __init__(self, browser: QuietChromium):
        # One of these is the page's; the browser has others in store.
        self._empty = {pid: own_memory(pid) for pid in browser.renderers()}
        self._most, self._over = 0, threading.Event()
        self._core = self._core_seconds()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _held(self) -> int:
        return max(own_memory(pid) - empty for pid, empty in self._empty.items())

    def _core_seconds(self) -> float:
        return sum(map(core_seconds, self._empty))

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, self._held())

    def line(self, label: str, more: str = "") -> None:
        """Prints what is held, and the most and the seconds of a core since the last line."""
        held, core = self._held(), self._core_seconds()
        most = max(self._most, held)
        print(
            f"{label:32} {held / 1e6:5.0f} MB, most {most / 1e6:5.0f} MB, "
            f"{core - self._core:5.2f} s of a core  {more}",
            flush=True,
        )
        self._most, self._core = 0, core

    def close(self) -> None:
        self._over.set()
        self._thread.join()


def wait(browser: QuietChromium, condition: str) -> None:
    end = time.monotonic() + PATIENCE
    while not browser.evaluate(f"Boolean(document.querySelector('#ask')) && Boolean({condition})"):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.05)
    if browser.evaluate("!document.querySelector('#error').hidden"):
        raise RuntimeError(browser.evaluate("document.querySelector('#error').textContent"))


def text_of(browser: QuietChromium, name: str) -> str:
    return browser.evaluate(f"document.querySelector('#{name}').textContent")


def ask(browser: QuietChromium, name: str) -> float:
    """Choose a picture that lies beside the page. Seconds that the page has measured."""
    browser.evaluate(
        f"""fetch("{name}").then((found) => found.blob()).then((blob) => {{
          document.querySelector("#used").textContent = "";
          const input = document.querySelector("#file");
          const chosen = new DataTransfer();
          chosen.items.add(new File([blob], "{name}", {{ type: "image/jpeg" }}));
          input.files = chosen.files;
          input.dispatchEvent(new Event("change"));
        }})"""
    )
    wait(browser, ANSWERED)
    return float(text_of(browser, "used").split()[0])


def print_memory(city: Path, photographs: Sequence[Path], options: Sequence[str]) -> None:
    """`city` gets the pictures."""
    names = [f"asked-{number}.jpg" for number in range(len(photographs))]
    for name, photograph in zip(names, photographs, strict=True):
        shutil.copy(photograph, city / name)
    with Image.open(photographs[0]) as picture:
        picture.resize(LARGE, Image.Resampling.BICUBIC).save(city / "large.jpg", quality=92)
    with (
        served(lambda: city_server(city, 0)) as place,
        quiet_chromium(chromium(), options) as browser,
    ):
        browser.goto(f"{place}none.html")
        time.sleep(2)
        watch = Watch(browser)
        browser.goto(place)
        wait(browser, LOADED)
        watch.line("ready", text_of(browser, "about"))
        time.sleep(QUIET)
        watch.line(f"after {QUIET} s more")
        seconds = [ask(browser, name) for name in names]
        watch.line(f"{len(names)} pictures", f"{statistics.median(seconds):.2f} s each (median)")
        time.sleep(QUIET)
        watch.line(f"after {QUIET} s more")
        watch.line("a picture of 12 million pixels", f"{ask(browser, 'large.jpg'):.2f} s")
        time.sleep(QUIET)
        watch.line(f"after {QUIET} s more", text_of(browser, "used"))
        watch.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="of a data set in a study's results")
    parser.add_argument("--part", action="append", choices=["agreement", "memory"], help="[both]")
    parser.add_argument(
        "--photographs", type=int, default=50, help="whose descriptors are compared"
    )
    parser.add_argument("--city", type=Path, help="the packed folder [a temporary one]")
    parser.add_argument("--browser-option", action="append", default=[])
    options = parser.parse_args()
    parts = options.part or ["agreement", "memory"]
    browser_options = [*OPTIONS, *options.browser_option]
    dataset, images = read_dataset(options.data / "dataset.json"), options.data / "images"
    with tempfile.TemporaryDirectory() as folder:
        city = options.city or Path(folder) / "city"
        pocketvlad.pack(pocketvlad.load(options.model), images, city, title=dataset.name)
        if "agreement" in parts:
            print_agreement(city, dataset, images, options.photographs, browser_options)
        if "memory" in parts:
            copied = Path(folder) / "asked"
            shutil.copytree(city, copied)
            pictures = [images / f"{name}.jpg" for name in spread(dataset.images, PICTURES)]
            print_memory(copied, pictures, browser_options)


if __name__ == "__main__":
    main()
