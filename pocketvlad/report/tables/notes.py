"""Notes above the results: which data were there, and what the models started from."""

from collections.abc import Sequence

from pocketvlad.data.dataset import describe_counts, lacks_some
from pocketvlad.networks.weights.sources import weights_name


def starting_point(row: dict) -> str:
    """A sentence on what a model's training started from, if there was one, of its base model's
    row."""
    model, source, learnt = row["model"], row["weights"]["source"], row["initialise"]
    name = weights_name(row["weights"])
    parts = {name: learnt[name] for name in ("pooling", "projection") if name in learnt}
    tuned = "" if row["epochs"] else "; nothing was fine-tuned"
    if set(parts.values()) == {source}:
        return f"{model} starts from {name} weights, pooling and projection among them{tuned}."
    by = ", ".join(f"{name} by {how}" for name, how in parts.items())
    on = f"; {by} on the training city" if by else ""
    return f"{model} starts from {name} weights for its backbone{on}{tuned}."


def study_notes(base: Sequence[dict], cities: Sequence[str]) -> list[str]:
    """Sentences on data sets and models.

    Args:
        base: the JSON rows of the base models, both directions.
        cities: the two roles.
    """
    datasets = {row["test_city"]: row["test_dataset"] for row in base}
    notes = [
        f"{city}: {datasets[city]['name']}, {describe_counts(datasets[city])}." for city in cities
    ]
    if any(map(lacks_some, datasets.values())):
        notes.append("Only a part of the data: not comparable with published mAP.")
    if any(row["weights"].get("stand_in") for row in base):
        notes.append("A rehearsal with stand-in weights: its figures say nothing of the networks.")
    return notes + sorted({starting_point(row) for row in base})
