"""mAP against size, one city a figure."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure


def _coding(cell: pd.Series) -> str:
    parts = [cell["quantizer"]]
    if cell["codebook"] == "trained":
        parts.append("trained")
    if cell["l1"] != "0":
        parts.append(f"L1 {cell['l1']}")
    return ", ".join(parts)


def size_plot(table: pd.DataFrame, city: str) -> Figure:
    """mAP in % of every cell against its file's size, a panel a model, the base as a line.

    Args:
        table: as `rows.results_table` gives it.
        city: the role of the city that was tested on.
    """
    plt.rcParams["svg.hashsalt"] = "pocketvlad"  # the same table gives the same bytes
    sns.set_theme(style="whitegrid", context="paper", palette="colorblind")
    models = list(table["model"].unique())
    figure, axes = plt.subplots(
        1, len(models), figsize=(4.2 * len(models), 3.6), sharey=True, squeeze=False
    )
    for axis, model in zip(axes[0], models, strict=True):
        lines = table[table["model"] == model]
        cells = lines[lines["quantizer"] != "none"].copy()
        base = lines[lines["quantizer"] == "none"].iloc[0]
        cells["coding"] = cells.apply(_coding, axis=1)
        cells["bit width"] = cells["bits"].astype(str) + " bits"
        sns.scatterplot(
            cells,
            x="file_mb",
            y=f"map_{city}",
            hue="coding",
            style="bit width",
            s=60,
            ax=axis,
            legend="brief" if axis is axes[0][-1] else False,
        )
        axis.axhline(base[f"map_{city}"], color="0.3", linestyle="--", linewidth=1)
        axis.annotate(
            f"float32, {base['file_mb']:.1f} MB",
            (0.98, base[f"map_{city}"]),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            color="0.3",
        )
        axis.set(title=model, xlabel="file size (MB)", ylabel="")
        axis.set_xlim(left=0)
        axis.margins(y=0.1)
    sns.move_legend(axes[0][-1], "upper left", bbox_to_anchor=(1.02, 1.0))
    axes[0][0].set_ylabel(f"mAP on {table[f'dataset_{city}'].iloc[0]} (%)")
    figure.tight_layout()
    return figure
