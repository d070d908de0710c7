"""Every pooling with every projection behind one backbone, learnt on one city, tested on the other.

    python tests/benchmark_poolings.py results/subset/data -o poolings \\
        --backbone "{type: efficientnet-lite0}" \\
        --weights "{source: efficientnet-lite0, file: efficientnet-lite0-57934424.pth}"

The folder has a subfolder a city, as a study makes them: `dataset.json` and `images/`. There must
be two. Each is the training city once, and the other one the test city. Nothing is fine-tuned:
clusters and PCA are learnt as `initialise_model` learns them, without labels. The backbone sees
each picture once; what it makes of it is kept in memory (128 kB with EfficientNet-Lite0, at 320
pixels), and everything after it is computed from that by the library's own functions.

Written are `<output>.csv`, a row a direction, pooling and projection, and `<output>.md`, the same
with a line for both directions, and what is chosen by each criterion. Figures are mAP in %. A
criterion looks at the training city alone:

- self-retrieval, which needs no labels;
- the dense queries of its own labels. The projection has learnt from the same photographs, without
  labels, which flatters PCA and wrongs whitening;
- the same of halves: the projection learns from one half of the city, its landmarks and its other
  photographs, and is tested on the other half; means over SPLITS splits and both directions.

See `choice` for the rule. Not collected by pytest.
"""

import argparse
import copy
import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from unittest.mock import patch

import torch
import yaml
from declared_weights import declared_weights
from tabulate import tabulate
from torch import Tensor, nn

from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.training_task import study_task
from pocketvlad.data.dataset import Dataset
from pocketvlad.data.images import Preprocessing
from pocketvlad.data.landmarks import landmarks, split_landmarks
from pocketvlad.data.settings import Sizing
from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import Backbone, Pooling, declared_part
from pocketvlad.networks.network import RetrievalNetwork, parameter_count
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.retrieval import describe as describing
from pocketvlad.retrieval.describe import batches_by_shape
from pocketvlad.retrieval.evaluation import evaluate, sizing_of
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.protocol import Protocol
from pocketvlad.retrieval.self_retrieval import SelfRetrieval, row_scores, self_retrieval_rows
from pocketvlad.scoring.dense_scores import dense_scores
from pocketvlad.scoring.scores import mean
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import InitialisationSettings, ValidationSettings
from pocketvlad.training.training_city import TrainingImages, load_training_images
from pocketvlad.util.progress import progress
from pocketvlad.util.settings import completed

Section = Mapping[str, object]

POOLINGS: tuple[Section, ...] = (
    {"type": "mean"},
    {"type": "abs-mean"},
    *({"type": "gem", "exponent": p} for p in (2.0, 3.0, 4.0)),
    *({"type": "gem", "exponent": p, "signs": "absolute"} for p in (2.0, 3.0, 4.0, 5.0)),
    *({"type": "gem", "exponent": p, "signs": "apart"} for p in (2.0, 3.0, 4.0)),
    *({"type": "netvlad", "clusters": count} for count in (4, 8, 16)),
)
LENGTHS = (64, 128, 256, 512)
POWERS = (0.0, 0.5, 1.0)
SPLITS = 3

# What a phone's network may add to its backbone, and how near to the best is as good as it.
LONGEST = 640
SHARE = 0.25
NEAR = 0.5


@dataclass(frozen=True, kw_only=True)
class Given(Backbone):
    """Hands on what a real backbone has made already."""

    count: int
    min_side: int

    @property
    def channels(self) -> int:
        return self.count

    def build(self) -> nn.Module:
        class Handed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.unused = nn.Parameter(torch.zeros(1))  # says where the network computes

            def forward(self, features: Tensor) -> Tensor:
                return features

        return Handed()


@dataclass(frozen=True)
class Pooled(Pooling):
    """Hands on what a real pooling has made already."""

    def length(self, channels: int) -> int:
        return channels

    def build(self, channels: int) -> nn.Module:
        return nn.Identity()


Batches = Callable[..., Iterator[tuple[list[int], Tensor]]]


