"""Score anybody's descriptors, or a model: mAP by lists, or Recall@N by positions.

With --ground-truth descriptors are scored by the official program of Oxford and Paris Buildings;
`pocketvlad describe` writes those of a model. Without --query-descriptors a query is its whole
image's row, and its box has no part; with it, its names are those of queries (all_souls_1; in the
revisited protocol, of their images).

Without --ground-truth a query is found where one of its first N answers was taken within 25 metres
of it. Give a --model and two folders of photographs, or descriptors of both. Positions are in the
images' names (@easting@northing@...@.jpg) or in a table.

Descriptors are .npz, HDF5 (.h5) or .npy files, see docs/interoperate.md.
"""

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.cli.models import add_backend
from pocketvlad.cli.options import add_setting, add_squeeze
from pocketvlad.data.protocols import protocol_names
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.util.counted import counted

OUTPUTS = {"output": (".csv",)}

_RADIUS = ("positions", "positive_dist_threshold", "recall_values")
_FOLDERS = ("database_folder", "queries_folder")
_LISTS = ("dataset", "protocol")


@dataclass(frozen=True)
class _Task:
    """words: what it is called.  needs, takes: options that must be given, and that may be."""

    words: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]


_TASKS = {
    "ground_truth": _Task(
        "mAP by --ground-truth",
        ("descriptors",),
        ("query_descriptors", "dataset", "protocol", "metric", "partial"),
    ),
    "model": _Task(
        "Recall@N of --model", _FOLDERS, (*_RADIUS, "image_size", "squeeze", "backend", "partial")
    ),
    "descriptors": _Task(
        "Recall@N of descriptors",
        ("descriptors", "query_descriptors"),
        (*_FOLDERS, *_RADIUS, "metric"),
    ),
}
"""By the option that says which it is, the first that is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--descriptors", type=Path, help="a file with a row an image")
    parser.add_argument("--query-descriptors", type=Path, help="a file with a row a query")
    parser.add_argument("--metric", choices=["cosine", "l1", "l2"], default="cosine")
    parser.add_argument("--partial", action="store_true", help="images and queries may be missing")
    parser.add_argument("-o", "--output", type=Path, help="write every query's scores as CSV")

    lists = parser.add_argument_group("mAP by lists")
    lists.add_argument(
        "--ground-truth",
        type=Path,
        help="folder or archive of the official lists, gnd_*.pkl, or a CSV (docs/data.md)",
    )
    lists.add_argument("--dataset", help="an official data set, such as oxford5k [one of your own]")
    lists.add_argument("--protocol", choices=protocol_names(), help="[the data set's, or original]")

    places = parser.add_argument_group("Recall@N by positions")
    places.add_argument("--model", type=Path, help="a .pvlad or .safetensors model")
    places.add_argument("--database-folder", type=Path, help="the photographs to search")
    places.add_argument("--queries-folder", type=Path, help="the photographs to search for")
    places.add_argument(
        "--positions",
        type=Path,
        help="a CSV image,easting,northing or image,latitude,longitude [in the names]",
    )
    add_setting(places, "--positive-dist-threshold", RecallSettings, "positive_dist_threshold")
    add_setting(places, "--recall-values", RecallSettings, "recall_values")
    places.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")
    add_squeeze(places)
    add_backend(places)
    parser.set_defaults(unset=vars(parser.parse_args([])))


def _task(arguments: argparse.Namespace) -> str:
    """The key of what is to be done. Raises ValueError where options are missing, or have no part
    in it."""
    given = [
        name
        for name, default in arguments.unset.items()
        if name != "output" and getattr(arguments, name) != default
    ]
    keys = [name for name in _TASKS if name in given]
    for name in _LISTS:
        if name in given and "ground_truth" not in given:
            more = f"; {_described_first(arguments.model)}" if "model" in given else ""
            raise ValueError(f"{_option(name)} is for mAP by lists: give --ground-truth, too{more}")
    if not keys:
        raise ValueError(
            "give --ground-truth and --descriptors (mAP by lists), --model and two folders, or "
            "--descriptors and --query-descriptors (Recall@N by positions); see pocketvlad "
            "evaluate --help"
        )
    key = keys[0]
    task = _TASKS[key]
    for name in given:
        if name not in (key, *task.needs, *task.takes):
            remedy = "leave it out"
            if (key, name) == ("ground_truth", "model"):
                remedy = _described_first(arguments.model)
            raise ValueError(f"{_option(name)} has no part in {task.words}; {remedy}")
    for name in task.needs:
        if name not in given:
            raise ValueError(
                f"{task.words} needs {_option(name)}; give it (see pocketvlad evaluate --help)"
            )
    return key


def _described_first(model: Path) -> str:
    """How a model's mAP is had."""
    return (
        "describe its photographs first (pocketvlad describe "
        f"{shlex.quote(str(model))} PHOTOGRAPHS -o descriptors.npz), and give --descriptors "
        "descriptors.npz in place of --model"
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def run(arguments: argparse.Namespace) -> None:
    """Raises DescriptorError, DatasetError, GroundTruthError, ArchiveError, PositionError,
    ImageError or FormatError."""
    import pocketvlad
    from pocketvlad.cli.models import model_of
    from pocketvlad.util.whole_file import write_csv

    task = _task(arguments)
    radius = {name: getattr(arguments, name) for name in _RADIUS}
    if task == "ground_truth":
        result = pocketvlad.evaluate(
            arguments.descriptors,
            arguments.ground_truth,
            query_descriptors=arguments.query_descriptors,
            dataset=arguments.dataset,
            metric=arguments.metric,
            protocol=arguments.protocol,
            partial=arguments.partial,
        )
    elif task == "model":
        result = model_of(arguments.model, backend=arguments.backend).recall(
            arguments.database_folder,
            arguments.queries_folder,
            **radius,
            image_size=arguments.image_size,
            squeeze=arguments.squeeze,
            partial=arguments.partial,
        )
    else:
        result = pocketvlad.recall(
            arguments.descriptors,
            arguments.query_descriptors,
            database_folder=arguments.database_folder,
            queries_folder=arguments.queries_folder,
            metric=arguments.metric,
            **radius,
        )
    print(result)
    if arguments.output:
        table = result.queries()
        write_csv(arguments.output, table)
        print(f"\n{arguments.output}: {counted(table['query'].nunique(), 'query', 'queries')}")
