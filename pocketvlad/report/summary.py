"""What a finished run says at its end."""

import shutil
from collections.abc import Collection
from pathlib import Path

from pocketvlad.report.tables.narrow import narrow_baselines, narrow_table


def summary_text(results: Path, made: Collection[str]) -> str:
    """The table in the terminal's width, the baselines, and where the files are; "" as long as
    there is no table.

    Args:
        results: the study's folder.
        made: what the run has made, or has found made. A table that is not in it may be an old one
            and is not shown.
    """
    table, baselines = results / "table.csv", results / "baselines.csv"
    if not (table.is_file() and baselines.is_file()):
        return ""
    if not {str(table), str(baselines)} <= set(made):
        return f"{table} is as an earlier run left it: these targets do not ask for it."
    width = shutil.get_terminal_size().columns
    return (
        f"{narrow_table(table, width)}\n\n"
        f"Baselines, mAP in % by city:\n{narrow_baselines(baselines, width)}\n\n"
        f"Table: {table} (and .md, .tex, .html, with intervals)\nFigures: {results / 'plots'}"
    )
