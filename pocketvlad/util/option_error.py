"""The error of an option that has an impossible value, and the check."""

from typing import Any

from pocketvlad.util.settings import declared_field


class OptionError(ValueError):
    """An option of a function has a value that cannot be.

    The command writes such an option as its users do, `--image-size` for `image_size`.

    >>> str(OptionError("trials", 0, "give more than 0"))
    'trials=0: give more than 0'
    """

    def __init__(self, option: str, value: object, remedy: str) -> None:
        super().__init__(f"{option}={value}: {remedy}")
        self.option = option
        self.value = value
        self.remedy = remedy


def _plain(value: object) -> Any:
    """A number or an array of numpy is as good as Python's own, and a list as a tuple."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def require_option(cls: type, name: str, value: object) -> Any:
    """Hold an option against its declaration: type, bounds, and that it is finite.

    Args:
        cls, name: the dataclass and its field that declare it.

    Returns:
        the value, in Python's own numbers and tuples.

    Raises:
        OptionError: the value does not fit.
    """
    field = declared_field(cls, name)
    plain = _plain(value)
    if not field.fits(plain):
        raise OptionError(name, plain, f"give {field.words}")
    return plain
