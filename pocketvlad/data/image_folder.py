"""A city's images where their owner keeps them: linked, not copied."""

from pathlib import Path

from pocketvlad.data.dataset import DatasetError
from pocketvlad.data.image_files import SUFFIXES, find_images


def link_images(folder: Path, target: Path) -> int:
    """Make `target` a folder of links `<name>.jpg` to every image under `folder`.

    Images are known by their file names without suffix, as in the official lists. Whatever their
    format, their links end in .jpg: those who read them go by the contents.

    Returns:
        how many images there are.

    Raises:
        DatasetError: there is no image, or two have one name; names both and says what to do.
    """
    named: dict[str, Path] = {}
    for path in find_images(folder):
        if path.stem in named:
            raise DatasetError(
                f"{named[path.stem]} and {path} are both called {path.stem!r}: lists name images "
                "without folder and suffix; rename one"
            )
        named[path.stem] = path
    if not named:
        raise DatasetError(
            f"{folder} holds no image ({', '.join(sorted(SUFFIXES))}); correct `folder` of the "
            "data set, or convert what is there"
        )
    target.mkdir(parents=True, exist_ok=True)
    for name, path in named.items():
        (target / f"{name}.jpg").symlink_to(path.absolute())
    return len(named)


def originals(folder: Path) -> list[Path]:
    """The files in a folder of images that was unpacked or linked; of links, what they lead to."""
    return [path.readlink() if path.is_symlink() else path for path in sorted(folder.glob("*.jpg"))]
