"""Tables that people write by hand or by a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from pocketvlad.util.foreign import foreign
from pocketvlad.util.text_file import read_text


def csv_lines(path: Path, ours: type[Exception]) -> list[tuple[int, list[str]]]:
    """(number of the line that a row ends in, its cells without spaces around them) of every row
    of a CSV file; blank rows are left out.

    Raises:
        ours: the file is missing, is no text or no CSV; names it.
    """
    text = read_text(path, ours)
    with foreign(ours, f"{path} is not a CSV file"):
        reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    return [(number, row) for number, row in rows if any(row)]


def separator_hint(head: Sequence[str]) -> str:
    """What to add where the columns of a table are not those that are asked for: spreadsheets in
    many languages separate by semicolons.

    >>> separator_hint(["image;name"])
    ', separated by commas, not by semicolons'
    >>> separator_hint(["image", "title"])
    ''
    """
    for sign, name in {";": "semicolons", "\t": "tabs"}.items():
        if len(head) == 1 and sign in head[0]:
            return f", separated by commas, not by {name}"
    return ""
