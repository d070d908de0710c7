"""The study's question answered: two sentences and a short table, all of it from `table.csv`."""

from collections.abc import Sequence

import pandas as pd

from pocketvlad.compression.recipes import BASE, recipe_of
from pocketvlad.report.best_cells import ROLES, WITHIN, is_cell
from pocketvlad.retrieval.bootstrap import MAX_DROP
from pocketvlad.util.size import float32_bytes

_LIMITS = {
    "best_no_drop": "With no drop in mAP",
    "best_2_points": f"Within {WITHIN:g} points of mAP",
}


def _float32_mb(line: pd.Series) -> float:
    return float32_bytes(int(line["parameters"])) / 1e6


def _words(line: pd.Series) -> str:
    return recipe_of(line["version"]).label


def _clause(model: str, cells: pd.DataFrame, best: pd.DataFrame) -> str:
    if best.empty:
        return (
            f"no compressed file of {model} qualifies ({len(cells)} tried; the smallest mean drop "
            f"is {cells['drop_mean'].min():.1f} points)"
        )
    line = best.iloc[0]
    return (
        f"the smallest file of {model} is {line['ratio']:.1f} times smaller than its float32 "
        f"weights ({line['file_mb']:.2f} MB in place of {_float32_mb(line):.2f}: "
        f"{_words(line)})"
    )


def answer_sentences(table: pd.DataFrame) -> list[str]:
    """A sentence a limit: how small the file of each model becomes within it, or that none does.

    Args:
        table: as `rows.results_table` gives it.
    """
    blocks = [(model, block[is_cell(block)]) for model, block in table.groupby("model", sort=False)]
    sentences = []
    for column, opening in _LIMITS.items():
        clauses = (_clause(model, cells, cells[cells[column]]) for model, cells in blocks)
        sentences.append(f"{opening}, {'; '.join(clauses)}.")
    return sentences


def _short(line: pd.Series, version: str, cities: Sequence[str]) -> dict[str, str]:
    base = line["version"] == BASE
    drop, low, high = (line[f"drop_mean{end}"] for end in ("", "_low", "_high"))
    return {
        "model": line["model"],
        "version": version,
        "MB": f"{_float32_mb(line) if base else line['file_mb']:.2f}",
        "ratio": "1x" if base else f"{line['ratio']:.1f}x",
        **{f"mAP {city}": f"{line[f'map_{city}']:.1f}" for city in cities},
        "drop": "" if base else f"{drop:.1f} [{low:.1f}, {high:.1f}]",
    }


def answer_table(table: pd.DataFrame, cities: Sequence[str]) -> pd.DataFrame:
    """Each model's float32 weights and its best cells, as texts for a reader.

    Args:
        table: as `rows.results_table` gives it.
        cities: the two roles.
    """
    lines = []
    for _, block in table.groupby("model", sort=False):
        lines += [_short(line, "float32", cities) for _, line in block[~is_cell(block)].iterrows()]
        for column, role in ROLES.items():
            lines += [
                _short(line, f"{role}: {_words(line)}", cities)
                for _, line in block[block[column]].iterrows()
            ]
    return pd.DataFrame(lines)


def answer_text(table: pd.DataFrame, cities: Sequence[str]) -> str:
    """Sentences, table and how to read it, as reStructuredText, which is plain enough as it is.

    Args:
        table: as `rows.results_table` gives it.
        cities: the two roles.
    """
    short = answer_table(table, cities).to_markdown(
        index=False, tablefmt="rst", disable_numparse=True
    )
    reading = (
        "MB are 10^6 bytes of the file that was scored, ratios are of float32 bytes. The drop is "
        "the mean of both cities, in percentage points of mAP, with its 95 % interval. *No drop* "
        f"means that the interval does not lie above 0 and the mean is at most {MAX_DROP:g}. The "
        "best cells were chosen by the very scores that stand beside them."
    )
    return f"{' '.join(answer_sentences(table))}\n\n{short}\n\n{reading}\n"
