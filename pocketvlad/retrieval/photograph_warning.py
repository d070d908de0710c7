"""The warning about photographs that are passed over."""


class PhotographWarning(UserWarning):
    """A photograph is left out, or the descriptors of a folder cannot be kept."""
