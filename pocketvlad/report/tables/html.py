"""The results table as HTML: one table that screen readers, phones and printers can use."""

from html import escape

from pocketvlad.report.tables.parts import Block, Column, Entry, Layout, Line

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1rem auto; max-width: 82rem;
  padding: 0 0.75rem; }
.results { overflow-x: auto; }
.results:focus-visible { outline: 2px solid; }
.results table { border-collapse: separate; border-spacing: 0; font-size: 0.87rem;
  font-variant-numeric: tabular-nums; }
.results caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
.results th, .results td { padding: 0.25rem 0.5rem; text-align: right; vertical-align: top;
  white-space: nowrap; background: Canvas; border-bottom: 1px solid #8884; }
.results th { font-weight: 400; }
.results thead th { border-bottom: 2px solid; vertical-align: bottom; font-weight: 600;
  white-space: normal; }
.results thead .unit { display: block; font-weight: 400; }
.results .name { text-align: left; position: sticky; z-index: 1; }
.results .name { box-sizing: border-box; white-space: normal; }
.results .name-0 { left: 0; min-width: 2.8rem; max-width: 2.8rem; }
.results .name-1 { left: 2.8rem; min-width: 6rem; max-width: 6rem; }
.results .name-2 { left: 8.8rem; min-width: 5.6rem; max-width: 5.6rem;
  border-right: 1px solid #8888; }
.results .model { text-align: left; font-weight: 600; border-top: 2px solid; }
.results .model span { position: sticky; left: 0.5rem; }
.results .spread { font-size: 0.9em; opacity: 0.8; font-weight: 400; }
.results .interval, .results .paper { display: block; font-size: 0.9em; opacity: 0.8; }
.results .best td, .results .best th { font-weight: 700; border-top: 1px solid;
  border-bottom: 1px solid; }
.results .best .interval, .results .best .paper { font-weight: 400; }
@media (max-width: 40rem) {
  body { padding: 0 0.4rem; }
  .results table { font-size: 0.75rem; }
  .results th, .results td { padding: 0.2rem 0.25rem; }
  .results .name-0 { min-width: 1.9rem; max-width: 1.9rem; }
  .results .name-1 { left: 1.9rem; min-width: 4.3rem; max-width: 4.3rem; }
  .results .name-2 { left: 6.2rem; min-width: 4.3rem; max-width: 4.3rem; }
}
@media print { .results { overflow: visible; } body { font-size: 9px; max-width: none; } }
"""


def _heading(column: Column, number: int) -> str:
    kind = f' class="name name-{number}"' if column.names_row else ""
    unit = f'<span class="unit">({escape(column.unit)})</span>' if column.unit else ""
    return f'<th scope="col"{kind}>{escape(column.heading)} {unit}</th>'


def _entry(entry: Entry, column: Column, number: int) -> str:
    parts = [escape(entry.figure)]
    if entry.spread:
        parts.append(f'<span class="spread">{escape(entry.spread)}</span>')
    if entry.marks:
        parts.append(escape(entry.marks))
    if entry.interval:
        parts.append(f'<span class="interval">{escape(entry.interval)}</span>')
    if entry.paper:
        parts.append(f'<span class="paper">({escape(entry.paper)})</span>')
    text = " ".join(parts)
    if column.names_row:
        return f'<th scope="row" class="name name-{number}">{text}</th>'
    return f"<td>{text}</td>"


def _line(line: Line, columns: tuple[Column, ...]) -> str:
    entries = "".join(map(_entry, line.entries, columns, range(len(columns))))
    return f'<tr class="best">{entries}</tr>' if line.best else f"<tr>{entries}</tr>"


def _block(block: Block, columns: tuple[Column, ...]) -> str:
    head = (
        f'<tr><th scope="rowgroup" class="model" colspan="{len(columns)}">'
        f"<span>{escape(block.model)}</span></th></tr>"
    )
    lines = (_line(line, columns) for line in block.lines)
    return "\n".join(["<tbody>", head, *lines, "</tbody>"])


def html_fragment(layout: Layout, name: str = "results") -> str:
    """Notes, table and legend, for a page that has STYLE in its head.

    Args:
        name: tells it from other tables of the page.
    """
    head = "".join(map(_heading, layout.columns, range(len(layout.columns))))
    legend = "".join(
        f"<li>{escape(mark)} {escape(meaning)}.</li>" for mark, meaning in layout.legend
    )
    return "\n".join(
        [
            *(f"<p>{escape(note)}</p>" for note in layout.notes),
            f'<div class="results" role="region" tabindex="0" aria-labelledby="{name}-caption">',
            f'<table><caption id="{name}-caption">'
            f"{escape(layout.title)}: a block a model, {layout.rows}</caption>",
            f"<thead><tr>{head}</tr></thead>",
            *(_block(block, layout.columns) for block in layout.blocks),
            "</table></div>",
            f"<ul>{legend}</ul>" if legend else "",
            *(f"<p>{escape(sentence)}</p>" for sentence in layout.explanation),
        ]
    )


def html_page(layout: Layout) -> str:
    """A page of its own; nothing is loaded from elsewhere."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(layout.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(layout.title)}</h1>\n{html_fragment(layout)}\n</body>\n</html>\n"
    )
