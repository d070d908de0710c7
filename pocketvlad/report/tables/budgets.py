"""The table of budgets: the target, the drop on the training city, and that on the test city."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from tabulate import tabulate

from pocketvlad.compression.rd.budget import Target, Trial, best
from pocketvlad.compression.recipes import BASE
from pocketvlad.compression.recipes.searched import Searched
from pocketvlad.report.score_columns import alone, by_direction, query_sets, score_columns
from pocketvlad.report.tables.drops import DROPS, drop_entries, drop_headings
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.util.size import MEGABYTE, float32_bytes

_NOTE = (
    "Self-retrieval is that of photographs of the training city which were not rounded on, though "
    "the base model was trained on that city: parts of them are searched among these photographs "
    "and others of the city, and its drop is what the parts lose on their mean, gains not set "
    "against it. The targets were met by it; no test city was looked at. "
    f"{DROPS} A size is that of the file that was decoded, in "
    "millions of bytes, the mean of both directions. Distortions and self-retrieval are given by "
    "test city. All models are of the study's first seed."
)


def budgets_table(
    rows: Iterable[dict],
    trials: Mapping[tuple[str, str], Sequence[Trial]],
    targets: Sequence[Mapping[str, float]],
    cities: Sequence[str],
) -> pd.DataFrame:
    """One line a model and target; see results/README.md for the columns.

    Args:
        rows: JSON rows of the base models and of the targets' cells, both directions of each, all
            of one seed.
        trials: of the search, by (model, training city).
        targets: as the config has them.
        cities: the two roles.

    Raises:
        KeyError: a row or a search is missing.
        ValueError: two rows are of one direction.
    """
    scores = by_direction(rows)
    lines = []
    for model in dict.fromkeys(model for model, _, _ in scores):
        base = {city: scores[model, BASE, city] for city in cities}
        for target in map(Target.of, targets):
            version = Searched(target=target.name).version
            found = {city: scores[model, version, city] for city in cities}
            size = sum(row["file_bytes"] for row in found.values()) / len(found)
            line = {"model": model, "target": target.name, "file_mb": size / MEGABYTE}
            line["ratio"] = float32_bytes(base[cities[0]]["parameters"]) / size
            line |= score_columns(alone(base), alone(found), cities)
            for city, row in found.items():
                made = trials[model, row["train_city"]]
                chosen = best(target, made)
                line[f"file_bytes_{city}"] = row["file_bytes"]
                line[f"distortion_{city}"] = chosen.distortion
                line[f"self_retrieval_drop_{city}"] = chosen.drop
                line[f"trials_{city}"] = len(made)
            lines.append(line)
    return pd.DataFrame(lines)


def budgets_markdown(table: pd.DataFrame, cities: Sequence[str], title: str) -> str:
    """The table as a page of Markdown, a block a model."""
    sets = query_sets(table.columns)
    headings = ["target", "distortion", "self-retrieval drop (points)", "file (MB)", "ratio"]
    headings += [f"mAP {city} (%)" for city in cities]
    headings += drop_headings(sets, cities)

    parts = [f"# {title}"]
    for model, block in table.groupby("model", sort=False):
        rows = [
            [
                line["target"].replace("-", " "),
                ", ".join(f"{line[f'distortion_{city}']:g}" for city in cities),
                ", ".join(fixed(line[f"self_retrieval_drop_{city}"], 2) for city in cities),
                fixed(line["file_mb"], 2),
                f"{fixed(line['ratio'], 1)}x",
                *(fixed(line[f"map_{city}"], 1) for city in cities),
                *drop_entries(line, sets, cities),
            ]
            for _, line in block.iterrows()
        ]
        text = tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)
        parts += [f"## {model}", text]
    return "\n\n".join([*parts, _NOTE]) + "\n"
