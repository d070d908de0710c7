"""What a table for readers consists of: the one structure that every text form is made from."""

from dataclasses import dataclass

from pocketvlad.report.best_cells import ROLES

NO_DROP = "="
MARKS = dict(zip(ROLES, ("★", "†"), strict=True))


@dataclass(frozen=True)
class Column:
    """`unit` is "" for texts and bare numbers. On a narrow page entries may stand in a second line,
    `below` those of the column of that heading."""

    heading: str
    unit: str = ""
    names_row: bool = False  # part of what tells the rows of a block apart
    below: str = ""


@dataclass(frozen=True)
class Entry:
    """One cell of the table, in texts: our figure, its spread over seeds, its 95 % interval, the
    paper's figure, and marks."""

    figure: str
    interval: str = ""
    paper: str = ""
    marks: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Line:
    entries: tuple[Entry, ...]

    @property
    def best(self) -> bool:
        """Whether one of MARKS is on it."""
        return any(mark in entry.marks for entry in self.entries for mark in MARKS.values())


@dataclass(frozen=True)
class Block:
    model: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Layout:
    """notes: sentences on data and models, for above the table. legend: (mark, what it means).
    explanation: sentences on what the figures are, for below it. rows: what a row is of."""

    title: str
    notes: tuple[str, ...]
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    legend: tuple[tuple[str, str], ...]
    explanation: tuple[str, ...]
    rows: str = "a row a cell"
