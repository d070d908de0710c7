"""Positions of images as a table."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.positions import positions_in_table

SUFFIX = ".csv"
ERRORS = PositionError


def read(path: Path) -> None:
    table = read_csv_positions(path)
    assert np.isfinite(table.metres).all()
    positions_in_table(table, ["a.jpg", "in/a.jpg", "in/b.jpg"], "D")


def seeds() -> Iterator[bytes]:
    yield b"image,easting,northing\na.jpg,548000.5,4180000\nin/a.jpg,1,2\nin/b,1e5,-2\n"
    yield "\ufefflongitude,latitude,image\r\n2.3,48.8,K\u00f6ln\r\n".encode()
