"""The page's own worker in a browser, asked without the page: a photograph and a box in pixels in,
its descriptor and answers out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import BrowserContext, Page

BESIDE = "NOTICE.txt"
"""A document of the same server that is not the page."""
_START = """(base) => new Promise((loaded, refused) => {
  const input = Object.assign(document.createElement("input"), { type: "file" });
  document.body.replaceChildren(input);
  const worker = new Worker(new URL("worker.js", base), { type: "module" });
  let told = { answer: () => {}, error: refused };
  worker.onerror = ({ message }) => told.error(new Error(message));
  worker.onmessage = ({ data }) => {
    if (data.kind === "ready") loaded();
    else if (data.kind === "answer") told.answer(data);
    else if (data.kind === "error") told.error(new Error(data.message));
  };
  const sharesOf = async (box, file) => {
    const { width, height } = await createImageBitmap(file);
    return box.map((place, i) => place / [width, height][i % 2]);
  };
  window.ask = async (box) => {
    const [file] = input.files;
    const shares = box && (await sharesOf(box, file));
    return new Promise((answer, error) => {
      told = { answer, error };
      worker.postMessage({ kind: "ask", id: 1, file, shares });
    });
  };
  worker.postMessage({ kind: "load", base });
})"""
_ASK = """(box) => ask(box).then(({ found, descriptor, milliseconds }) => ({
  found, milliseconds, descriptor: Array.from(descriptor),
}))"""


class PageWorker:
    def __init__(self, page: Page):
        self._page = page

    def ask(self, photograph: Path, box: Sequence[float] | None = None) -> dict:
        """`found` (a list of dicts with `file` and `similarity`), `descriptor` [D] and
        `milliseconds`."""
        self._page.set_input_files("input", photograph)
        answer = self._page.evaluate(_ASK, None if box is None else list(box))
        return answer | {"descriptor": np.array(answer["descriptor"])}


@contextmanager
def page_worker(context: BrowserContext, address: str) -> Iterator[PageWorker]:
    """One that has loaded the city at `address`."""
    page = context.new_page()
    page.goto(address + BESIDE)
    page.evaluate(_START, address)
    yield PageWorker(page)
    page.close()
