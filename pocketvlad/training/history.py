"""The history of a training as a file."""

import csv
from dataclasses import asdict, fields
from pathlib import Path

from pocketvlad.training.fine_tuning import EpochRecord


def write_history(path: Path | str, history: list[EpochRecord]) -> None:
    """The epochs of a training as CSV."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(EpochRecord)])
        writer.writeheader()
        writer.writerows(map(asdict, history))