class Kept:
    """What a function makes of each picture, computed once; takes the place of decoded pixels."""

    def __init__(self, before: Batches, function: Callable[[Tensor], Tensor]) -> None:
        self.before, self.function = before, function
        self.made: dict[Picture, Tensor] = {}
        self.asked: list[Picture] = []  # at the last call

    def batches(
        self, pictures: Sequence[Picture], *how: object
    ) -> Iterator[tuple[list[int], Tensor]]:
        """As `describe.decoded_batches`, whose arguments `how` is the rest of."""
        self.asked = list(pictures)
        new = [picture for picture in dict.fromkeys(pictures) if picture not in self.made]
        for group, batch in self.before(new, *how):
            for index, row in zip(group, self.function(batch), strict=True):
                self.made[new[index]] = row.clone()
        sizing, _, batch_size = how
        for group in batches_by_shape(pictures, sizing, batch_size):
            yield group, torch.stack([self.made[pictures[index]] for index in group])

    @contextmanager
    def in_place_of_pixels(self) -> Iterator[None]:
        """`describe` and all that calls it gets these."""
        with patch.object(describing, "decoded_batches", self.batches):
            yield


@dataclass(frozen=True)
class Row:
    """A pooling and a projection, learnt on one city.

    learnt_weights: of pooling and projection.  self_retrieval, own_dense, own_official, own_halves:
    mAP in % on the training city.  dense, official: on the test city.
    """

    train_city: str
    test_city: str
    pooling: str
    projection: str
    length: int
    descriptor_bytes: int
    learnt_weights: int
    self_retrieval: float
    own_dense: float
    own_official: float
    own_halves: float
    dense: float
    official: float


@dataclass(frozen=True)
class City:
    images: TrainingImages
    task: SelfRetrieval

    @property
    def dataset(self) -> Dataset:
        return self.images.dataset

    @property
    def pictures(self) -> list[Picture]:
        return self.images.pictures(self.dataset.images)


