"""Show a city that `pack` has made to a browser on this machine, until Ctrl-C.

Nothing is computed here: the page does it. Other machines cannot reach it.
"""

import argparse
from pathlib import Path

OUTPUTS = {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("city", type=Path, metavar="CITY", help="its folder or city.json")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one [%(default)s]")


def run(arguments: argparse.Namespace) -> None:
    """Raises FormatError, PageError or OptionError, naming the folder or the port."""
    from pocketvlad.api.loading import city_folder
    from pocketvlad.packing.city_server import address, city_server
    from pocketvlad.packing.page_files import require_page
    from pocketvlad.portable.city_folder import read_city_folder
    from pocketvlad.util.foreign import reason
    from pocketvlad.util.option_error import OptionError

    folder = city_folder(arguments.city)
    city = read_city_folder(folder)
    require_page(folder)
    try:
        server = city_server(folder, arguments.port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or reason(error)
        raise OptionError(
            "port", arguments.port, f"{why}; give another, or 0 for any that is free"
        ) from None
    with server:
        print(f"{city.title or folder}: {address(server)} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
