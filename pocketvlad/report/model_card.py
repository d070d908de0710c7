"""A card beside each compressed file, under the headings of Mitchell et al. (FAT* 2019).

The facts are from the file, its row, the study's table and config; the words are in
report/model_card.md.jinja.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template

from pocketvlad.compression.recipes import BASE, recipe_of
from pocketvlad.data.dataset import describe_counts, lacks_some
from pocketvlad.data.declarations import source_names
from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.weights.sources import weights_name
from pocketvlad.report.recall_columns import (
    has_recall,
    recall_column,
    recall_columns,
    recall_drop_column,
    recall_of,
)
from pocketvlad.report.score_columns import (
    DENSE,
    OFFICIAL,
    SPREAD,
    QuerySet,
    place_columns,
    query_sets,
    row_sets,
)
from pocketvlad.report.tables.drops import drop_text
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.test_set_columns import TestSetScores
from pocketvlad.report.trainings import trainings
from pocketvlad.scoring.scores import RANKS
from pocketvlad.util.checksum import file_digest
from pocketvlad.util.counted import counted
from pocketvlad.util.size import float32_bytes

LICENCE = "MIT"
_OURS = f"PocketVLAD's own, under the {LICENCE} licence"
_FEW_QUERIES = 30


def weights_terms(weights: Mapping, sources: Mapping[str, Mapping]) -> str:
    """What is known of the licence of a model's initial weights.

    Args:
        weights: `weights` of a model in the config.
        sources: the config's section.
    """
    if "file" not in weights:
        return f"The initial weights ({weights['source']}) are {_OURS}."
    stated = sources.get(weights["file"], {}).get("licence")
    return (
        f"Derived from {weights_name(weights)} weights ({Path(weights['file']).name}): "
        f"{stated or 'their licence is not stated; ask those who gave you the file'}. What was "
        f"added is {_OURS}; it does not lift the terms of what it is derived from."
    )


def data_terms(dataset: Mapping, sources: Mapping[str, Mapping]) -> str:
    """What is known of the licence of a data set.

    Args:
        dataset: its declaration in the config.
        sources: the config's section.
    """
    if "render" in dataset:
        return f"drawn by this package, {_OURS}"
    if "folder" in dataset:
        return "photographs from a folder of your own"
    names = [*source_names(dataset, "images"), *source_names(dataset, "ground_truth")]
    stated = dict.fromkeys(sources[name].get("licence", "no licence stated") for name in names)
    return "; ".join(stated)


def _caveats(row: Mapping, drawn: Mapping[str, bool], seeds: Sequence[str]) -> Iterator[str]:
    """drawn: whether the data set of this name is."""
    training, test = row["train_dataset"], row["test_dataset"]
    if drawn[test["name"]]:
        yield (
            f"The city {test['name']} is drawn: the scores show that the workflow works, and say "
            "nothing of photographs."
        )
    elif drawn[training["name"]]:
        yield f"It has seen no photographs of buildings: {training['name']} is drawn."
    if row["weights"].get("stand_in"):
        yield "The initial weights are stand-ins, for a rehearsal: the file is of no use."
    if lacks_some(test):
        yield (
            f"Only a part of the data set was there ({describe_counts(test)}): not comparable with "
            "published mAP."
        )
    if test["queries"] < _FEW_QUERIES:
        yield f"{test['queries']} official queries bound little: read the interval, not the drop."
    yield "Measure on photographs of your own before you rely on it: `pocketvlad evaluate`."
    made = "training" if row["epochs"] else "compression"
    yield (
        f"This file is of one {made}, with seed {row['seed']}; the interval of its drop allows "
        f"for landmarks and says nothing of other {made}s."
    )
    if len(seeds) > 1:
        yield (
            f"Of a new {made} expect the mean drop of seeds {', '.join(seeds)}, within its "
            "interval, not the drop of this file."
        )


_ASKED = {OFFICIAL: "official queries", DENSE: "every labelled photograph"}


def _over_seeds(cell: pd.Series, queries: QuerySet, city: str) -> str:
    """The mean drop of several trainings, its standard deviation, its interval."""
    return drop_text(queries.drop_of(cell, city), cell[queries.drop(city) + SPREAD])


def _score_lines(line: pd.Series, cell: pd.Series, row: Mapping) -> list[dict[str, object]]:
    """mAP and drop by the official queries, and by the dense where there are any, as texts.

    Args:
        line: of the file's own seed.
        cell: the mean over seeds.
    """
    city, lines = row["test_city"], []
    for queries in query_sets(line.index):
        score, drop = 100 * row[queries.key("map")], queries.drop_of(line, city)
        several = trainings(cell["seeds"]) > 1
        lines.append(
            {
                "asked": _ASKED[queries],
                "queries": len(row[queries.key("average_precision")]),
                "landmarks": len(set(row[queries.key("landmarks")].values())),
                "map": fixed(score, 1),
                "base_map": fixed(score + drop.mean, 1),
                "drop": drop_text(drop),
                "over_seeds": _over_seeds(cell, queries, city) if several else "",
            }
        )
    return lines


def _tested_lines(row: Mapping, base: Mapping) -> Iterator[tuple[str, str, str]]:
    """What the file and the float32 network score on a test set: (what, of the file, of float32).

    Args:
        row, base: JSON rows of both on the test set, of one training.
    """
    name = row["test_city"]
    columns = place_columns([base], [row], name)
    for queries in row_sets([base, row]):
        score, drop = 100 * row[queries.key("map")], queries.drop_of(columns, name)
        landmarks = len(set(row[queries.key("landmarks")].values()))
        asked = f"{len(row[queries.key('average_precision')])} of {counted(landmarks, 'landmark')}"
        figures = fixed(score, 1), fixed(100 * base[queries.key("map")], 1)
        yield f"mAP (%), {_ASKED[queries]} ({asked})", *figures
        drop_of = "drop (points of mAP, 95 % interval)"
        yield f"{drop_of}, {_ASKED[queries]}", drop_text(drop), ""
    if not has_recall([base, row]):
        return
    columns = recall_columns([[row]], name, [[base]])
    first, metres = row["recall_first_right"], row["recall_metres"]
    for count in row["recall"]:
        found = drop_text(recall_of(columns, recall_column(count, name)))
        asked = counted(len(first), "query", "queries")
        what = f"R@{count} (%, 95 % interval), within {metres:g} m ({asked})"
        yield what, found, fixed(100 * base["recall"][count], 1)
        lost = recall_of(columns, recall_drop_column(count, name))
        yield f"drop of R@{count} (points, 95 % interval)", drop_text(lost), ""


def _test_sets(
    row: Mapping, tested: Sequence[TestSetScores], settings: Mapping
) -> Iterator[dict[str, object]]:
    """What the card says of each test set beyond the cities.

    Raises:
        ValueError: a test set has no row of the file.
    """
    for scores in tested:
        base, own = (
            scores.row_of(row["model"], version, row["seed"], row["train_city"])
            for version in (BASE, row["version"])
        )
        dataset = own["test_dataset"]
        yield {
            "role": scores.name,
            "dataset": dataset["name"],
            "scores": list(_tested_lines(own, base)),
            "counts": describe_counts(dataset),
            "terms": data_terms(settings["datasets"][dataset["name"]], settings["sources"]),
        }


def _line_of(found: pd.DataFrame, what: str) -> pd.Series:
    if len(found) != 1:
        raise ValueError(f"the table has {len(found)} rows of {what}; run the table again")
    return found.iloc[0]


def _lines_of(
    row: Mapping, table: pd.DataFrame, by_seed: pd.DataFrame
) -> tuple[pd.Series, pd.Series]:
    """The line of the row's own training, and that of its cell."""
    of_cell, of_training = (
        each[(each["model"] == row["model"]) & (each["version"] == row["version"])]
        for each in (table, by_seed)
    )
    cell = f"{row['model']}, {row['version']}"
    of_training = of_training[of_training["seed"] == row["seed"]]
    return _line_of(of_training, f"{cell}, seed {row['seed']}"), _line_of(of_cell, cell)


