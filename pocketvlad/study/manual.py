"""docs/config.md: the manual of every key of a config, written from its declaration.

python -m pocketvlad.study.manual docs/config.md
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from pocketvlad.study.declaration import Study
from pocketvlad.study.parts import typed_declarations
from pocketvlad.util.atomic import replacing
from pocketvlad.util.settings import Declared, declared

INTRODUCTION = """# The config

<!-- Written by `make manual` from the dataclasses that declare the settings. Do not edit. -->

A study is one YAML file. `config.yaml` is one to start from, and `config/README.md` says what the
sections are for. Snakemake checks the whole file before it runs anything. A key that is not on this
page is refused, and so is a value that does not fit; the error names the key, the value and what to
write.

- A key whose column *default* is empty must be given. *May be left out* marks an optional key.
- A key without a value counts as left out. In a file that is laid over another study, `map:` takes
  that section away.
- Text that YAML would read as a number, as yes or no, or as a date stands in quotes: `"0.005"`.
- A whole number has no decimal point: `8`, not `8.0`. Numbers are finite.
- A number with an exponent has a point and a sign: `1.0e-3`, not `1e-3`.
- The side of an image, `image_size`, is at least what the backbone of every model needs.
"""

_HEAD = "| key | what to write | default | meaning |\n|---|---|---|---|\n"


def manual() -> str:
    """The page, as Markdown."""
    return "\n".join([INTRODUCTION, *_sections("", "The sections", "", Study), *_types()])


def _sections(path: str, title: str, meaning: str, cls: type) -> Iterator[str]:
    """A section's table, and then those of the sections in it."""
    fields = list(declared(cls))
    yield _block(title, meaning, [_row(path, each) for each in fields])
    for each in fields:
        if each.section:
            inner = _path(path, each)
            words = each.value.meaning
            if each.value.items and each.value.items.meaning:
                words = f"{words}. Each is {each.value.items.meaning}"
            yield from _sections(inner, f"`{inner}`", words, each.section)


def _types() -> Iterator[str]:
    """The tables of what has a `type`, each type with its own keys."""
    for path, name, cls in typed_declarations():
        rows = [_row(path, each) for each in declared(cls)]
        meaning = (cls.__doc__ or "").strip().splitlines()[0].removesuffix(".")
        yield _block(f"`{path}` of type `{name}`", meaning, rows)


def _block(title: str, meaning: str, rows: list[str]) -> str:
    sentence = f"{_escaped(_capital(meaning))}.\n\n" if meaning else ""
    table = _HEAD + "\n".join(rows) + "\n" if rows else "It has no keys beside `type`.\n"
    return f"## {title}\n\n{sentence}{table}"


def _path(path: str, each: Declared) -> str:
    """Where the section lies that a field is or holds: "datasets.<name>.render"."""
    inner = f"{path}.{each.name}" if path else each.name
    return inner + {"a section": "", "names": ".<name>", "a list": "[]"}[_shape(each)]


def _shape(each: Declared) -> str:
    """How a field holds a section."""
    if each.kind is each.section:
        return "a section"
    return "names" if each.words == "a section" else "a list"


def _row(path: str, each: Declared) -> str:
    words = _escaped(each.words)
    if each.section:
        title = f"`{_path(path, each)}`"
        anchor = re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")
        shown = {"a section": "a section", "names": "sections by name", "a list": "a list"}
        words = f"[{shown[_shape(each)]}](#{anchor})"
    if each.required:
        default = ""
    elif each.default is None:
        default = "may be left out"
    else:
        own = each.section and not each.item
        default = "that of each key" if own else f"`{each.default_text}`"
    return f"| `{each.name}` | {words} | {default} | {_escaped(each.value.meaning)} |"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _escaped(text: str) -> str:
    """What Markdown would read as a mark of its own, outside of code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([<>|*_])", r"\\\1", piece) for piece in pieces
    )


def main(words: list[str]) -> None:
    """Write the page to the path that is given."""
    [path] = words
    with replacing(Path(path)) as unfinished:
        unfinished.write_text(manual(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
