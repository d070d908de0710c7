"""Score anybody's descriptors, or a model: mAP by lists, or Recall@N by positions.

With --ground-truth descriptors are scored by the official program of Oxford and Paris Buildings.
Without --query-descriptors a query is its whole image's row; with it, its names are those of
queries (all_souls_1; in the revisited protocol, of their images).

Without --ground-truth a query is found where one of its first N answers was taken within 25 metres
of it. Give a --model and two folders of photographs, or descriptors of both. Positions are in the
images' names (@easting@northing@...@.jpg) or in a table.

Descriptors are .npz, HDF5 (.h5) or .npy files, see docs/interoperate.md.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pocketvlad.cli.options import add_setting, add_squeeze
from pocketvlad.data.protocols import protocol_names
from pocketvlad.retrieval.recall import RecallSettings

OUTPUTS = {"output": (".csv",)}

_BY_LISTS = ("dataset", "protocol")
_BY_POSITIONS = ("model", "database_folder", "queries_folder", "positions")
_BY_MODEL = ("image_size", "squeeze")


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


def _require_one_task(arguments: argparse.Namespace) -> None:
    """Raises ValueError where options are missing, or do not go together."""

    def given(names: Sequence[str]) -> list[str]:
        return [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name)]

    by_lists = arguments.ground_truth is not None
    if by_lists and (wrong := given((*_BY_POSITIONS, *_BY_MODEL))):
        raise ValueError(f"{wrong[0]} is for Recall@N; leave it out, or --ground-truth")
    if not by_lists and (wrong := given(_BY_LISTS)):
        raise ValueError(
            f"{wrong[0]} needs --ground-truth, the lists that answers are held against"
        )
    if arguments.model and (wrong := given(("descriptors", "query_descriptors"))):
        raise ValueError(f"{wrong[0]} and --model are two things to score; give one")
    if not arguments.model and (wrong := given(_BY_MODEL)):
        raise ValueError(f"{wrong[0]} needs --model: descriptors are made already")
    if arguments.model:
        needed = ("database_folder", "queries_folder")
    else:
        needed = ("descriptors",) if by_lists else ("descriptors", "query_descriptors")
    if arguments.model and arguments.metric != "cosine":
        raise ValueError(
            f"--metric {arguments.metric}: models are compared by cosines; leave it out"
        )
    if not by_lists and not arguments.model and arguments.partial:
        raise ValueError("--partial is for --ground-truth and --model; leave it out")
    for name in needed:
        if getattr(arguments, name) is None:
            what = "--model" if arguments.model else "--ground-truth" if by_lists else "Recall@N"
            ways = "" if arguments.model or by_lists else "; or --model; or --ground-truth, for mAP"
            raise ValueError(f"{what} needs --{name.replace('_', '-')}{ways}")


def run(arguments: argparse.Namespace) -> None:
    """Raises DescriptorError, DatasetError, GroundTruthError, ArchiveError, PositionError,
    ImageError or FormatError."""
    import pocketvlad
    from pocketvlad.util.atomic import replacing

    _require_one_task(arguments)
    radius = {
        "positions": arguments.positions,
        "positive_dist_threshold": arguments.positive_dist_threshold,
        "recall_values": arguments.recall_values,
    }
    folders = arguments.database_folder, arguments.queries_folder
    if arguments.ground_truth:
        result = pocketvlad.evaluate(
            arguments.descriptors,
            arguments.ground_truth,
            query_descriptors=arguments.query_descriptors,
            dataset=arguments.dataset,
            metric=arguments.metric,
            protocol=arguments.protocol,
            partial=arguments.partial,
        )
    elif arguments.model:
        result = pocketvlad.load(arguments.model).recall(
            *folders,
            **radius,
            image_size=arguments.image_size,
            squeeze=arguments.squeeze,
            partial=arguments.partial,
        )
    else:
        result = pocketvlad.recall(
            arguments.descriptors,
            arguments.query_descriptors,
            database_folder=folders[0],
            queries_folder=folders[1],
            metric=arguments.metric,
            **radius,
        )
    print(result)
    if arguments.output:
        table = result.queries()
        with replacing(arguments.output) as unfinished:
            table.to_csv(unfinished, index=False, float_format="%.6g")
        print(f"\n{arguments.output}: {table['query'].nunique()} queries")
