"""A results table written by hand, for the tests of what is made from it."""

import pandas as pd

from pocketvlad.compression.recipes import COLUMNS, columns_of
from pocketvlad.report.best_cells import mark_best

CITIES = ["oxford", "paris"]
SEVERAL = "0.005/l1-0/uniform-8-fixed"
"""A cell that three trainings have been made of, in `three_seeds`."""
LENGTHS = {"oxford": 384, "paris": 448}  # of the rounded models
# version, pruned, MB, drop on oxford, on paris, no_drop; dense drops are as large
LINES = {
    "vgg16": [
        ("base", 0.0, 126.24, 0.0, 0.0, True),
        ("0.005/l1-0/kmeans-8-fixed", 53.1, 17.83, 0.04, -0.06, True),
        ("0.005/l1-0/uniform-8-fixed", 53.1, 13.02, 0.9, -0.2, True),
        ("0.01/l1-0/uniform-8-fixed", 71.1, 8.39, 1.0, 3.0, False),
        ("0.01/l1-0/kmeans-5-fixed", 71.1, 8.43, 4.1, 0.3, False),
        ("0.01/l1-0.001/kmeans-5-trained", 71.9, 7.05, -1.5, 9.25, False),
    ],
    # Nothing here is without drop, and the smallest file is the one that lost most.
    "tiny_net": [
        ("base", 0.0, 2.5, 0.0, 0.0, True),
        ("0.01/l1-0/uniform-5-fixed", 70.0, 0.2, 12.0, 30.0, False),
        ("0.01/l1-0/uniform-8-fixed", 70.0, 0.4, 1.0, 2.5, False),
        ("rd/0.4", 90.0, 0.5, 2.0, 3.5, False),
    ],
}


def _line(model: str, cell: tuple) -> dict[str, object]:
    version, pruned, size, *drops, no_drop = cell
    made = {name: "" if kind is str else None for name, kind in COLUMNS.items()}
    made |= columns_of(version)
    bits = made["bits"]
    parameters = {"vgg16": 31_557_952, "tiny_net": 625_000}[model]
    line = {
        "model": model,
        "version": version,
        **made,
        "pruned_percent": pruned,
        "paper_memory_mb": bits and parameters * (1 - pruned / 100) * bits / 8 / 2**20,
        "file_mb": size,
        "ratio": 4 * parameters / 1e6 / size,
        "paper_ratio": bits and 32 / bits / (1 - pruned / 100),
        "projection_bytes_percent": 53.2,
        "parameters": parameters,
        "no_drop": no_drop,
        "official_no_drop": no_drop,
        "seeds": "1",
        "ratio_spread": float("nan"),
        "visible_drop": 1.9,
        "dense_visible_drop": 1.1,
    }
    for city, base, drop in zip(CITIES, (47.1227, 74.8417), drops, strict=True):
        line |= {
            f"map_{city}": base - drop,
            f"drop_{city}": drop,
            f"drop_{city}_low": drop - 1.5,
            f"drop_{city}_high": drop + 2.25,
            f"drop_{city}_landmarks_low": drop - 1.75,
            f"drop_{city}_landmarks_high": drop + 2.5,
            f"dense_map_{city}": base - 10 - drop,
            f"dense_drop_{city}": drop,
            f"dense_drop_{city}_low": drop - 1.25,
            f"dense_drop_{city}_high": drop + 1.5,
            f"queries_{city}": 33,
            f"landmarks_{city}": 11,
            f"dense_queries_{city}": 159,
            f"dense_landmarks_{city}": 10,
            f"pruned_percent_{city}": pruned,
            f"file_bytes_{city}": round(1e6 * size),
            f"dataset_{city}": f"{city}-50%",
            f"length_{city}": LENGTHS[city] if version == "rd/0.4" else 512,
        }
    for name in (*CITIES, "mean"):
        line |= {f"{queries}drop_{name}_spread": float("nan") for queries in ("", "dense_")}
    for city in CITIES:
        line |= {f"{queries}map_{city}_spread": float("nan") for queries in ("", "dense_")}
    mean = sum(drops) / 2
    for name, low, high in (("", 1, 1.2), ("_landmarks", 1.7, 2.1)):
        line |= {f"drop_mean{name}_low": mean - low, f"drop_mean{name}_high": mean + high}
    line |= {"dense_drop_mean_low": mean - 0.9, "dense_drop_mean_high": mean + 1.3}
    return line | {"drop_mean": mean, "dense_drop_mean": mean}


def study_table() -> pd.DataFrame:
    lines = [_line(model, cell) for model, cells in LINES.items() for cell in cells]
    return mark_best(pd.DataFrame(lines).astype({"bits": "Int64", "paper_memory_mb": float}))


def three_seeds() -> pd.DataFrame:
    """The same table, where base models and some cells are means of three trainings."""
    table = study_table()
    several = table["recipe"].isin(["base", "rounded"]) | (table["version"] == SEVERAL)
    table["seeds"] = several.map({True: "1 2 3", False: "1"})
    spreads = [name for name in table if name.endswith("_spread")]
    for place, name in enumerate(spreads):
        table.loc[several, name] = 0.31 + place / 10
        if "drop" in name:
            table.loc[table["version"] == "base", name] = 0.0
    return table
