"""The results table as TeX: a document that compiles, whose body fits into another one."""

from collections.abc import Iterator

from pocketvlad.report.tables.parts import Column, Entry, Layout, Line

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "★": r"$\star$",
    "†": r"\dag{}",
    "±": r"$\pm$",
}

_PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[a4paper,landscape,margin=8mm]{geometry}
\usepackage{longtable}
% The rules of booktabs where it is installed, plain ones elsewhere.
\IfFileExists{booktabs.sty}{\usepackage{booktabs}}{%
  \newcommand{\toprule}{\hline}\newcommand{\midrule}{\hline}\newcommand{\bottomrule}{\hline}}
\begin{document}
"""


def escaped(text: str) -> str:
    """`text` so that TeX prints it as it is; a minus before a digit becomes a real one."""
    written = []
    for place, letter in enumerate(text):
        if letter == "-" and text[place + 1 : place + 2].isdigit():
            # Only where a number begins: a name like "kmeans-8" has a hyphen.
            begins = place == 0 or text[place - 1] in " [("
            written.append("$-$" if begins else "-")
        else:
            written.append(_SPECIAL.get(letter, letter))
    return "".join(written)


def _heading(column: Column, below: str) -> tuple[str, str]:
    """Two lines: the heading and its unit, or, for a narrow column, a heading of two words.

    Args:
        below: the heading of the column that stands below, "" if none. It is written where the
            second line is free.
    """
    first, second = column.heading, f"({column.unit})" if column.unit else ""
    if not column.unit:
        first, _, second = column.heading.partition(" ")
    second = second or below
    return rf"\textbf{{{escaped(first)}}}", escaped(second)


def _entry(entry: Entry, bold: bool) -> str:
    figure = escaped(entry.figure)
    parts = [rf"\textbf{{{figure}}}" if bold and figure else figure]
    if entry.spread:
        parts[0] += rf"{{\tiny\,{escaped(entry.spread).replace(' ', '')}}}"  # a page is narrow
    if entry.interval:
        # The group keeps a row's first bracket from being taken for an option of \\.
        parts.append(f"{{{escaped(entry.interval)}}}")
    if entry.paper:
        parts.append(escaped(f"({entry.paper})"))
    if entry.marks:
        parts.append(escaped(entry.marks))
    return " ".join(parts)


def _rows(line: Line, columns: tuple[Column, ...]) -> Iterator[str]:
    """One or two lines: the second has what may stand below, since a page is narrow."""
    entries = {
        column.heading: _entry(entry, line.best)
        for column, entry in zip(columns, line.entries, strict=True)
    }
    below = {column.below: entries.pop(column.heading) for column in columns if column.below}
    yield " & ".join(entries.values()) + (r" \\*" if below else r" \\")
    if below:
        yield " & ".join(below.get(heading, "") for heading in entries) + r" \\"


def _below(columns: tuple[Column, ...]) -> Iterator[str]:
    """Sentences on what stands in second lines."""
    own = [column for column in columns if column.below]
    dense = [column for column in own if column.heading == f"dense {column.below}"]
    if dense:
        yield "Dense figures are below the official ones."
    for column in own:
        if column not in dense:
            yield f"Below {column.below} is {column.heading}."


def tex_table(layout: Layout) -> str:
    """A document that pdflatex compiles, with nothing but the packages of LaTeX's base.

    In a paper: `\\usepackage{docmute}`, then `\\input` of the file takes its body alone.
    """
    columns = [column for column in layout.columns if not column.below]
    kinds = "".join("l" if column.names_row else "r" for column in columns)
    below = {column.below: column.heading for column in layout.columns if column.below}
    headings = [_heading(column, below.get(column.heading, "")) for column in columns]
    heading = [" & ".join(parts) + r" \\" for parts in zip(*headings, strict=True)]
    head = [r"\toprule", *heading, r"\midrule"]
    marks = "; ".join(f"{mark} {meaning}" for mark, meaning in layout.legend)
    caption = [layout.title + ".", *layout.notes, *layout.explanation]
    if marks:
        caption.append(f"{marks}.")
    caption += _below(layout.columns)
    lines = [
        _PREAMBLE + r"{\scriptsize\setlength{\LTcapwidth}{\textwidth}",
        r"\setlength{\tabcolsep}{2pt}\renewcommand{\arraystretch}{1.15}",
        rf"\begin{{longtable}}{{{kinds}}}",
        rf"\caption{{{escaped(' '.join(caption))}}}\label{{tab:pocketvlad}} \\",
        *head,
        r"\endfirsthead",
        *head,
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
    ]
    for number, block in enumerate(layout.blocks):
        if number:
            lines.append(r"\midrule")
        model = escaped(block.model)
        lines.append(rf"\multicolumn{{{len(columns)}}}{{l}}{{\textit{{{model}}}}} \\*")
        for line in block.lines:
            lines += _rows(line, layout.columns)
    lines += [r"\end{longtable}}", r"\end{document}"]
    return "\n".join(lines) + "\n"
