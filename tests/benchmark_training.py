"""Which fine-tuning helps: one model trained by several recipes, in both directions of a study.

    python tests/benchmark_training.py config/subset.yaml results/subset --model vgg16
    python tests/benchmark_training.py config/subset.yaml results/subset --model vgg16 --test

A recipe changes some keys of the study's section `training` (tests/training_recipes.yaml). RESULTS
has the cities, data/<city>/dataset.json and data/<city>/images, as the workflow leaves them. The
first command trains and shows what the held-out landmarks of the training cities say, so that a
recipe can be chosen; with --test the test cities are scored, too. Every line is kept in OUTPUT as
soon as it is known: a run that was killed goes on there, at the epoch that it had reached (the CPU
seconds of that line are those since). Not collected by pytest.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import yaml
from tabulate import tabulate
from workflow_runs import load_config

from pocketvlad.data.dataset import read_dataset
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import Model, read_model, write_model
from pocketvlad.retrieval.evaluation import database_pictures, evaluate, sizing_of
from pocketvlad.scoring.bootstrap import Drop, paired_drop
from pocketvlad.scoring.landmark_bootstrap import Comparison, landmark_drop
from pocketvlad.scoring.scores import mean
from pocketvlad.study.config import check_config, with_defaults
from pocketvlad.study.files import StudyFiles
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
from pocketvlad.training.declared import LOSSES
from pocketvlad.training.fine_tuning import fine_tune
from pocketvlad.training.initial_model import initial_model
from pocketvlad.training.sections import study_city
from pocketvlad.training.settings import InitialisationSettings, TrainingSettings
from pocketvlad.training.teacher import teacher_descriptors
from pocketvlad.training.training_city import TrainingImages
from pocketvlad.training.validation import network_scores, validation_scores
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.atomic import replacing
from pocketvlad.util.seeds import derive_seed

RECIPES = Path(__file__).with_name("training_recipes.yaml")
START = "the start"


def kept(path: Path, measured: Callable[[], dict]) -> dict:
    """What a JSON file has; it is measured and written where there is none."""
    if not path.exists():
        found = measured()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            unfinished.write_text(json.dumps(found), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Bench:
    """One model of a study, and where its cities and the lines of the table lie."""

    config: Mapping
    results: Path
    model: str
    seed: int
    output: Path

    def folder(self, city: str, name: str) -> Path:
        return self.output / city / name.replace(", ", "-").replace(" ", "-")

    def dataset(self, city: str) -> Path:
        return self.results / "data" / city / "dataset.json"

    def images(self, city: str) -> Path:
        return self.results / "data" / city / "images"

    def other(self, city: str) -> str:
        return next(each for each in self.config["cities"] if each != city)

    def initial(self, city: str, name: str | None = None) -> Model:
        """A model of the study before training, the same as the workflow's."""
        name = name or self.model
        path = self.output / city / f"{name}.safetensors"
        if not path.exists():
            section = self.config["models"][name]
            dataset = read_dataset(self.dataset(city))
            weights = StudyFiles(self.config, str(self.results)).weights(name)
            made = initial_model(
                Architecture.of(section),
                section["weights"],
                Path(weights[0]) if weights else None,
                database_pictures(dataset, self.images(city)),
                sizing_of(self.config["protocol"]),
                {"device": "cpu", "precision": "float32"},
                InitialisationSettings(**self.config["initialise"]),
                derive_seed(f"{self.seed}/{name}/{city}/initial"),
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            write_model(path, made)
        return run_on_cpu(read_model(path))

    def training_city(self, city: str, model: Model) -> TrainingImages:
        return study_city(
            self.dataset(city),
            self.images(city),
            model.preprocessing,
            protocol=self.config["protocol"],
            validation=self.config["validation"],
            split_seed=f"{self.seed}/{city}/split",
        )

    def trained(self, city: str, recipe: str, changes: Mapping) -> dict:
        """One line of the table: what the held-out landmarks say of a recipe."""
        training = {**self.config["training"], **changes}
        settings, seed = TrainingSettings(**training), f"{self.seed}/{self.model}/{city}/base"
        if not settings.epochs:
            raise SystemExit("training.epochs is 0: give a study or a recipe that has some")
        model = self.initial(city)
        images = self.training_city(city, model)
        loss = LOSSES.of(settings.loss)
        others = [self.initial(city, name) for name in loss.asks if name != self.model]
        folder = self.folder(city, recipe)
        teacher = self.teacher(loss, images, [model, *others])
        begin = time.process_time()
        objective = loss.objective(images, settings, [model, *others])
        history = fine_tune(
            model.network,
            settings,
            derive_seed(seed),
            Checkpoint(folder / "checkpoint.pt", fingerprint([training, self.config["protocol"]])),
            objective=objective,
            select=True,
            label=recipe,
        )
        seconds = time.process_time() - begin
        write_model(folder / "model.safetensors", model)
        return {
            "teacher": teacher,
            "kept": network_scores(model.network, images),
            "history": [asdict(record) for record in history],
            "seconds": seconds,
        }

    def teacher(
        self, loss: object, images: TrainingImages, models: Sequence[Model]
    ) -> dict[str, float] | None:
        """What the held-out landmarks say of the teacher, if the loss has one."""
        if not hasattr(loss, "scales"):
            return None
        given = (images.sizing, loss.scales, loss.mirrored)
        least = max(model.network.min_side for model in models)
        return validation_scores(
            lambda pictures: teacher_descriptors(models, pictures, *given), images, least
        )

    def start(self, city: str) -> dict:
        model = self.initial(city)
        return {"kept": network_scores(model.network, self.training_city(city, model))}

    def tested(self, city: str, recipe: str) -> dict:
        """The scores of the city that the model was not trained on."""
        if recipe == START:
            model = self.initial(city)
        else:
            model = run_on_cpu(read_model(self.folder(city, recipe) / "model.safetensors"))
        dataset = read_dataset(self.dataset(self.other(city)))
        images = self.images(self.other(city))
        given = (dataset, images, self.config["protocol"], model.preprocessing, 8)
        return evaluate(model.network, *given, model.network.min_side).row(dataset)


def run_on_cpu(model: Model) -> Model:
    run_on(model.network, "cpu", "float32")
    return model


def rise(drop: Drop) -> str:
    """A drop the other way round, as text."""
    return f"{-drop.mean:+.1f} [{-drop.high:+.1f}, {-drop.low:+.1f}]"


def validation_line(recipe: str, starts: Sequence[dict], rows: Sequence[dict]) -> list[object]:
    epochs = [max(row["history"], key=lambda each: each["validation"])["epoch"] for row in rows]
    pairs = [([start["kept"]], [row["kept"]]) for start, row in zip(starts, rows, strict=True)]
    teachers = [row["teacher"] for row in rows]
    return [
        recipe,
        *(f"{100 * mean(row['kept']):.1f}" for row in rows),
        rise(paired_drop(pairs)),
        ", ".join(map(str, epochs)),
        " ".join(f"{100 * mean(each):.1f}" for each in teachers if each),
        f"{sum(row['seconds'] for row in rows):.0f}",
    ]


def test_line(recipe: str, starts: Sequence[dict], rows: Sequence[dict]) -> list[object]:
    line: list[object] = [recipe]
    for before in ("dense_", ""):
        comparisons = [
            Comparison(
                [start[f"{before}average_precision"]],
                [row[f"{before}average_precision"]],
                row[f"{before}landmarks"],
            )
            for start, row in zip(starts, rows, strict=True)
        ]
        line += [f"{100 * row[f'{before}map']:.1f}" for row in rows]
        line.append(rise(landmark_drop(comparisons)) if recipe != START else "")
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--recipes", type=Path, default=RECIPES)
    parser.add_argument("--only", nargs="*", help="some of the recipes")
    parser.add_argument("--cities", nargs="*", help="one of the training cities")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("results/benchmark-training"))
    parser.add_argument("--test", action="store_true", help="score the test cities, too")
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    study = load_config(arguments.study)
    recipes = yaml.safe_load(arguments.recipes.read_text(encoding="utf-8"))
    names = arguments.only or list(recipes)
    for name in names:  # before anything is trained
        check_config({**study, "training": {**study["training"], **recipes[name]}})
    config = with_defaults(study)
    bench = Bench(config, arguments.results, arguments.model, arguments.seed, arguments.output)
    cities = arguments.cities or list(config["cities"])
    lines, starts = [], []
    for city in cities:
        starts.append(kept(bench.folder(city, START) / "row.json", lambda c=city: bench.start(c)))
    values = [f"{100 * mean(start['kept']):.1f}" for start in starts]
    lines.append([START, *values, "", "", "", ""])
    for name in names:
        rows = [
            kept(
                bench.folder(city, name) / "row.json",
                lambda c=city, n=name: bench.trained(c, n, recipes[n]),
            )
            for city in cities
        ]
        lines.append(validation_line(name, starts, rows))
    head = [f"held-out landmarks of {city}" for city in cities]
    rest = ["mean rise, over queries", "epoch that is kept", "teacher", "CPU s"]
    print(tabulate(lines, ["recipe", *head, *rest], tablefmt="github", disable_numparse=True))
    if not arguments.test:
        return
    found = {
        name: [
            kept(
                bench.folder(city, name) / "test.json",
                lambda c=city, n=name: bench.tested(c, n),
            )
            for city in cities
        ]
        for name in (START, *names)
    }
    lines = [test_line(name, found[START], rows) for name, rows in found.items()]
    head = [f"{kind} {bench.other(c)}" for kind in ("dense", "official") for c in cities]
    head.insert(len(cities), "mean rise")
    print(tabulate(lines, ["recipe", *head, "mean rise"], tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
