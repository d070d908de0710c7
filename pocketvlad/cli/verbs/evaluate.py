"""Score anybody's descriptors by the official program of Oxford and Paris Buildings.

Descriptors are .npz files with `names` (of images) and `descriptors` (a row each). Without
--query-descriptors a query is its whole image's row; with it, `names` there are names of queries
(all_souls_1; in the revisited protocol, of their images).
"""

import argparse
from pathlib import Path

from pocketvlad.data.protocols import protocol_names

OUTPUTS = {"output": (".csv",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset", help="an official data set, such as oxford5k [one of your own]"
    )
    parser.add_argument(
        "--ground-truth",
        type=Path,
        required=True,
        help="folder or archive of the official lists, gnd_*.pkl, or a CSV (docs/data.md)",
    )
    parser.add_argument("--descriptors", type=Path, required=True, help="an .npz file")
    parser.add_argument("--query-descriptors", type=Path, help="an .npz file, a row a query")
    parser.add_argument("--metric", choices=["cosine", "l1", "l2"], default="cosine")
    parser.add_argument(
        "--protocol", choices=protocol_names(), help="[the data set's, or original]"
    )
    parser.add_argument("--partial", action="store_true", help="images and queries may be missing")
    parser.add_argument("-o", "--output", type=Path, help="write every query's scores as CSV")


def run(arguments: argparse.Namespace) -> None:
    """Raises DescriptorError, DatasetError, GroundTruthError or ArchiveError."""
    import pocketvlad
    from pocketvlad.util.atomic import replacing

    result = pocketvlad.evaluate(
        arguments.descriptors,
        arguments.ground_truth,
        query_descriptors=arguments.query_descriptors,
        dataset=arguments.dataset,
        metric=arguments.metric,
        protocol=arguments.protocol,
        partial=arguments.partial,
    )
    print(result)
    if arguments.output:
        with replacing(arguments.output) as unfinished:
            result.queries().to_csv(unfinished, index=False, float_format="%.6g")
        print(f"\n{arguments.output}: {len(result.dataset.queries)} queries")
