"""The option that says where photographs were taken."""

import argparse
from pathlib import Path

from pocketvlad.data.sections import IN_NAMES
from pocketvlad.maps.map_settings import NO_POSITIONS


def _positions(text: str) -> str | Path:
    """A word, or a file; that of such a name is typed as ./names."""
    return text if text in (IN_NAMES, NO_POSITIONS) else Path(text)


def add_positions(parser: argparse.ArgumentParser) -> None:
    """Of a verb that makes a map."""
    parser.add_argument(
        "--positions",
        type=_positions,
        help="where the photographs were taken: a CSV image,easting,northing or "
        f"image,latitude,longitude; {IN_NAMES}: their names say it; {NO_POSITIONS}: the map keeps "
        f"none [as in the map that is there, else {IN_NAMES} where these have positions]",
    )
