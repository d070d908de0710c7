"""Run time and memory of a study's jobs, from the benchmark files that Snakemake writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

_COLUMNS = {"s": "seconds", "max_rss": "max_rss_mb", "max_pss": "max_pss_mb"}


def read_benchmarks(files: Mapping[str, Sequence[Path]]) -> pd.DataFrame:
    """A line a job that was measured: rule, job, seconds, max_rss_mb, max_pss_mb.

    Memory is in MiB, resident and proportional; NaN where a job was over before Snakemake looked.
    A job that was repeated counts with its mean.

    Args:
        files: by rule the benchmark files of all its jobs. Missing files are left out, such as
            those of a job that an earlier version ran.

    Raises:
        ValueError: a file is not a benchmark; names it.
    """
    lines = []
    for rule, paths in files.items():
        for path in paths:
            if not path.is_file():
                continue
            table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
            missing = _COLUMNS.keys() - set(table.columns)
            if missing or table.empty:
                raise ValueError(
                    f"{path} is not a benchmark of Snakemake: it lacks "
                    f"{', '.join(sorted(missing)) or 'a line'}; delete it"
                )
            values = table[list(_COLUMNS)].astype(float).mean()
            job = path.as_posix().rpartition(f"/{rule}/")[2].removesuffix(".tsv")
            lines.append({"rule": rule, "job": job, **values.rename(_COLUMNS)})
    return pd.DataFrame(lines, columns=["rule", "job", *_COLUMNS.values()])


def by_rule(jobs: pd.DataFrame, files: Mapping[str, Sequence[Path]]) -> pd.DataFrame:
    """A line a rule, in the order of `files`: jobs, measured, and run time and memory over them.

    seconds_total and seconds_max add up and compare the measured jobs; max_rss_mb and max_pss_mb
    are those of the largest.
    """
    grouped = jobs.groupby("rule")
    table = pd.DataFrame(
        {
            "jobs": pd.Series({rule: len(paths) for rule, paths in files.items()}),
            "measured": grouped.size(),
            "seconds_total": grouped["seconds"].sum(),
            "seconds_mean": grouped["seconds"].mean(),
            "seconds_max": grouped["seconds"].max(),
            "max_rss_mb": grouped["max_rss_mb"].max(),
            "max_pss_mb": grouped["max_pss_mb"].max(),
        }
    ).reindex(list(files))
    table["measured"] = table["measured"].fillna(0).astype(int)
    return table.rename_axis("rule").reset_index()
