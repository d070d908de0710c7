"""The page that a city has, as `make page` has built it into this package."""

import hashlib
from pathlib import Path

from pocketvlad.util.checksum import file_digest

PAGE = Path(__file__).resolve().parent.parent / "page"
MOST_WEIGHTS = 1 << 26
"""That a model may have: the page refuses one that claims more (page/src/city/recogniser.js)."""
MOST_PIXELS = 8192
"""Of the longer side of an image, as a model is shown it: page/src/city/city.js."""
_FIRST = "index.html"


class PageError(ValueError):
    """The page is not there; says how to get it."""


def require_page(city: Path) -> None:
    """Make sure that a city has the page.

    Raises:
        PageError: it has none.
    """
    if not (city / _FIRST).is_file():
        raise PageError(f"{city} has no {_FIRST}: it was packed without the page; pack it again")


def page_state() -> str:
    """What changes when the page is built anew from other sources; "" where it is not built."""
    digest = hashlib.sha256()
    for path in sorted(path for path in PAGE.glob("*") if path.is_file()):
        digest.update(f"{path.name} {file_digest(path, 'sha256')}\n".encode())
    return digest.hexdigest() if (PAGE / _FIRST).is_file() else ""


def page_files() -> list[Path]:
    """Its files, the runtime among them.

    Raises:
        PageError: it is not built.
    """
    if not (PAGE / _FIRST).is_file():
        raise PageError(
            f"{PAGE} is missing: the page is not built. Run `make page` in a clone of the "
            "repository (it needs Node.js 20), install a wheel that `make wheel` has made, or pack "
            "without it: --no-page (in Python, page=False)"
        )
    return sorted(path for path in PAGE.iterdir() if path.is_file())
