"""The one error of a model file that cannot be read."""


class FormatError(ValueError):
    """A model file is damaged, truncated, hostile, not one of ours, or of an unknown version."""
