"""Find the images of a folder that show the same place as a query.

The folder is described once; its descriptors are kept in a hidden file in it. Similarity is the
cosine: 1 is the same picture.
"""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument("query", type=Path, metavar="QUERY", help="an image file")
    parser.add_argument("--database", type=Path, required=True, help="the folder to search")
    parser.add_argument(
        "--box",
        type=float,
        nargs=4,
        metavar=("X1", "Y1", "X2", "Y2"),
        help="the part of the query that counts, in pixels",
    )
    parser.add_argument("--top", type=int, default=5, help="how many answers [5]")
    parser.add_argument("--figure", type=Path, help="write the query and its answers as a picture")
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError or ImageError, naming the file."""
    from pocketvlad.networks.model import read_model
    from pocketvlad.report.contact_sheet import contact_sheet
    from pocketvlad.retrieval.describe import describe
    from pocketvlad.retrieval.photo_index import indexed
    from pocketvlad.retrieval.photographs import decodable, model_sizing, photograph, photographs
    from pocketvlad.retrieval.provenance import provenance
    from pocketvlad.retrieval.ranking import distances, rank

    if arguments.top < 1:
        raise ValueError(f"--top {arguments.top}: ask for one answer or more")
    folder = arguments.database
    model = read_model(arguments.file)
    sizing = model_sizing(model, arguments.image_size)
    box = tuple(arguments.box) if arguments.box else None
    query = photograph(arguments.query, model, sizing, box)
    found, faults = photographs(folder, model, sizing)

    def described(some, label="index"):
        return describe(model.network, some, sizing, model.preprocessing, label=label)

    wanted = described([query], "query")[0]
    pictures, descriptors, more = indexed(
        folder,
        list(found.values()),
        provenance(arguments.file, model.preprocessing, sizing),
        described,
        lambda picture: decodable(picture, sizing),
    )
    for fault in faults + more:
        print(f"left out: {fault}", file=sys.stderr)
    if not pictures:
        raise ValueError(f"{folder}: none of its images can be described")
    likeness = -distances(wanted[None], descriptors)[0]
    best = rank(-likeness)[: arguments.top]
    answers = [(pictures[row].path, float(likeness[row])) for row in best]
    for place, (path, score) in enumerate(answers, start=1):
        print(f"{place:3d}  {score:6.3f}  {path}")
    if arguments.figure:
        contact_sheet(query, answers, arguments.figure)
        print(f"figure: {arguments.figure}")
