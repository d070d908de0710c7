"""Find the images of a folder, a map or a city that show the same place as a query.

A folder is described once; its descriptors are kept in a hidden file in it. `pocketvlad index`
makes a map. Similarity is the cosine: 1 is the same picture, up to the rounding of a map's code.
Where a map has positions, easting and northing follow the path, in metres. A city's folder is model
and map in one; onnxruntime computes it, whatever --backend says, and it takes no torch.
"""

import argparse
from pathlib import Path

from pocketvlad.api.defaults import ANSWERS, Options
from pocketvlad.cli.models import add_backend
from pocketvlad.cli.options import add_setting, add_squeeze

OUTPUTS = {"figure": (".png", ".jpg", ".jpeg", ".svg", ".pdf", ".webp", ".tif", ".tiff")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .pvlad or .safetensors model, or a city")
    parser.add_argument("query", type=Path, metavar="QUERY", help="an image file")
    parser.add_argument(
        "--database", type=Path, help="a folder or a .pvmap file; of a city a .pvmap file [its own]"
    )
    parser.add_argument(
        "--box",
        type=float,
        nargs=4,
        metavar=("X1", "Y1", "X2", "Y2"),
        help="the part of the query that counts, in pixels",
    )
    parser.add_argument("--top", type=int, default=ANSWERS, help="how many answers [%(default)s]")
    parser.add_argument("--figure", type=Path, help="write the query and its answers as a picture")
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="FOLDER",
        help="of a map, before the paths of its answers; --figure needs it",
    )
    add_setting(parser, "--probes", Options, "probes")
    parser.add_argument("--image-size", type=int, help="longest side in pixels [the model's]")
    add_squeeze(parser)
    add_backend(parser)


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError, ImageError or MapError, naming the file."""
    import pocketvlad
    from pocketvlad.api.answers import require_figure
    from pocketvlad.api.arguments import require_of_map
    from pocketvlad.api.loading import is_city
    from pocketvlad.util.option_error import OptionError
    from pocketvlad.util.shown import shown

    of_city = is_city(arguments.file)
    if arguments.database is None and not of_city:
        raise OptionError("database", None, "name a folder or a .pvmap file to search in")
    sizing = {"image_size": arguments.image_size, "squeeze": arguments.squeeze}
    for option, value in sizing.items():
        if of_city and value is not None:
            raise OptionError(option, value, "a city has its own size of images; leave it out")
    if arguments.figure:
        require_figure(arguments.figure)
        of_map = arguments.database is None or arguments.database.is_file()
        if of_map and arguments.photographs is None:
            raise OptionError(
                "photographs", None, "name the folder of the map's photographs for --figure"
            )
    of_folder = arguments.database is not None and arguments.database.is_dir()
    require_of_map(arguments.photographs, of_folder)
    if arguments.photographs is not None and not arguments.photographs.is_dir():
        raise OptionError(
            "photographs", arguments.photographs, "it is no folder; give that of the map"
        )
    answers = pocketvlad.load(arguments.file, backend=arguments.backend).search(
        arguments.query,
        arguments.database,
        box=tuple(arguments.box) if arguments.box else None,
        top=arguments.top,
        photographs=arguments.photographs,
        probes=arguments.probes,
        **({} if of_city else sizing),
    )
    for place, answer in enumerate(answers, start=1):
        at = "  {:.1f} {:.1f}".format(*answer.position) if answer.position else ""
        similarity = min(1.0, answer.similarity)  # a code's rounding may take it above
        print(f"{place:3d}  {similarity:6.3f}  {shown(answer.path)}{at}")
    if arguments.figure:
        answers.draw(arguments.figure)
        print(f"figure: {arguments.figure}")
