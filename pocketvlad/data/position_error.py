"""The error of positions that are missing or wrong."""


class PositionError(ValueError):
    """It is not known where images were taken; the message names the file and the remedy."""
