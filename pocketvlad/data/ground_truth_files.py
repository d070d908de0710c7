"""Ground truth in any of the forms that it comes in."""

import tarfile
import tempfile
from pathlib import Path, PurePath

from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.ground_truth import GroundTruthError, QueryLists, read_ground_truth
from pocketvlad.data.protocols import protocols_of_file
from pocketvlad.data.revisited import read_revisited
from pocketvlad.data.unpack import unpack


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
    if path.suffix == ".pkl":
        return read_revisited(path)
    if path.suffix == ".csv":
        return read_csv_ground_truth(path)
    if not path.is_file():
        raise GroundTruthError(f"{path} is missing")
    if not tarfile.is_tarfile(path):
        raise GroundTruthError(
            f"{path} is no ground truth: give a folder or an archive of *_query.txt, *_good.txt, "
            "*_ok.txt and *_junk.txt, a gnd_*.pkl, or a .csv"
        )
    with tempfile.TemporaryDirectory() as folder:
        unpack([path], ".txt", Path(folder) / "lists")
        return read_ground_truth(Path(folder) / "lists", query_prefix)
