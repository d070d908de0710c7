"""Run time and memory of a study's jobs, from the files in which each job measures itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

_COLUMNS = {"s": "seconds", "cpu_time": "cpu_seconds", "max_rss": "max_rss_mb"}


def read_benchmarks(files: Mapping[str, Sequence[Path]]) -> pd.DataFrame:
    """A line a job that was measured: rule, job, seconds, cpu_seconds, max_rss_mb.

    Memory is in MiB, resident. Benchmark files of Snakemake, which earlier versions left, have
    these columns too: NaN where a job was over before Snakemake looked.

    Args:
        files: by rule the files of all its jobs (`util/measured.py`). Missing files are left
            out, such as those of a job that an earlier version ran, and empty ones, which Snakemake
            makes for jobs that have measured nothing: a training that only was noted anew.

    Raises:
        ValueError: a file is not a benchmark; names it.
    """
    lines = []
    for rule, paths in files.items():
        for path in paths:
            if not path.is_file() or not path.stat().st_size:
                continue
            table = _read(path)
            missing = _COLUMNS.keys() - set(table.columns)
            if missing or table.empty:
                raise ValueError(
                    f"{path} is not a measurement of a job: it lacks "
                    f"{', '.join(sorted(missing)) or 'a line'}; delete it"
                )
            try:
                values = table[list(_COLUMNS)].astype(float).mean()
            except ValueError as error:
                raise ValueError(
                    f"{path} is not a measurement of a job: {error}; delete it"
                ) from None
            job = path.as_posix().rpartition(f"/{rule}/")[2].removesuffix(".tsv")
            lines.append({"rule": rule, "job": job, **values.rename(_COLUMNS)})
    return pd.DataFrame(lines, columns=["rule", "job", *_COLUMNS.values()])


def _read(path: Path) -> pd.DataFrame:
    """Without columns or lines if there are none, or if it is no table."""
    try:
        return pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError):
        return pd.DataFrame()


def by_rule(jobs: pd.DataFrame, files: Mapping[str, Sequence[Path]]) -> pd.DataFrame:
    """A line a rule, in the order of `files`: jobs, measured, and run time and memory over them.

    seconds_total and seconds_max add up and compare the measured jobs, cpu_seconds_total adds up
    the time of processors; max_rss_mb is that of the largest.
    """
    grouped = jobs.groupby("rule")
    table = pd.DataFrame(
        {
            "jobs": pd.Series({rule: len(paths) for rule, paths in files.items()}),
            "measured": grouped.size(),
            "seconds_total": grouped["seconds"].sum(),
            "seconds_mean": grouped["seconds"].mean(),
            "seconds_max": grouped["seconds"].max(),
            "cpu_seconds_total": grouped["cpu_seconds"].sum(),
            "max_rss_mb": grouped["max_rss_mb"].max(),
        }
    ).reindex(list(files))
    table["measured"] = table["measured"].fillna(0).astype(int)
    return table.rename_axis("rule").reset_index()
