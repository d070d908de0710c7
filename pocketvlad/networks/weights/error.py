"""The error of everything that reads initial weights."""


class WeightsError(ValueError):
    """A weights file cannot be read or does not fit; the message names file and layer."""