def halves(dataset: Dataset, seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """The images in two parts: no landmark is in both."""
    split = split_landmarks(landmarks(dataset), dataset.images, 0.5, seed)
    shown = frozenset().union(*(landmark.shown for landmark in split.validation))
    first = (shown | frozenset(split.background[::2])) & frozenset(dataset.images)
    return first, frozenset(dataset.images) - first


def part_of(dataset: Dataset, images: frozenset[str]) -> Dataset:
    """The data set with these images alone."""

    def cut(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name in images)

    return replace(
        dataset,
        sizes={name: size for name, size in dataset.sizes.items() if name in images},
        queries=tuple(
            replace(query, good=cut(query.good), ok=cut(query.ok), junk=cut(query.junk))
            for query in dataset.queries
        ),
    )


class Benchmark:
    """A backbone, two cities, and how pooling and projection learn."""

    def __init__(
        self,
        network: RetrievalNetwork,
        preprocessing: Preprocessing,
        protocol: dict[str, object],
        settings: InitialisationSettings,
        seed: int,
    ) -> None:
        self.backbone = network.architecture.backbone
        self.weights = parameter_count(network.backbone)
        self.preprocessing, self.protocol = preprocessing, protocol
        self.settings, self.seed = settings, seed
        self.features = Kept(describing.decoded_batches, network.features)

    def _network(self, channels: int, pooling: Pooling, projection: Section) -> RetrievalNetwork:
        return RetrievalNetwork(
            Architecture(
                Given(count=channels, min_side=self.backbone.min_side),
                pooling,
                declared_part(Part.PROJECTION, projection),
            )
        ).eval()

    def _learning(self, city: City) -> tuple[object, ...]:
        sizing = sizing_of(self.protocol)
        return city.pictures, sizing, self.preprocessing, self.settings, self.seed

    def pooled(self, section: Section, city: City) -> tuple[int, int, Kept]:
        """(numbers, weights, pooled vectors) of a pooling that has learnt from a city."""
        declared = declared_part(Part.POOLING, section)
        network = self._network(self.backbone.channels, declared, {"type": "none"})
        if network.pooling.learns_by:
            with self.features.in_place_of_pixels():
                fit_pooling(network, *self._learning(city))
        kept = Kept(self.features.batches, network.pooling)
        return network.architecture.pooled, parameter_count(network.pooling), kept

    def projections(
        self, numbers: int, pooled: Kept, city: City
    ) -> Iterator[tuple[Section, dict[int, RetrievalNetwork], dict[int, float]]]:
        """Of each projection, without its length: the networks from pooled vectors to descriptors,
        and mAP of halves, by length."""
        section: Section = {"type": "none"}
        network = self._network(numbers, Pooled(), section)
        yield section, {numbers: network}, self.of_halves(network, [numbers], pooled, city, [])
        lengths = [length for length in LENGTHS if length <= numbers]
        for power in POWERS if lengths else ():
            section = {"type": "pca-whitening", "power": power}
            network = self._network(numbers, Pooled(), section | {"length": lengths[-1]})
            with pooled.in_place_of_pixels():
                fit_projection(network, *self._learning(city))
            samples = pooled.asked
            networks = {length: shortened(network, length) for length in lengths}
            yield section, networks, self.of_halves(network, lengths, pooled, city, samples)

    def of_halves(
        self,
        network: RetrievalNetwork,
        lengths: Sequence[int],
        pooled: Kept,
        city: City,
        samples: Sequence[Picture],
    ) -> dict[int, float]:
        """Dense mAP of each half of a city, learnt on the other one, by length.

        Args:
            samples: what the projection learns from. Half of them are taken, and nothing is drawn
                anew; clusters are not learnt anew, either.
        """
        found: dict[int, list[float]] = defaultdict(list)
        for seed in range(SPLITS):
            parts = halves(city.dataset, seed)
            for learnt, asked in (parts, parts[::-1]):
                copied = copy.deepcopy(network)
                rows = [pooled.made[each] for each in samples if each.path.stem in learnt]
                if rows:
                    copied.projection.fit(torch.stack(rows))
                half = part_of(city.dataset, asked)
                pictures = city.images.pictures(half.images)
                for length in lengths:
                    cut = shortened(copied, length) if rows else copied
                    with pooled.in_place_of_pixels():
                        described = describing.describe(
                            cut, pictures, sizing_of(self.protocol), self.preprocessing
                        )
                    found[length].append(mean(dense_scores(half, described).average_precision))
        return {length: sum(each) / len(each) for length, each in found.items()}

    def _maps(self, network: RetrievalNetwork, city: City) -> tuple[float, float]:
        """(dense, official) mAP."""
        folder = city.images.folder
        found = evaluate(network, city.dataset, folder, self.protocol, self.preprocessing)
        row = found.row(city.dataset)
        return row["dense_map"], row["map"]

    def rows(self, section: Section, training: City, test: City) -> Iterator[Row]:
        """Of one pooling with every projection."""
        numbers, own_weights, pooled = self.pooled(section, training)
        name = str(declared_part(Part.POOLING, section))
        for projection, networks, halved in self.projections(numbers, pooled, training):
            for length, network in networks.items():
                with pooled.in_place_of_pixels():
                    described = self_retrieval_rows(
                        network, training.task, sizing_of(self.protocol), self.preprocessing
                    )
                    own = self._maps(network, training)
                    other = self._maps(network, test)
                self_retrieval = mean(row_scores(described, training.task))
                learns = network.projection.linear is not None
                whole = projection | ({"length": length} if learns else {})
                yield Row(
                    training.dataset.name,
                    test.dataset.name,
                    name,
                    str(declared_part(Part.PROJECTION, whole)),
                    length,
                    4 * length,
                    own_weights + (length * (numbers + 1) if learns else 0),
                    *(round(100 * e, 3) for e in (self_retrieval, *own, halved[length], *other)),
                )


def choice(rows: Sequence[Row], criterion: Callable[[Row], float], most_weights: float) -> Row:
    """The row that a criterion chooses among those that fit.

    Fit are descriptors of at most LONGEST numbers, with at most `most_weights` weights in pooling
    and projection. Of those within NEAR points of the best it is the one of the fewest weights,
    since a phone pays for them; then the shortest, then the best.
    """
    fit = [row for row in rows if row.length <= LONGEST and row.learnt_weights <= most_weights]
    best = max(map(criterion, fit))
    near = [row for row in fit if criterion(row) >= best - NEAR]
    return min(near, key=lambda row: (row.learnt_weights, row.length, -criterion(row)))


def _matrix(rows: Sequence[Row], figures: Callable[[Row], str]) -> str:
    """A line a pooling, a column a projection."""
    by_pooling: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        by_pooling[row.pooling][row.projection] = row
    columns = list(dict.fromkeys(row.projection for row in rows))
    lines = [
        [pooling, *(figures(found[each]) if each in found else "" for each in columns)]
        for pooling, found in by_pooling.items()
    ]
    return tabulate(lines, ["pooling", *columns], tablefmt="pipe", stralign="left")


def _of_both(rows: Sequence[Row]) -> Callable[[Row], float]:
    """Self-retrieval, the mean of both training cities."""
    found = defaultdict(list)
    for row in rows:
        found[row.pooling, row.projection].append(row.self_retrieval)
    return lambda row: sum(found[row.pooling, row.projection]) / 2


def _choices(rows: Sequence[Row], most_weights: float) -> str:
    """What is chosen by each criterion, and what the test city would have chosen."""
    criteria = {
        "self-retrieval": lambda row: row.self_retrieval,
        "dense queries of the training city": lambda row: row.own_dense,
        "dense queries of its halves": lambda row: row.own_halves,
        "self-retrieval, mean of both cities": _of_both(rows),
        "(dense queries of the test city)": lambda row: row.dense,
    }
    lines = []
    for city in dict.fromkeys(row.train_city for row in rows):
        own = [row for row in rows if row.train_city == city]
        for name, criterion in criteria.items():
            row = choice(own, criterion, most_weights)
            own_figures = row.self_retrieval, row.own_dense, row.own_halves
            figures = *own_figures, row.dense, row.official
            lines.append([city, name, row.pooling, row.projection, *figures])
    header = ["training city", "criterion", "pooling", "projection", "self-retrieval"]
    header += ["its dense", "its halves", "dense", "official"]
    return tabulate(lines, header, tablefmt="pipe", floatfmt=".1f")


def summary(rows: Sequence[Row], backbone_weights: int) -> str:
    """Markdown: a table a direction; then the choices."""
    parts = []
    for city in dict.fromkeys(row.train_city for row in rows):
        own = [row for row in rows if row.train_city == city]
        parts += [
            f"Learnt on {city}: self-retrieval, dense queries, those of halves / dense queries on "
            f"{own[0].test_city}",
            _matrix(
                own,
                lambda row: (
                    f"{row.self_retrieval:.1f} {row.own_dense:.1f} {row.own_halves:.1f} / "
                    f"{row.dense:.1f}"
                ),
            ),
        ]
    return "\n\n".join([*parts, _choices(rows, SHARE * backbone_weights)]) + "\n"


def _cities(
    folder: Path, sizing: Sizing, preprocessing: Preprocessing, min_side: int, seed: int
) -> list[City]:
    found = []
    for index in sorted(folder.glob("*/dataset.json")):
        # Nothing is validated here: which landmarks are held out does not matter.
        validation = ValidationSettings(images=1, queries=1)
        images = load_training_images(
            index, index.parent / "images", sizing, preprocessing, validation, seed
        )
        found.append(City(images, study_task(images, min_side, seed)))
    if len(found) != 2:
        raise SystemExit(f"{folder} has {len(found)} cities (<city>/dataset.json); give two")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="without a suffix")
    parser.add_argument("--backbone", type=yaml.safe_load, required=True, help="as in a config")
    parser.add_argument("--weights", type=yaml.safe_load, required=True, help="as in a config")
    parser.add_argument("--image-size", type=int, default=320)
    parser.add_argument("--samples", type=int, default=1200, help="projection_samples")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    whole = Architecture.of(
        {
            "backbone": options.backbone,
            "pooling": {"type": "mean"},
            "projection": {"type": "none"},
        }
    )
    network = RetrievalNetwork(whole).eval().to(memory_format=torch.channels_last)
    file = options.weights.get("file")
    file = file and declared_weights(file)
    preprocessing = load_initial_weights(network, options.weights["source"], file, options.seed)
    protocol = completed(Protocol, {"image_size": options.image_size})
    settings = InitialisationSettings(200, 100, options.samples)
    benchmark = Benchmark(network, preprocessing, protocol, settings, options.seed)
    cities = _cities(
        options.data, sizing_of(protocol), preprocessing, network.min_side, options.seed
    )
    directions = [(cities[0], cities[1]), (cities[1], cities[0])]
    rows = []
    with progress(len(POOLINGS) * 2, "poolings", "pooling") as bar:
        for section in POOLINGS:
            for training, test in directions:
                rows += benchmark.rows(section, training, test)
                bar.update()
    with open(options.output.with_suffix(".csv"), "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    text = summary(rows, benchmark.weights)
    options.output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
