"""A city's images where their owner keeps them: linked, not copied."""

from collections.abc import Mapping
from pathlib import Path

from pocketvlad.data.dataset import DatasetError
from pocketvlad.data.image_files import Found, walk
from pocketvlad.data.image_names import SUFFIXES, image_name
from pocketvlad.util.whole_folder import replacing_folder


def link_images(folder: Path, target: Path) -> Found:
    """Make `target` a folder of links `<name>.jpg` to every image under `folder`; whole or not at
    all.

    Images are known by their file names without suffix, as in the official lists. Whatever their
    format, their links end in .jpg: those who read them go by the contents.

    Returns:
        the images, and what was passed over.

    Raises:
        DatasetError: there is no image, or two have one name; names both and says what to do.
    """
    found = walk(folder)
    named: dict[str, Path] = {}
    for path in found.images:
        name = image_name(path)
        if name in named:
            raise DatasetError(
                f"{named[name]} and {path} are both called {name!r}: lists name images "
                "without folder and suffix; rename one"
            )
        named[name] = path
    if not named:
        raise DatasetError(
            "\n  ".join(
                [
                    f"{folder} holds no image ({', '.join(sorted(SUFFIXES))}); correct `folder` of "
                    "the data set, or convert what is there",
                    *found.passed_over,
                ]
            )
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(target.absolute()) as unfinished:
        for name, path in named.items():
            (unfinished / f"{name}.jpg").symlink_to(path.absolute())
    return found


def originals(folder: Path) -> dict[str, Path]:
    """The files in a folder of images that was unpacked or linked, by their images' names; of
    links, what they lead to."""
    return {
        path.stem: path.readlink() if path.is_symlink() else path
        for path in sorted(folder.glob("*.jpg"))
    }


def below(files: Mapping[str, Path], folder: Path) -> list[str]:
    """The images that lie in a folder, or in one within it.

    Args:
        files: as `originals` gives them.
    """
    place = folder.absolute()
    return [name for name, path in files.items() if place in path.parents]
