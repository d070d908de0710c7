"""The table of speed and memory: what one photograph costs, apart from the table of scores.

Times differ between two runs on one machine, and `table.csv` must not.
"""

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from pocketvlad.compression.recipes import columns_of
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.tables.layout import ROW_NAMES, row_names
from pocketvlad.report.tables.parts import Block, Column, Entry, Layout, Line
from pocketvlad.util.size import MEGABYTE

_EXPLANATION = (
    "One photograph at a time, medians after a warm-up. Decode: from the file to the network in "
    "memory. Extract: from the photograph's file to its descriptor; only of base models, since a "
    "compressed model decodes to a network of the same shape, which computes the same. Search: to "
    "compare the descriptor with those of all places and to rank these. Memory is the peak of a "
    "fresh process that decodes the file and describes one photograph; before is what Python and "
    "its libraries had taken before the file was opened. Of each kind of recipe the first cell was "
    "measured."
)


def speed_table(rows: Iterable[Mapping]) -> pd.DataFrame:
    """One line a measured file; see results/README.md for the columns.

    Args:
        rows: as the job `measure_speed` writes them, of all models.
    """
    lines = []
    for row in rows:
        line = {"model": row["model"], "version": row["version"]}
        line["file_mb"] = row["file_bytes"] / MEGABYTE
        names = ("decode_ms", "extract_ms", "search_ms")
        names += ("start_memory_mb", "peak_memory_mb", "places", "length")
        names += ("width", "height", "threads", "processor", "seed", "train_city", "test_city")
        lines.append(line | {name: row[name] for name in names})
    return pd.DataFrame(lines)


def _entries(line: pd.Series) -> Iterator[Entry]:
    yield from row_names(pd.Series({"version": line["version"], "bits": _bits(line["version"])}))
    yield Entry(fixed(line["file_mb"], 2))
    yield Entry(fixed(line["decode_ms"], 0))
    yield Entry("" if pd.isna(line["extract_ms"]) else fixed(line["extract_ms"], 1))
    yield Entry(fixed(line["search_ms"], 3))
    yield Entry(fixed(line["peak_memory_mb"], 0))
    yield Entry(fixed(line["start_memory_mb"], 0))


def _bits(version: str) -> object:
    return columns_of(version).get("bits")


def speed_layout(table: pd.DataFrame, study: str) -> Layout:
    """A block a model, a row a measured file.

    Args:
        table: as `speed_table` gives it.
    """
    units = {"file": "MB", "decode": "ms", "extract": "ms", "search": "ms"}
    units |= {"memory": "MB", "before": "MB"}
    blocks = [
        Block(model, tuple(Line(tuple(_entries(line))) for _, line in lines.iterrows()))
        for model, lines in table.groupby("model", sort=False)
    ]
    some = table.iloc[0]
    threads = "one thread" if some["threads"] == 1 else f"{some['threads']} threads"
    on = "; ".join(dict.fromkeys(table["processor"]))
    city = some["test_city"]
    return Layout(
        f"Speed and memory of the study {study}, on {threads} of {on}",
        (
            f"The photograph is the first query of {city}, whole, at {some['width']} x "
            f"{some['height']} pixels. Places are the {some['places']:,} images of {city}. Models "
            f"are those of seed {some['seed']} that were trained on {some['train_city']}.",
        ),
        (*ROW_NAMES, *(Column(name, unit) for name, unit in units.items())),
        tuple(blocks),
        (),
        (_EXPLANATION,),
        rows="a row a measured file",
    )
