"""Options of the command line that are settings: type, default and help are declared there."""

import argparse

from pocketvlad.util.settings import declared_field


def add_setting(parser: argparse.ArgumentParser, option: str, cls: type, name: str) -> None:
    """An option for the field `name` of a dataclass of settings; of several words for a tuple, of
    none for what is false unless told.

    >>> from pocketvlad.compression.rd.settings import RoundingSettings
    >>> parser = argparse.ArgumentParser()
    >>> add_setting(parser, "--crops", RoundingSettings, "crops")
    >>> parser.parse_args([]).crops
    256

    Args:
        parser: or a group of its arguments.
        option: with its dashes.

    Raises:
        ValueError: the field has no default.
    """
    field = declared_field(cls, name)
    if field.required:
        raise ValueError(f"{cls.__name__}.{name} has no default; an option needs one")

    if field.kind is bool and field.default is False:
        meaning = field.value.meaning.replace("%", "%%")
        parser.add_argument(option, action="store_true", help=meaning)
        return

    default = field.default_text
    several = {}
    if field.item is not None:
        default = " ".join(map(str, field.default))
        several = {"nargs": "+", "metavar": "N"}
    default = f" [{default}]" if default else ""
    parser.add_argument(
        option,
        type=field.item or field.kind,
        default=field.default,
        help=f"{field.value.meaning}{default}".replace("%", "%%"),
        **several,
    )


def add_squeeze(parser: argparse.ArgumentParser) -> None:
    """An option that takes the place of --image-size."""
    parser.add_argument(
        "--squeeze",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="height and width of every image, its aspect not kept, in place of --image-size",
    )
