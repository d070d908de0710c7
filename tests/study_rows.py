"""Score rows of a made-up study, as its jobs would write them, with several seeds."""

from hashlib import sha256
from statistics import fmean

CITIES = ["oxford", "paris"]
BASE, PRUNED, ROUNDED = "base", "0.01/l1-0/kmeans-5-fixed", "rd/0.4"
# Queries of each landmark: the official ones, and all labelled photographs.
SIZES = {
    "oxford": ({"hall": 3, "gate": 3, "tower": 3}, {"hall": 9, "gate": 4, "tower": 5}),
    "paris": ({"arch": 2, "dome": 1, "bridge": 3}, {"arch": 7, "dome": 6, "bridge": 5}),
}
LOST = {BASE: 0.0, PRUNED: 0.02, ROUNDED: 0.05}
SIZE = {BASE: 4_003_000, PRUNED: 402_000, ROUNDED: 101_000}


def share(*what: object) -> float:
    """A number from 0 to 1 that depends on `what` alone."""
    return int.from_bytes(sha256(repr(what).encode()).digest()[:6], "big") / 2**48


def _scores(prefix: str, sizes: dict[str, int], city: str, version: str, seed: int) -> dict:
    precision, landmarks = {}, {}
    for landmark, count in sizes.items():
        for number in range(count):
            name = f"{landmark}_{number}"
            landmarks[name] = landmark
            precision[name] = (
                0.3
                + 0.5 * share(prefix, city, name)
                + 0.02 * share(seed, city, version, landmark)
                + 0.04 * share(seed, city, version, name)
                + 0.08 * share(seed, city, version)
                - LOST[version]
            )
    return {
        f"{prefix}map": fmean(precision.values()),
        f"{prefix}average_precision": precision,
        f"{prefix}landmarks": landmarks,
    }


def study_row(city: str, version: str, seed: int) -> dict:
    """The row of one model of one training that was tested on `city`."""
    official, dense = SIZES[city]
    pruned = 0.0 if version == BASE else 70 + 3 * share("pruned", city, version, seed)
    size = SIZE[version] + (0 if version == BASE else round(9000 * share(city, version, seed)))
    return {
        "study": "made-up",
        "seed": seed,
        "model": "vgg16",
        "train_city": "paris" if city == "oxford" else "oxford",
        "test_city": city,
        "version": version,
        "threshold_mode": "relative",
        "protocol": {"image_size": 96, "query_crop": True},
        "test_dataset": {
            "name": f"drawn-{city}",
            "protocol": "original",
            "images": 30,
            "expected_images": 30,
            "queries": sum(official.values()),
            "expected_queries": sum(official.values()),
        },
        "weights": {"source": "buildings"},
        "initialise": {"pooling": "clustering", "projection": "PCA"},
        "epochs": 2,
        "preprocessing": {"mean": [1.0, 2.0, 3.0], "std": [1.0, 1.0, 1.0]},
        **_scores("", official, city, version, seed),
        **_scores("dense_", dense, city, version, seed),
        "pruned_percent": dict.fromkeys(("total", "backbone", "pooling", "projection"), pruned),
        "parameters": 1_000_000,
        "length": 8 * seed if version == ROUNDED else 64,
        "file_bytes": size,
        "bytes_by_part": {"projection": round(size * (0.4 + 0.1 * share("part", version, seed)))},
        "ratio": 4_000_000 / size,
        "paper_memory_mb": None if version == ROUNDED else 0.6 * (1 - pruned / 100),
        "computed_on": "cpu",
    }


def study_rows(seeds: dict[str, list[int]]) -> list[dict]:
    """Both directions.

    Args:
        seeds: of each version.
    """
    return [
        study_row(city, version, seed)
        for version, trainings in seeds.items()
        for seed in trainings
        for city in CITIES
    ]
