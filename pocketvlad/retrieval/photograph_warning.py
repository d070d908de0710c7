"""The warning about photographs: what is passed over, and what is odd in one."""


class PhotographWarning(UserWarning):
    """A photograph is left out, the box in one reaches far outside of it, descriptors of a folder
    cannot be kept, or a map gets no positions though some names have them."""
