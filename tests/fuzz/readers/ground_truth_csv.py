"""Ground truth as a table."""

from collections.abc import Iterator
from pathlib import Path

from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.ground_truth import GroundTruthError

SUFFIX = ".csv"
ERRORS = GroundTruthError


def read(path: Path) -> None:
    read_csv_ground_truth(path)


def seeds() -> Iterator[bytes]:
    head = "query,x1,y1,x2,y2,image,label\n"
    yield f"{head}a,0,0,9,9,b,good\nin/a.jpg,0,0,9,9,c,ok\n".encode()
    yield f'{head}"a, b",0,0,9,9,b,junk\r\nb,1e3,0,9e9,9,K\u00f6ln,good\n'.encode("utf-16")
