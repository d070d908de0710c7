"""Make a city: a folder of static files that recognises its places in a browser.

Model, map, thumbnails, names and the page, which computes on the visitor's device. `pocketvlad
serve` shows it, any static host publishes it, and `pocketvlad search` takes it without torch. The
same command again describes only what is new or has changed.
"""

import argparse
import shlex
from pathlib import Path

from pocketvlad.api.defaults import CODE, SEED
from pocketvlad.cli.models import add_backend
from pocketvlad.cli.positions import add_positions

OUTPUTS = {"output": ()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad model")
    parser.add_argument(
        "--database", type=Path, required=True, metavar="FOLDER", help="the photographs"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="the city"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        help="a CSV image,name: what people call the place that a photograph shows [its file's "
        "name]",
    )
    parser.add_argument("--title", help="what people call the city [the folder's name]")
    parser.add_argument(
        "--code",
        help="as which bytes descriptors are kept, such as pq32 or int8-128 (docs/map.md) [that of "
        f"the city that is there, else {CODE}]",
    )
    add_positions(parser)
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")
    add_backend(parser)
    parser.add_argument("--no-page", action="store_true", help="leave out the page and its runtime")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed, the same city [%(default)s]"
    )


def run(arguments: argparse.Namespace) -> None:
    """Raises CityError, FormatError, ImageError, PageError, PlaceNameError or others of `index`."""
    import pocketvlad
    from pocketvlad.cli.models import model_of

    made = pocketvlad.pack(
        model_of(arguments.file, backend=arguments.backend),
        arguments.database,
        arguments.output,
        labels=arguments.labels,
        title=arguments.title,
        code=arguments.code,
        positions=arguments.positions,
        image_size=arguments.image_size,
        page=not arguments.no_page,
        seed=arguments.seed,
    )
    print(made.summary)
    city = shlex.quote(str(arguments.output))
    if arguments.no_page:
        print(f"to search it: pocketvlad search {city} PHOTOGRAPH")
    else:
        print(f"to see it: pocketvlad serve {city}")
