"""The results table as Markdown."""

from tabulate import tabulate

from pocketvlad.report.tables.parts import Column, Entry, Layout


def heading_text(column: Column) -> str:
    """The heading with its unit."""
    return f"{column.heading} ({column.unit})" if column.unit else column.heading


def entry_text(entry: Entry) -> str:
    """All that a cell says, in one line."""
    paper = f"({entry.paper})" if entry.paper else ""
    return " ".join(filter(None, (entry.figure, entry.spread, entry.interval, paper, entry.marks)))


def markdown_table(layout: Layout) -> str:
    """The whole page: notes, a table a model, the legend."""
    parts = [f"# {layout.title}", *layout.notes]
    headings = [heading_text(column) for column in layout.columns]
    for block in layout.blocks:
        rows = [[entry_text(entry) for entry in line.entries] for line in block.lines]
        parts.append(f"## {block.model}")
        parts.append(tabulate(rows, headings, tablefmt="pipe", disable_numparse=True))
    if layout.legend:
        parts.append("\n".join(f"- {mark} {meaning}." for mark, meaning in layout.legend))
    parts.append(" ".join(layout.explanation))
    return "\n\n".join(parts) + "\n"
