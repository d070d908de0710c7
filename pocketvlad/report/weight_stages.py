"""A layer's weights from the base model to the quantized one, as histograms and centres."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pocketvlad.compression.recipes import recipe_of
from pocketvlad.compression.recipes.pruned import PrunedQuantized
from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Label, Part
from pocketvlad.report.best_cells import Choice, chosen_cells, is_cell

BASE, PRUNED, PENALISED, QUANTIZED, CENTRE = "base", "pruned", "L1", "quantized", "centre"


def chosen_layers(labels: Mapping[str, Label], beginnings: Sequence[str]) -> list[str]:
    """The tensors whose paths begin so. Where none does, and without `beginnings`, the first and
    the last of the backbone, and the projection's: the other models of a study may have them.

    Args:
        labels: by name of a model's compressed tensors, in its order.
        beginnings: the config's `figures.layers`.
    """
    if chosen := [name for name in labels if name.startswith(tuple(beginnings))]:
        return chosen
    if beginnings:
        print(
            f"figures.layers: no layer's name begins with {' or '.join(beginnings)}; the layers "
            f"are {', '.join(labels)}"
        )
    backbone, projection = (
        [name for name, label in labels.items() if label.part is part]
        for part in (Part.BACKBONE, Part.PROJECTION)
    )
    return list(dict.fromkeys([backbone[0], backbone[-1], *projection]))


def illustrated_cell(table: pd.DataFrame, model: str) -> tuple[Choice, PrunedQuantized | None]:
    """A cell without L1 penalty, and one with the strongest penalty at its threshold, to compare.

    Where the study has penalties, the cell is chosen among those of a threshold that has one, so
    that nothing but the penalty tells the histograms apart. Where no threshold has both, it is
    chosen among those without; where all have a penalty, among all.

    Args:
        table: the results table.
    """
    lines = table[(table["model"] == model) & is_cell(table)]
    # Only a cell that a pruned model comes before has stages.
    lines = lines[lines["recipe"] == PrunedQuantized.NAME]
    plain, penalised = lines[lines["l1"] == "0"], lines[lines["l1"] != "0"]
    both = set(plain["threshold"]) & set(penalised["threshold"])
    if not both:
        return chosen_cells(plain if len(plain) else lines, model, 1)[0], None
    choice = chosen_cells(plain[plain["threshold"].isin(both)], model, 1)[0]
    there = penalised[penalised["threshold"] == choice.cell["threshold"]]
    return choice, recipe_of(there.loc[there["l1"].astype(float).idxmax(), "version"])


def stage_titles(choice: Choice, penalised: PrunedQuantized | None) -> dict[str, str]:
    """The title of each stage in a figure.

    Args:
        choice, penalised: as `illustrated_cell` gives them.
    """
    pruned = f"pruned at {choice.recipe.threshold}"
    own = "" if choice.recipe.l1 == "0" else f",\nL1 {choice.recipe.l1}"
    titles = {BASE: "base", PRUNED: f"{pruned}{own}"}
    if penalised:
        titles[PENALISED] = f"{pruned},\nL1 {penalised.l1}"
    return titles | {QUANTIZED: f"quantized: {choice.recipe.coding},\n{choice.recipe.rate}"}


def _quantized(
    layer: str, held: QuantizedTensor | np.ndarray, bins: pd.DataFrame
) -> Iterable[pd.DataFrame]:
    """The histogram on the same bins; and the centres, where the file has them and they are weights
    themselves. Of few weights it may have the levels without a codebook."""
    coded = isinstance(held, QuantizedTensor)
    edges = np.append(bins["low"], bins["high"].iloc[-1])
    values = (held.dequantize() if coded else held).ravel()
    alive = values[values != 0]
    counts, _ = np.histogram(np.clip(alive, edges[0], edges[-1]), bins=edges)
    zeros = len(values) - len(alive)
    yield bins.assign(stage=QUANTIZED, count=counts, zeros=zeros)
    if coded and held.levels_are_weights:
        counts = np.bincount(held.codes.ravel(), minlength=len(held.codebook))
        used = (held.codebook != 0) & (counts > 0)
        levels, counts = held.codebook[used], counts[used]
        order = np.argsort(levels)
        yield pd.DataFrame(
            {
                "layer": layer,
                "stage": CENTRE,
                "low": levels[order],
                "high": levels[order],
                "count": counts[order],
                "zeros": zeros,
            }
        )


def weight_stages(
    pruned: pd.DataFrame,
    penalised: pd.DataFrame | None,
    quantized: Iterable[tuple[str, QuantizedTensor | np.ndarray]],
    layers: Sequence[str],
) -> pd.DataFrame:
    """Histograms of the weights of `layers` that are not zero, stage after stage.

    Columns: layer, stage, low, high, count, zeros. Stages are base, L1 (if there is one), pruned,
    quantized; and centre, a line a level of the codebook at which `low` and `high` are.

    Args:
        pruned: `weights.csv` of a pruned model.
        penalised: that of one pruned with an L1 penalty at the same threshold.
        quantized: (layer, what it holds) of the compressed model.
    """
    parts = [pruned[pruned["stage"] == BASE]]
    if penalised is not None:
        parts.append(penalised[penalised["stage"] == PRUNED].assign(stage=PENALISED))
    parts.append(pruned[pruned["stage"] == PRUNED])
    bins = dict(list(parts[0].groupby("layer")))
    for layer, held in quantized:
        if layer in layers:
            parts += _quantized(layer, held, bins[layer])
    table = pd.concat(parts, ignore_index=True)
    order = {layer: place for place, layer in enumerate(layers)}
    table = table[table["layer"].isin(order)]
    return table.sort_values(
        "layer", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def stages_of_files(
    pruned: Path, penalised: Path | None, compressed: Path, beginnings: Sequence[str]
) -> pd.DataFrame:
    """`weight_stages` of files.

    Args:
        pruned, penalised: `weights.csv` of a pruned model, and of one with an L1 penalty.
        compressed: what the first became.
        beginnings: as for `chosen_layers`.
    """
    histograms = pd.read_csv(pruned)
    with open_compressed(compressed) as model:
        labels = {each.name: each.label for each in model.layers if each.label.role.compressed}
        layers = chosen_layers(labels, beginnings)
        quantized = ((layer.name, held) for layer, held in model)
        compared = None if penalised is None else pd.read_csv(penalised)
        return weight_stages(histograms, compared, quantized, layers)
