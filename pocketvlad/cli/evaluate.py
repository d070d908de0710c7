"""Score anybody's descriptors by the official program of Oxford and Paris Buildings.

Descriptors are .npz files with `names` (of images) and `descriptors` (a row each). Without
--query-descriptors a query is its whole image's row; with it, `names` there are names of queries
(all_souls_1; in the revisited protocol, of their images).
"""

import argparse
from pathlib import Path

from pocketvlad.data.protocols import protocol_names


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
    from pocketvlad.data.dataset import describe_counts, index_dataset
    from pocketvlad.data.declarations import declared_dataset
    from pocketvlad.data.ground_truth_files import read_any_ground_truth
    from pocketvlad.data.protocols import protocol_named
    from pocketvlad.retrieval.descriptor_file import (
        read_descriptors,
        require_comparable,
        unit_length,
    )
    from pocketvlad.retrieval.ranking import rankings
    from pocketvlad.retrieval.score_table import landmark_table, query_table
    from pocketvlad.retrieval.scores import score_rankings
    from pocketvlad.util.atomic import replacing

    declared = declared_dataset(arguments.dataset) if arguments.dataset else {}
    usual = declared.get("protocol", "original")
    protocol = arguments.protocol or usual
    lists = read_any_ground_truth(
        arguments.ground_truth, protocol, declared.get("query_prefix", "")
    )
    descriptors = read_descriptors(arguments.descriptors)
    files = [descriptors]
    if arguments.query_descriptors:
        files.append(read_descriptors(arguments.query_descriptors))
        require_comparable(*files)
    if arguments.metric == "cosine":
        files = [unit_length(each) for each in files]
    names = set(descriptors.names)
    if arguments.query_descriptors and protocol_named(protocol).outside:
        names |= {query.image for query in lists}  # their images need no row in the database
    dataset = index_dataset(
        arguments.dataset or arguments.ground_truth.stem,
        dict.fromkeys(names, (1, 1)),  # of their sizes nothing is asked
        lists,
        protocol=protocol,
        expected_images=declared.get("expected_images"),
        # Those of the other protocol are others.
        expected_queries=declared.get("expected_queries") if protocol == usual else None,
        leave_out=declared.get("leave_out", ()),
        partial=arguments.partial,
    )
    if arguments.query_descriptors:
        queries = files[1].of([query.name for query in dataset.queries])
    else:
        queries = files[0].of([query.image for query in dataset.queries])
    ranked = rankings(queries, dataset.images, files[0].of(dataset.images), arguments.metric)
    scores = score_rankings(dataset.queries, ranked, protocol)
    print(f"{dataset.name}: {describe_counts(dataset.counts())}\n")
    print(landmark_table(dataset.queries, scores))
    if arguments.output:
        with replacing(arguments.output) as unfinished:
            table = query_table(dataset.queries, scores)
            table.to_csv(unfinished, index=False, float_format="%.6g")
        print(f"\n{arguments.output}: {len(dataset.queries)} queries")
