"""The error of an option that has an impossible value."""


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
