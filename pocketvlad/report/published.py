"""The figures that Saha, Varma & Jawahar published (ACPR 2017)."""

from pathlib import Path

import pandas as pd


def published_results(path: Path) -> pd.DataFrame:
    """Their table by (model, bits, threshold as text); sizes in MiB, `ratio` to their own base,
    which has 32 bits and no threshold, "".

    Of a model's scores they published only the drops on `oxford` and `paris`.
    """
    table = pd.read_csv(path, dtype={"threshold": str}, keep_default_na=False)
    base = table[table["bits"] == 32].set_index("model")["memory_mb"]
    table["ratio"] = table["model"].map(base) / table["memory_mb"]
    return table.set_index(["model", "bits", "threshold"])
