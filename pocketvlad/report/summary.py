"""What a finished run says at its end."""

from pathlib import Path


def summary_text(results: Path) -> str:
    """The baselines, the table, and where the files are; "" as long as there is no table."""
    table, baselines = results / "table.md", results / "baselines.csv"
    if not (table.is_file() and baselines.is_file()):
        return ""
    lines = [line.split(",") for line in baselines.read_text(encoding="utf-8").splitlines()]
    head, *rows = lines
    end = head.index("seeds")  # behind them stand test sets, where not every row has a score
    figures = "\n".join(
        f"  {' '.join(filter(None, row[:2])):24}"
        + "  ".join(
            f"{name.replace('map_', '').replace('_', ' ')} {float(value):5.1f}"
            for name, value in zip(head[2:end], row[2:end], strict=True)
        )
        for row in rows
    )
    pictures = sorted(p for p in results.glob("plots/*") if p.suffix in (".png", ".jpg"))
    plots = "\n".join(f"  {path}" for path in pictures)
    return (
        f"{table.read_text(encoding='utf-8')}\nBaselines, mAP in % by city:\n{figures}\n\n"
        f"Table:\n  {results / 'table.csv'} (and .md, .tex, .html)\nFigures:\n{plots}"
    )
