"""The configuration that a study ran with, as a page of its report."""

import json
from collections.abc import Iterable, Mapping

import yaml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import YamlLexer

# Readable on a phone, too: no line is wider than the screen.
_HEAD = """<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body { margin: 1rem; font-size: 0.85rem; } pre { white-space: pre-wrap; }</style>
</head>"""


def used_versions(rows: Iterable[Mapping]) -> dict[str, str]:
    """The versions that JSON rows of scores were computed with; several of one name are joined, as
    those of a study that went on after an update."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, number in row["versions"].items():
            found.setdefault(name, {})[number] = None
    return {name: ", ".join(numbers) for name, numbers in found.items()}


def configuration_page(settings: Mapping, versions: Mapping[str, str]) -> str:
    """An HTML page of its own: versions and settings as YAML, in the config's order.

    Args:
        settings: as `config.used_settings` gives them.
        versions: of what the figures depend on, by its name.
    """
    # By way of JSON: no two keys share a list, which YAML would write as a reference.
    plain = json.loads(json.dumps({"versions": dict(versions), **settings}))
    text = yaml.safe_dump(
        plain, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
    )
    form = HtmlFormatter(full=True, title="Configuration", encoding="utf-8")
    page = highlight(text, YamlLexer(), form).decode("utf-8")
    return page.replace("</head>", _HEAD, 1)
