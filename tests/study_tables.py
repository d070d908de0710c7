"""A results table written by hand, for the tests of what is made from it."""

import pandas as pd

from pocketvlad.report.best_cells import mark_best

CITIES = ["oxford", "paris"]
# quantizer, bits, codebook, l1, threshold, pruned, MB, drop on oxford, on paris, no_drop
LINES = {
    "vgg16": [
        ("none", 32, "none", "none", "none", 0.0, 126.24, 0.0, 0.0, True),
        ("kmeans", 8, "fixed", "0", "0.005", 53.1, 17.83, 0.04, -0.06, True),
        ("uniform", 8, "fixed", "0", "0.005", 53.1, 13.02, 0.9, -0.2, True),
        ("uniform", 8, "fixed", "0", "0.01", 71.1, 8.39, 1.0, 3.0, False),
        ("kmeans", 5, "fixed", "0", "0.01", 71.1, 8.43, 4.1, 0.3, False),
        ("kmeans", 5, "trained", "0.001", "0.01", 71.9, 7.05, -1.5, 9.25, False),
    ],
    # Nothing here is without drop, and the smallest file is the one that lost most.
    "tiny_net": [
        ("none", 32, "none", "none", "none", 0.0, 2.5, 0.0, 0.0, True),
        ("uniform", 5, "fixed", "0", "0.01", 70.0, 0.2, 12.0, 30.0, False),
        ("uniform", 8, "fixed", "0", "0.01", 70.0, 0.4, 1.0, 2.5, False),
    ],
}


def _line(model: str, cell: tuple) -> dict[str, object]:
    quantizer, bits, codebook, l1, threshold, pruned, size, *drops, no_drop = cell
    parameters = {"vgg16": 31_557_952, "tiny_net": 625_000}[model]
    line = {
        "model": model,
        "quantizer": quantizer,
        "bits": bits,
        "codebook": codebook,
        "l1": l1,
        "threshold": threshold,
        "pruned_percent": pruned,
        "paper_memory_mb": parameters * (1 - pruned / 100) * bits / 8 / 2**20,
        "file_mb": size,
        "ratio": 4 * parameters / 1e6 / size,
        "paper_ratio": 32 / bits / (1 - pruned / 100),
        "projection_bytes_percent": 53.2,
        "parameters": parameters,
        "no_drop": no_drop,
    }
    for city, base, drop in zip(CITIES, (47.1227, 74.8417), drops, strict=True):
        line |= {
            f"map_{city}": base - drop,
            f"drop_{city}": drop,
            f"drop_{city}_low": drop - 1.5,
            f"drop_{city}_high": drop + 2.25,
            f"pruned_percent_{city}": pruned,
            f"file_bytes_{city}": round(1e6 * size),
            f"dataset_{city}": f"{city}-50%",
        }
    mean = sum(drops) / 2
    return line | {"drop_mean": mean, "drop_mean_low": mean - 1, "drop_mean_high": mean + 1.2}


def study_table() -> pd.DataFrame:
    return mark_best(
        pd.DataFrame([_line(model, cell) for model, cells in LINES.items() for cell in cells])
    )
