"""A headless Chromium for the tests that look at pages, and servers for what it looks at."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
SCREENS = {"laptop": (1366, 768), "phone": (390, 844)}  # CSS pixels
_used_ports: set[int] = set()


def chromium() -> str | None:
    """Where the machine has a Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def served(start: Callable[[], ThreadingHTTPServer]) -> Iterator[str]:
    """The address of a server, with a port that no earlier one had.

    A browser keeps service workers, cities and files by address: at a port that the system gives
    again, a page would be shown what an earlier test has served.

    Args:
        start: a server that listens at any free port.
    """
    with ExitStack() as servers:
        while (server := servers.enter_context(start())).server_port in _used_ports:
            pass
        _used_ports.add(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}/"


@dataclass
class Watched:
    """A page, the errors that it has reported so far, and all that it has asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root, as in a container.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=executable, args=options)
        yield started
        started.close()


@contextmanager
def watched_page(started: Browser, file: Path, screen: str) -> Iterator[Watched]:
    """`file`, opened without a network."""
    width, height = SCREENS[screen]
    context = started.new_context(
        viewport={"width": width, "height": height}, is_mobile=screen == "phone", offline=True
    )
    page = context.new_page()
    watched = Watched(page)
    page.on("console", lambda m: watched.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("request", lambda request: watched.requests.append(request.url))
    page.goto(file.resolve().as_uri())
    yield watched
    context.close()
