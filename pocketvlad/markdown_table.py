"""The results table in the paper's layout, the paper's own figures beside ours."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd


def published_results(path: Path) -> pd.DataFrame:
    """The table of Saha, Varma & Jawahar (ACPR 2017), by (model, bits, threshold as text)."""
    table = pd.read_csv(path, dtype={"threshold": str}, keep_default_na=False)
    return table.set_index(["model", "bits", "threshold"])


def starting_point(row: dict) -> str:
    """A sentence on what a model's training started from, of its base model's row."""
    model, source, learnt = row["model"], row["weights"]["source"], row["initialise"]
    if learnt["netvlad"] == source:
        return f"{model} starts from {source} weights, NetVLAD and whitening among them."
    return (
        f"{model} starts from {source} weights for its convolutions; NetVLAD by "
        f"{learnt['netvlad']}, whitening by {learnt['whitening']} on the training city."
    )


def _beside(ours: str, paper: str) -> str:
    return f"{ours} ({paper})" if paper else ours


def _drop(line: pd.Series, name: str) -> str:
    """The drop and its interval; a float32 model's own is 0 by definition."""
    if line["quantizer"] == "none":
        return f"{line[f'drop_{name}']:.1f}"
    low, high = line[f"drop_{name}_low"], line[f"drop_{name}_high"]
    return f"{line[f'drop_{name}']:.1f} [{low:.1f}, {high:.1f}]"


def _figures(line: pd.Series, paper: pd.Series | None, cities: Sequence[str]) -> dict[str, str]:
    def published(column: str) -> str:
        return "" if paper is None or column not in paper else f"{paper[column]:g}"

    row = {
        "bits": str(line["bits"]),
        "quantizer": "" if line["quantizer"] == "none" else line["quantizer"],
        "codebook": "" if line["codebook"] == "none" else line["codebook"],
        "L1": "" if line["l1"] == "none" else line["l1"],
        "threshold": "" if line["threshold"] == "none" else line["threshold"],
        "% pruned": _beside(f"{line['pruned_percent']:.1f}", published("pruned_percent")),
    }
    for city in cities:
        row[f"mAP {city}"] = f"{line[f'map_{city}']:.1f}"
    for city in cities:
        row[f"drop {city}"] = _beside(_drop(line, city), published(f"drop_{city}"))
    row["drop, both"] = _drop(line, "mean") + (" =" if line["no_drop"] else "")
    row["paper's MB"] = _beside(f"{line['paper_memory_mb']:.2f}", published("memory_mb"))
    row["paper's ratio"] = f"{line['paper_ratio']:.1f}x"
    row["file MB"] = f"{line['file_mb']:.2f}"
    row["ratio"] = f"{line['ratio']:.1f}x"
    row["whitening"] = f"{line['whitening_bytes_percent']:.0f} %"
    return row


def markdown_table(
    table: pd.DataFrame, paper: pd.DataFrame, cities: Sequence[str], notes: Sequence[str]
) -> str:
    """The table as Markdown: a block a model, rows by bits, quantizer and threshold.

    Args:
        table: as `rows.results_table` gives it.
        paper: as `published_results` gives it.
        notes: paragraphs above the table: data sets and their counts.
    """
    parts = ["# Results", *notes]
    for model, block in table.groupby("model", sort=False):
        rows = [
            _figures(
                line,
                paper.loc[key]
                if (key := (model, line["bits"], line["threshold"])) in paper.index
                else None,
                cities,
            )
            for _, line in block.iterrows()
        ]
        parts.append(f"## {model}")
        parts.append(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))
    parts.append(
        "In round brackets: the figure that the paper published for its own, full-size model. "
        "Drops are percentage points of mAP below the base model (32 bits) of the same city, with "
        "the 95 % interval of a paired bootstrap over the queries in square brackets; = marks no "
        "drop: the interval holds 0 and the mean of both cities is at most 0.5. *paper's MB* "
        "counts kept weights times bits, in MiB, as the paper does; *file MB* is the size of the "
        "file that was scored, in 10^6 bytes, and *whitening* that layer's share of it. Ratios are "
        "of float32 bytes, by either way to count."
    )
    return "\n\n".join(parts) + "\n"
