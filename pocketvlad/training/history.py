"""The history of a training as a file."""

import csv
from dataclasses import asdict, fields
from pathlib import Path

from pocketvlad.training.fine_tuning import EpochRecord
from pocketvlad.util.atomic import replacing


def write_history(path: Path | str, history: list[EpochRecord]) -> None:
    """The epochs of a training as CSV; whole or not at all."""
    with (
        replacing(Path(path)) as unfinished,
        open(unfinished, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, [field.name for field in fields(EpochRecord)])
        writer.writeheader()
        writer.writerows(map(asdict, history))
