"""Ground truth of one's own city as a table: `query,x1,y1,x2,y2,image,label`.

A row says what `image` is to the query that `query` (an image) and its box make: good, ok or junk.
Whatever no row names shows something else; but the query's own image, where no row names it, is
junk, for to find that says nothing.
"""

from pathlib import Path

import pandas as pd

from pocketvlad.data.ground_truth import GroundTruthError, QueryLists
from pocketvlad.data.image_files import bare_name
from pocketvlad.data.query_groups import with_landmarks

COLUMNS = ["query", "x1", "y1", "x2", "y2", "image", "label"]
LABELS = ("good", "ok", "junk")


def _read(path: Path) -> pd.DataFrame:
    try:
        # Excel writes a mark of the encoding before the first letter: "-sig" skips it.
        table = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except FileNotFoundError:
        raise GroundTruthError(f"{path} is missing") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise GroundTruthError(f"{path} is not a CSV file: {error}") from None
    if list(table.columns) != COLUMNS:
        raise GroundTruthError(
            f"{path} has the columns {','.join(table.columns)}; write {','.join(COLUMNS)}"
        )
    table = table.fillna("")
    table = table[(table != "").any(axis=1)].copy()  # blank lines; the others keep their numbers
    if table.empty:
        raise GroundTruthError(f"{path} has no rows: no query, nothing to find")
    for name in ("query", "image"):
        table[name] = table[name].str.strip().map(bare_name)
    return table


def _box(path: Path, number: int, row: dict[str, str]) -> tuple[float, float, float, float]:
    try:
        x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    except ValueError:
        found = ", ".join(row[name] for name in COLUMNS[1:5])
        raise GroundTruthError(
            f"{path}, line {number}: the box {found} is not four numbers"
        ) from None
    if not (x2 > x1 and y2 > y1):
        raise GroundTruthError(f"{path}, line {number}: empty box {x1:g} {y1:g} {x2:g} {y2:g}")
    return x1, y1, x2, y2


def read_csv_ground_truth(path: Path) -> list[QueryLists]:
    """Every query, sorted by name: its image's, with a number where an image has several boxes.

    Folders and the suffixes of images are cut off the names.

    Raises:
        GroundTruthError: a missing column, box or label; names file and line.
    """
    boxes: dict[str, dict[tuple, dict[str, list[str]]]] = {}
    table = _read(path)
    for number, row in zip(table.index + 2, table.to_dict("records"), strict=True):
        if row["label"] not in LABELS:
            raise GroundTruthError(
                f"{path}, line {number}: label {row['label']!r}; write one of {', '.join(LABELS)}"
            )
        if not (row["query"] and row["image"]):
            raise GroundTruthError(f"{path}, line {number}: an image has no name")
        lists = boxes.setdefault(row["query"], {}).setdefault(
            _box(path, number, row), {label: [] for label in LABELS}
        )
        if any(row["image"] in listed for listed in lists.values()):
            raise GroundTruthError(
                f"{path}, line {number}: {row['image']} has a label already for this query"
            )
        lists[row["label"]].append(row["image"])
    queries = []
    for image, found in boxes.items():
        for place, (box, lists) in enumerate(found.items(), start=1):
            if not any(image in listed for listed in lists.values()):
                lists["junk"].append(image)
            name = image if len(found) == 1 else f"{image}/{place}"
            queries.append(
                QueryLists(name, "", image, box, *(tuple(lists[label]) for label in LABELS))
            )
    return with_landmarks(queries)
