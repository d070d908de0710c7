"""What a rehearsal of the study `paper` must leave behind, counted from the paper's own grid."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from official_archives import CITIES

MODELS = ("alexnet", "vgg16")
# Of a model: 4 thresholds x 2 bit widths x (uniform, and k-means with 2 codebooks), 2 with L1.
CELLS = 4 * 2 * 3 + 2
IMAGES = {"oxford": 5063, "paris": 6412 - 20}
QUERIES = 55
# Those that a publisher gives no checksum for.
LOCKED = ("paris_1-v1.tgz", "paris_2-v1.tgz", "paris_120310.tgz", "imagenet-caffe-ref.mat")
_FIGURES = (
    "size",
    "pruning",
    "run-time",
    *(f"{name}-{model}" for name in ("weights", "bytes") for model in MODELS),
)
# Files below the study's results.
EXPECTED = (
    *(f"plots/{name}.{kind}" for name in _FIGURES for kind in ("svg", "png")),
    *(f"plots/retrieval-{model}-{city}.jpg" for model in MODELS for city in CITIES),
    *("table.md", "table.tex", "table.html", "answer.rst", "report.html"),
)


def _table(results: Path) -> Iterator[str]:
    table = pd.read_csv(results / "table.csv", dtype={"threshold": str})
    counts = table["model"].value_counts().to_dict()
    if counts != dict.fromkeys(MODELS, 1 + CELLS):
        yield f"table.csv: rows by model: {counts}; {1 + CELLS} of each expected"
    base = table["recipe"] == "base"
    # Only `rd` has a distortion, and only several trainings have a spread.
    full = [name for name in table if name != "distortion" and not name.endswith("_spread")]
    for name in full:
        missing = table.loc[~base, name].isna()
        if missing.any():
            yield f"table.csv: {name} is missing in {missing.sum()} rows of cells"
    cells = table[~base]
    least = cells[(cells["bits"] == 8) & (cells["threshold"] == "0.001")]
    for city, images in IMAGES.items():
        for column, expected in ((f"images_{city}", images), (f"queries_{city}", QUERIES)):
            if set(table[column]) != {expected}:
                yield f"table.csv: {column} is {sorted(set(table[column]))}; {expected} expected"
        # Whether the networks see anything: what does not ranks at chance, below 5 %.
        if not table.loc[base, f"dense_map_{city}"].between(20, 100).all():
            yield f"table.csv: dense_map_{city} of a base model is not between 20 and 100"
        whole = table[base].groupby("model")[f"dense_map_{city}"].max()
        if not (least[f"dense_map_{city}"] >= least["model"].map(whole) / 2).all():
            yield f"table.csv: where least was compressed, dense_map_{city} has more than halved"
    if not table["weights"].str.startswith("stand-in ").all():
        yield "table.csv: the column weights does not say that the weights are stand-ins"
    if not (cells["ratio"] > 1).all():
        yield "table.csv: a compressed file is no smaller than the float32 weights"
    same = ["model", "threshold", "l1", "quantizer", "codebook"]
    by_bits = cells.pivot_table(index=same, columns="bits", values="file_mb")
    if not (by_bits[5] < by_bits[8]).all():
        yield "table.csv: a file of 5 bits is no smaller than that of 8"


def _files(results: Path) -> Iterator[str]:
    models = sorted((results / "models").rglob("*.pvlad"))
    if len(models) != 2 * len(MODELS) * CELLS:
        yield f"{len(models)} compressed models; {2 * len(MODELS) * CELLS} expected"
    yield from (f"{path} has no card" for path in models if not path.with_suffix(".md").is_file())
    for name in EXPECTED:
        path = results / name
        if not path.is_file() or path.stat().st_size < 200:
            yield f"{path} is missing or empty"
    if any((results / "checkpoints").glob("*")):
        yield f"{results / 'checkpoints'} is not empty"
    measured = pd.read_csv(results / "plots" / "run-time.csv")
    if not (measured["measured"] == measured["jobs"]).all():
        yield f"{results}/plots/run-time.csv: not every job was measured"


def _downloads(folder: Path) -> Iterator[str]:
    resources = folder / "resources"
    for name in LOCKED:
        lock = resources / f"{name}.lock.json"
        if not lock.is_file() or not json.loads(lock.read_text())["checksum"]:
            yield f"{lock} does not record the first download"
    locks = {path.name.removesuffix(".lock.json") for path in resources.glob("*.lock.json")}
    yield from (f"{name} has a lock file and a checksum" for name in sorted(locks - set(LOCKED)))
    yield from (f"{path} was left behind" for path in resources.glob("*.part*"))


def faults(folder: Path) -> Iterator[str]:
    """A line for each thing that is missing or cannot be right in the rehearsal's folder."""
    results = folder / "results" / "rehearsal"
    checks: tuple[tuple[Callable[[Path], Iterator[str]], Path], ...] = (
        (_table, results),
        (_files, results),
        (_downloads, folder),
    )
    for check, place in checks:
        yield from check(place)
