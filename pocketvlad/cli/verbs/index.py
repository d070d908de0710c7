"""Make a map of a folder's photographs, or bring one up to date.

Photographs that are new or changed are described, the others are not; those that are gone are
removed. A killed run goes on where it was. `search --database` takes the map in place of a folder.
Where all photographs' names have positions (@easting@northing@...@.jpg), the map keeps them.
"""

import argparse
from pathlib import Path

from pocketvlad.api.defaults import CODE, SEED, Options
from pocketvlad.cli.models import add_backend
from pocketvlad.cli.options import add_setting, add_squeeze
from pocketvlad.cli.positions import add_positions
from pocketvlad.util.counted import counted

OUTPUTS = {"output": (".pvmap",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model")
    parser.add_argument(
        "--database", type=Path, required=True, metavar="FOLDER", help="the photographs"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .pvmap file")
    parser.add_argument(
        "--code",
        help="as which bytes descriptors are kept, such as pq32 or int8-128 (docs/map.md) [that of "
        f"the map that is there, else {CODE}]",
    )
    parser.add_argument(
        "--training",
        type=Path,
        metavar="FOLDER",
        help="photographs that the code of a new map is learnt from [those of the map]",
    )
    add_setting(parser, "--lists", Options, "lists")
    add_positions(parser)
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")
    add_squeeze(parser)
    add_backend(parser)
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed, the same file [%(default)s]"
    )


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError, ImageError, MapError, PositionError or JournalError, naming the file."""
    import pocketvlad
    from pocketvlad.cli.models import model_of
    from pocketvlad.util.size import MEGABYTE

    made = pocketvlad.index(
        model_of(arguments.file, backend=arguments.backend),
        arguments.database,
        arguments.output,
        code=arguments.code,
        training=arguments.training,
        lists=arguments.lists,
        positions=arguments.positions,
        image_size=arguments.image_size,
        squeeze=arguments.squeeze,
        seed=arguments.seed,
    )
    if made.note:
        print(made.note)
    print(
        f"{arguments.output}: {counted(made.places, 'place')}, {made.described} described now, "
        f"{made.removed} removed; {made.code}, {made.size / MEGABYTE:.2f} MB, "
        f"{'with' if made.located else 'without'} positions"
    )
