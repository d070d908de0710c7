"""Options of the command line that are settings: type, default and help are declared there."""

import argparse

from pocketvlad.util.settings import declared_field


def add_setting(parser: argparse.ArgumentParser, option: str, cls: type, name: str) -> None:
    """An option for the field `name` of a dataclass of settings.

    >>> from pocketvlad.compression.rd.settings import RoundingSettings
    >>> parser = argparse.ArgumentParser()
    >>> add_setting(parser, "--crops", RoundingSettings, "crops")
    >>> parser.parse_args([]).crops
    256

    Args:
        option: with its dashes.

    Raises:
        ValueError: the field has no default.
    """
    field = declared_field(cls, name)
    if field.required:
        raise ValueError(f"{cls.__name__}.{name} has no default; an option needs one")

    default = f" [{field.default_text}]" if field.default_text else ""
    parser.add_argument(
        option,
        type=field.kind,
        default=field.default,
        help=f"{field.value.meaning}{default}".replace("%", "%%"),
    )
