"""Ground truth in any of the forms that it comes in."""

import tempfile
from pathlib import Path, PurePath

from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.ground_truth import (
    LIST_SUFFIX,
    GroundTruthError,
    QueryLists,
    read_ground_truth,
)
from pocketvlad.data.protocols import protocols_of_file
from pocketvlad.data.revisited import read_revisited
from pocketvlad.data.unpack import Limits, is_archive, other_kind, unpack

_LIMITS = Limits(file=1 << 24, archive=1 << 28)
"""Of lists of names: the longest official one has 10 KB."""


def read_any_ground_truth(path: Path, protocol: str, query_prefix: str = "") -> list[QueryLists]:
    """The queries of a folder or an archive of official lists, of a gnd_*.pkl or of a CSV.

    Args:
        protocol: the one that the queries are for.
        query_prefix: see `ground_truth.read_ground_truth`.

    Raises:
        GroundTruthError, ArchiveError: missing, none of these, or of another protocol; names
            the file.
    """
    fitting = protocols_of_file(PurePath(path.name))
    if protocol not in fitting:
        known = " or ".join(fitting)
        raise GroundTruthError(
            f"{path} is for the {known} protocol, not for the {protocol} one: its lists mean "
            f"something else; choose {known}, or another ground truth"
        )
    if path.is_dir():
        return read_ground_truth(path, query_prefix)
    suffix = path.suffix.lower()
    if suffix == ".pkl":
        return read_revisited(path)
    if suffix == ".csv":
        return read_csv_ground_truth(path)
    if not path.is_file():
        raise GroundTruthError(f"{path} is {'no file' if path.exists() else 'missing'}")
    if not is_archive(path):
        kind = other_kind(path)
        raise GroundTruthError(
            f"{path} is no ground truth{f', but {kind}' if kind else ''}: give a folder or a tar "
            "archive of *_query.txt, *_good.txt, *_ok.txt and *_junk.txt, a gnd_*.pkl, or a .csv"
        )
    with tempfile.TemporaryDirectory() as folder:
        unpack([path], LIST_SUFFIX, Path(folder) / "lists", _LIMITS)
        try:
            return read_ground_truth(Path(folder) / "lists", query_prefix)
        except GroundTruthError as error:
            inside = str(error).replace(f"{folder}/lists", str(path))
            raise GroundTruthError(inside) from None
