"""What the report says of the study's city: where it is, what it weighs, which model it has."""

import shlex
from collections.abc import Mapping
from html import escape
from pathlib import Path

import pandas as pd

from pocketvlad.compression.recipes import recipe_of
from pocketvlad.format.city_manifest import MANIFEST
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.packing.packed_city import facts_of
from pocketvlad.portable.city_folder import read_city_folder
from pocketvlad.report.score_columns import DENSE, MEAN, judging
from pocketvlad.report.tables.drops import drop_text
from pocketvlad.util.counted import counted
from pocketvlad.util.size import MEGABYTE

_PARTS = {"model": {"model"}, "graph": {"graph", "weights"}, "map": {"map"}}
"""By what people call it, files as the manifest names them."""
_NONE = """\
<p>No city of this study has been packed: a folder of static files with the smallest model at no
drop, a map, and a page that recognises places in a browser. To pack one, and to tell of it here,
with the study's own config:</p>
<pre>make city CONFIG=config.yaml
make report CONFIG=config.yaml</pre>
"""


def model_facts(cell: pd.Series, training_city: str) -> dict[str, str]:
    """What a city's manifest says of a model of the study, in words.

    Args:
        cell: the line of the results table.
        training_city: the role of the city that this model was trained on.
    """
    queries = judging(cell.index)
    kind = "dense" if queries == DENSE else "official"
    return {
        "name": cell["model"],
        "recipe": recipe_of(cell["version"]).label,
        "training_city": training_city,
        "drop": f"{drop_text(queries.drop_of(cell, MEAN))} points, the mean of both cities by the "
        f"{kind} queries",
    }


def city_note(results: Path) -> str:
    """A part of the front page, as HTML. Its link starts from the study's folder: the report's.

    Args:
        results: the study's folder; `city` in it may be a city.

    Raises:
        FormatError: a file of the city is missing or malformed; names it and what to do.
    """
    folder = results / "city"
    return _packed(folder) if (folder / MANIFEST).is_file() else _NONE


def _packed(folder: Path) -> str:
    held = read_city_folder(folder)
    with PlaceMap(folder / held.map) as found:
        places = found.places
    weights = {
        part: sum((folder / held.files[each]).stat().st_size for each in files & held.files.keys())
        for part, files in _PARTS.items()
    }
    rows = [*weights.items(), ("together", sum(weights.values()))]
    title = f", {escape(held.title)}" if held.title else ""
    return "\n".join(
        [
            f'<p>The study\'s city is packed: <a href="city/index.html">{escape(str(folder))}</a>'
            f"{title}, {counted(places, 'picture', form=',')}.{_model(facts_of(folder))}</p>",
            '<div class="results" role="region" tabindex="0" aria-labelledby="city-caption">',
            '<table><caption id="city-caption">What a visitor\'s device fetches, beside page and '
            "thumbnails</caption>",
            '<thead><tr><th scope="col">part</th><th scope="col">MB</th></tr></thead><tbody>',
            *(
                f'<tr><th scope="row">{part}</th><td>{bytes_ / MEGABYTE:.2f}</td></tr>'
                for part, bytes_ in rows
            ),
            "</tbody></table></div>",
            "<p>To open it:</p>",
            f"<pre>pocketvlad serve {escape(shlex.quote(str(folder)), quote=False)}</pre>",
            "<p>The link above opens it where a server has this report in the study's folder; a "
            "browser refuses to compute in a page that is opened as a file.</p>\n",
        ]
    )


def _model(facts: Mapping[str, object]) -> str:
    """A sentence; nothing of a city that was packed again by hand."""
    match facts:
        case {"name": name, "recipe": recipe, "training_city": city, "drop": drop}:
            return escape(
                f" Its model is {name}, {recipe}, trained on {city}; drop of its cell: {drop}."
            )
    return ""
