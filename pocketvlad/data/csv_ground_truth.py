"""Ground truth of one's own city as a table: `query,x1,y1,x2,y2,image,label`.

A row says what `image` is to the query that `query` (an image) and its box make: good, ok or junk.
Whatever no row names shows something else; but the query's own image, where no row names it, is
junk, for to find that says nothing.
"""

from collections.abc import Iterator
from pathlib import Path

from pocketvlad.data.box import Box, unfit_box
from pocketvlad.data.csv_file import csv_lines, separator_hint
from pocketvlad.data.ground_truth import GroundTruthError, QueryLists
from pocketvlad.data.image_names import BareNames, NameClashError
from pocketvlad.data.query_groups import with_landmarks
from pocketvlad.data.written_number import written_number
from pocketvlad.util.counted import counted

COLUMNS = ["query", "x1", "y1", "x2", "y2", "image", "label"]
LABELS = ("good", "ok", "junk")


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, the row's cells by column), of every row."""
    lines = csv_lines(path, GroundTruthError)
    head = lines[0][1] if lines else []
    if head != COLUMNS:
        raise GroundTruthError(
            f"{path} has the columns {','.join(head)}; write {','.join(COLUMNS)}"
            f"{separator_hint(head)}"
        )
    if len(lines) == 1:
        raise GroundTruthError(f"{path} has no rows: no query, nothing to find")
    for number, cells in lines[1:]:
        place = f"{path}, line {number}"
        if len(cells) != len(COLUMNS):
            hint = "; take the comma at its end off" if cells[-1] == "" else ""
            raise GroundTruthError(
                f"{place}: {counted(len(cells), 'cell')}, {len(COLUMNS)} expected "
                f"({','.join(COLUMNS)}){hint}"
            )
        yield place, dict(zip(COLUMNS, cells, strict=True))


def _box(place: str, row: dict[str, str]) -> Box:
    try:
        box = tuple(written_number(row[name]) for name in ("x1", "y1", "x2", "y2"))
    except ValueError:
        found = ", ".join(row[name] for name in COLUMNS[1:5])
        raise GroundTruthError(f"{place}: the box {found} is not four numbers") from None
    if fault := unfit_box(box):
        raise GroundTruthError(f"{place}: {fault}")
    return box


def _name(place: str, text: str, names: BareNames) -> str:
    if not text:
        raise GroundTruthError(f"{place}: an image has no name")
    try:
        return names.of(text)
    except NameClashError as error:
        raise GroundTruthError(f"{place}: {error}") from None


def read_csv_ground_truth(path: Path) -> list[QueryLists]:
    """Every query, sorted by name: its image's, with a number where an image has several boxes.

    Folders and the suffixes of images are cut off the names.

    Raises:
        GroundTruthError: a missing column, box or label, or two images of one name; names file
            and line.
    """
    boxes: dict[str, dict[Box, dict[str, list[str]]]] = {}
    names = BareNames()
    for place, row in _rows(path):
        if row["label"] not in LABELS:
            raise GroundTruthError(
                f"{place}: label {row['label']!r}; write one of {', '.join(LABELS)}"
            )
        query, image = (_name(place, row[column], names) for column in ("query", "image"))
        lists = boxes.setdefault(query, {}).setdefault(
            _box(place, row), {label: [] for label in LABELS}
        )
        if any(image in listed for listed in lists.values()):
            raise GroundTruthError(f"{place}: {image} has a label already for this query")
        lists[row["label"]].append(image)
    queries = []
    for image, found in boxes.items():
        for number, (box, lists) in enumerate(found.items(), start=1):
            if not any(image in listed for listed in lists.values()):
                lists["junk"].append(image)
            name = image if len(found) == 1 else f"{image}/{number}"
            queries.append(
                QueryLists(name, "", image, box, *(tuple(lists[label]) for label in LABELS))
            )
    return with_landmarks(queries)
