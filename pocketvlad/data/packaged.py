"""Files that come in an installed Python package: urls `package:<distribution>/<path>`.

The path is that within the folder into which packages are installed. No code of the package is run.
"""

import os
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

SCHEME = "package:"


def split(url: str) -> tuple[str, str]:
    """(distribution, path) of a url.

    >>> split("package:weights-of-a-net/weights_of_a_net/net.pth")
    ('weights-of-a-net', 'weights_of_a_net/net.pth')
    """
    name, _, path = url.removeprefix(SCHEME).partition("/")
    return name, path


def packaged_file(url: str) -> Path:
    """Where the file lies, or would lie once the package is installed; relative to the working
    folder, as the environment of a clone is."""
    name, path = split(url)
    try:
        found = distribution(name).locate_file(path)
    except PackageNotFoundError:
        found = Path(sysconfig.get_path("purelib"), path)
    return Path(os.path.relpath(found))
