"""The warning about photographs that are passed over."""


class PhotographWarning(UserWarning):
    """A photograph is left out, descriptors of a folder cannot be kept, or a map gets no positions
    though some names have them."""