def card_facts(
    file: Path,
    row: Mapping,
    table: pd.DataFrame,
    by_seed: pd.DataFrame,
    settings: Mapping,
    tested: Sequence[TestSetScores] = (),
) -> dict[str, object]:
    """The facts that the template names, for one compressed file.

    Args:
        file: the compressed model.
        row: its JSON row.
        table, by_seed: both tables of the study, as `rows.read_table` gives them.
        settings: as `config.used_settings` gives them.
        tested: the scores on test sets beyond the two cities.

    Raises:
        ValueError: a table or a test set has no line for the row.
        FormatError: the file is damaged.
    """
    with open_compressed(file) as model:
        header = model.header
    origin = header["origin"]
    (line, cell), recipe = _lines_of(row, table, by_seed), recipe_of(row["version"])
    seeds = cell["seeds"].split()
    datasets, sources = settings["datasets"], settings["sources"]
    training, test = row["train_dataset"], row["test_dataset"]
    drawn = {each["name"]: "render" in datasets[each["name"]] for each in (training, test)}
    try:
        package = version("pocketvlad")
    except PackageNotFoundError:
        package = "(not installed)"
    names = ("model", "study", "seed", "ratio", "parameters", "length")
    architecture = Architecture.of(header["architecture"])
    return {
        **{name: row[name] for name in names},
        "cell": recipe.label,
        "file": file.name,
        "sha256": file_digest(file, "sha256"),
        "version": package,
        "versions": row["versions"],
        "file_bytes": row["file_bytes"],
        "float32_bytes": float32_bytes(row["parameters"]),
        "scores": _score_lines(line, cell, row),
        "test_sets": list(_test_sets(row, tested, settings)),
        "seeds": seeds,
        "architecture": str(architecture),
        "components": architecture.length,
        "weights_source": weights_name(origin["weights"]),
        "initialise": origin["initialise"],
        "compression": recipe.account(header, row["pruned_percent"]["total"]),
        "unlabelled": recipe.unlabelled(header),
        "epochs": origin["training"]["epochs"],
        "loss": origin["training"]["loss"]["type"],
        "protocol": row["protocol"],
        "training": training,
        "training_counts": describe_counts(training),
        "training_terms": data_terms(datasets[training["name"]], sources),
        "test": test,
        "test_counts": describe_counts(test),
        "test_terms": data_terms(datasets[test["name"]], sources),
        "weights_terms": weights_terms(settings["models"][row["model"]]["weights"], sources),
        "difficulties": row["difficulties"],
        "ranks": RANKS,
        "drawn": drawn,
        "caveats": list(_caveats(row, drawn, seeds)),
    }


@lru_cache(maxsize=1)  # the cards of a study have one
def _compiled(template: str) -> Template:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template)


def model_card(template: str, facts: Mapping[str, object]) -> str:
    """The card as Markdown.

    Raises:
        jinja2.UndefinedError: the template names a fact that is not there.
    """
    return _compiled(template).render(**facts)
