"""The error of an option that has an impossible value, and the check."""

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


def require_option(cls: type, name: str, value: object) -> None:
    """Hold an option against its declaration: type, bounds, and that it is finite.

    Args:
        cls, name: the dataclass and its field that declare it.

    Raises:
        OptionError: the value does not fit.
    """
    field = declared_field(cls, name)
    # A number of numpy is as good as Python's own.
    plain = value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value
    if not field.fits(plain):
        raise OptionError(name, value, f"give {field.words}")
